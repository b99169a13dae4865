"""Tiny raw files of all twelve sets in their true formats, and a server to fetch them from."""

import bz2
import gzip
import hashlib
import http.server
import io
import os
import struct
import tarfile
import threading
import zipfile
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image

from experiments.datasets.catalogue import CATALOGUE

# gzip headers Debian's packaging dropped: the time stamps of the official files.
FASHION_TIMES = {"train": 1504176606, "t10k": 1504176627}

TINY_SIZES = {"train": 10, "test": 5}
NATIVE = {"usps": 16, "semeion": 16, "stl10": 96, "cifar10": 32, "cifar100": 32, "svhn": 32}
MEMBERS_10 = [f"cifar-10-batches-bin/data_batch_{part}.bin" for part in range(1, 6)]


def idx_bytes(array):
    code = {"uint8": 0x08, "int32": 0x0C}[array.dtype.name]
    header = struct.pack(">HBB", 0, code, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(header + array.astype(array.dtype.newbyteorder(">")).tobytes())


def tar_bytes(entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in entries:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def zip_bytes(entries):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


def ppm_bytes(image):
    height, width, _ = image.shape
    return b"P6\n%d %d\n255\n" % (width, height) + image.tobytes()


def libsvm_bytes(images, labels):
    """Values from -1 to 1, half a grey step above each pixel: only truncation gives it back."""
    lines = []
    for image, label in zip(images, labels, strict=True):
        values = " ".join(
            f"{i}:{min(1.0, (v + 0.5) / 127.5 - 1):.6f}"
            for i, v in enumerate(image.reshape(-1).tolist(), start=1)
        )
        lines.append(f"{label + 1} {values} \n")
    return bz2.compress("".join(lines).encode())


def semeion_bytes(images, labels):
    lines = []
    for image, label in zip(images, labels, strict=True):
        pixels = "".join(f"{value / 255:.4f} " for value in image.reshape(-1).tolist())
        lines.append(pixels + "".join(f"{int(label == k)} " for k in range(10)) + "\r\n")
    return "".join(lines).encode()


def mat_bytes(images, labels):
    out = io.BytesIO()
    stored = np.where(labels == 0, 10, labels).astype(np.uint8)[:, np.newaxis]
    pixels = np.stack(images).transpose(1, 2, 3, 0)
    scipy.io.savemat(out, {"X": pixels, "y": stored}, do_compression=True)
    return out.getvalue()


def cifar_records(images, labels, coarse):
    return b"".join(
        (b"\x03" if coarse else b"") + bytes([label]) + image.transpose(2, 0, 1).tobytes()
        for image, label in zip(images, labels.tolist(), strict=True)
    )


def raw_files(name, data):
    """Write a set's files in their true format: published file key -> bytes."""
    if name in ("mnist", "fashion_mnist", "kmnist", "qmnist"):
        files = {}
        for split, (images, labels) in data.items():
            stored = labels.astype(np.uint8)
            if name == "qmnist":  # eight columns, the class first
                others = np.arange(7 * len(labels)).reshape(-1, 7)
                stored = np.column_stack([labels, others]).astype(np.int32)
            files[f"{split}_images"] = idx_bytes(np.stack(images))
            files[f"{split}_labels"] = idx_bytes(stored)
        return files
    if name == "emnist":
        entries = [("gzip/emnist-letters-train-images-idx3-ubyte.gz", b"another split")]
        for split, (images, labels) in data.items():
            base = f"gzip/emnist-mnist-{split}"
            entries.append((f"{base}-images-idx3-ubyte.gz", idx_bytes(np.stack(images))))
            entries.append((f"{base}-labels-idx1-ubyte.gz", idx_bytes(labels.astype(np.uint8))))
        return {"archive": zip_bytes(entries)}
    if name == "usps":
        return {split: libsvm_bytes(*pair) for split, pair in data.items()}
    if name == "semeion":
        return {"data": semeion_bytes(*data["train"])}
    if name == "svhn":
        return {split: mat_bytes(*pair) for split, pair in data.items()}
    if name == "stl10":
        entries = [("stl10_binary/class_names.txt", b"airplane\n")]
        for split, (images, labels) in data.items():
            pixels = b"".join(image.transpose(2, 1, 0).tobytes() for image in images)
            entries.append((f"stl10_binary/{split}_X.bin", pixels))
            entries.append((f"stl10_binary/{split}_y.bin", (labels + 1).astype(np.uint8).tobytes()))
        entries.append(("stl10_binary/unlabeled_X.bin", bytes(30 * 27648)))
        return {"archive": tar_bytes(entries)}
    if name == "cifar10":
        images, labels = data["train"]
        entries = [
            (member, cifar_records(images[2 * k : 2 * k + 2], labels[2 * k : 2 * k + 2], False))
            for k, member in enumerate(MEMBERS_10)
        ]
        entries.append(("cifar-10-batches-bin/test_batch.bin", cifar_records(*data["test"], False)))
        # The published archive does not hold its batches in order either.
        return {"archive": tar_bytes([entries[i] for i in (3, 0, 5, 4, 1, 2)])}
    if name == "cifar100":
        entries = [(f"cifar-100-binary/{s}.bin", cifar_records(*p, True)) for s, p in data.items()]
        return {"archive": tar_bytes([("cifar-100-binary/fine_label_names.txt", b"x"), *entries])}
    assert name == "gtsrb"
    images, labels = data["train"]
    counts = Counter()
    train = [("GTSRB/Readme-Images.txt", b"read me")]
    for image, label in zip(images, labels.tolist(), strict=True):
        folder = f"GTSRB/Training/{label:05d}"
        train.append((f"{folder}/00000_{counts[label]:05d}.ppm", ppm_bytes(image)))
        counts[label] += 1
    train += [(f"GTSRB/Training/{k:05d}/GT-{k:05d}.csv", b"Filename;ClassId\n") for k in counts]
    images, labels = data["test"]
    base = "GTSRB/Final_Test/Images"
    test = [(f"{base}/{n:05d}.ppm", ppm_bytes(image)) for n, image in enumerate(images)]
    rows = [f"{n:05d}.ppm;53;54;6;5;48;49;{label}\n" for n, label in enumerate(labels.tolist())]
    csv = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n" + "".join(rows)
    return {
        "train": zip_bytes(train[::-1]),  # the order in the zip must not matter
        "test_images": zip_bytes(test[::-1]),
        "test_labels": zip_bytes([("GT-final_test.csv", csv.encode())]),
    }


def random_examples(name, count, rng):
    """Images of the set's own size, and labels; training labels of GTSRB sorted, as published."""
    spec = CATALOGUE[name]
    labels = np.sort(rng.integers(0, len(spec.class_names), count))
    labels = labels if name == "gtsrb" else rng.permutation(labels)
    images = []
    for _ in range(count):
        sides = rng.integers(15, 60, 2) if name == "gtsrb" else [NATIVE.get(name, 28)] * 2
        shape = tuple(sides) + ((3,) if spec.channels == 3 else ())
        if name == "semeion":
            images.append((rng.integers(0, 2, shape) * 255).astype(np.uint8))
        else:
            images.append(rng.integers(0, 256, shape, dtype=np.uint8))
    return images, labels


def shrunk(images):
    """Resize as torchvision's Resize((32, 32)) does to a PIL image."""
    out = [np.asarray(Image.fromarray(i).resize((32, 32), Image.BILINEAR)) for i in images]
    return np.stack(out).reshape(len(out), 32, 32, -1)


@dataclass
class Tiny:
    """A tiny set: its facts, its files' bytes by name, and what reading it must give."""

    spec: object
    contents: dict
    images: dict = field(default_factory=dict)
    labels: dict = field(default_factory=dict)

    def write(self, folder):
        """Put the files into a folder as if fetched by hand; paths by key."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.contents.items():
            (folder / name).write_bytes(content)
        return {key: folder / file.name for key, file in self.spec.files.items()}


@pytest.fixture(scope="session")
def tiny_set():
    """Make a tiny set: tiny_set(name, base="http://…/", change=None, seed=0) -> Tiny.

    `classes` alternates so many classes instead of drawing labels; `copied` makes training
    images copies of others: {number: number of the original}.

    `change(key, bytes) -> bytes` damages a file after its checksum was taken from the damaged
    bytes, so that what refuses it is the reader.
    """

    def make(name, base="http://127.0.0.1:9/", change=None, seed=0, classes=None, copied=None):
        spec = CATALOGUE[name]
        rng = np.random.default_rng([seed, list(CATALOGUE).index(name)])
        sizes = {split: TINY_SIZES[split] for split in spec.sizes}
        data = {split: random_examples(name, count, rng) for split, count in sizes.items()}
        if classes is not None:
            data = {split: (i, np.arange(len(i)) % classes) for split, (i, _) in data.items()}
        for copy, original in (copied or {}).items():
            data["train"][0][copy] = data["train"][0][original]
        raw = raw_files(name, data)
        if change is not None:
            raw = {key: change(key, content) for key, content in raw.items()}
        files = {
            key: replace(
                spec.files[key],
                urls=(f"{base}{name}/{spec.files[key].name}",),
                size=len(content),
                md5=hashlib.md5(content).hexdigest(),
                # sets with no published sha256 are checked by md5 alone, here too
                sha256=spec.files[key].sha256 and hashlib.sha256(content).hexdigest(),
            )
            for key, content in raw.items()
        }
        tiny = Tiny(
            replace(spec, sizes=sizes, files=files),
            {spec.files[key].name: content for key, content in raw.items()},
        )
        for split, (images, labels) in data.items():
            tiny.images[split], tiny.labels[split] = shrunk(images), labels
        return tiny

    return make


class Server:
    """Serves files from a folder on the loopback, remembering what was asked for."""

    def __init__(self, folder):
        self.folder, self.asked = folder, []
        self.answer = None  # a function(handler) -> bool: True when it has answered itself

        class Handler(http.server.SimpleHTTPRequestHandler):
            def do_GET(handler):
                self.asked.append(handler.path)
                if self.answer is None or not self.answer(handler):
                    super().do_GET()

            def log_message(handler, *args):
                pass

        def handler(*args):
            return Handler(*args, directory=str(folder))

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def offer(self, tiny):
        tiny.write(self.folder / tiny.spec.name)

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server(tmp_path):
    served = Server(tmp_path / "served")
    served.folder.mkdir()
    yield served
    served.close()


@pytest.fixture(scope="session")
def fashion_mnist_folder():
    """The folder of Debian's dataset-fashion-mnist; skips where it is not installed."""
    default = "/usr/share/datasets/fashion-mnist"
    folder = Path(os.environ.get("THERMOLION_FASHION_MNIST", default))
    if not (folder / "train-images-idx3-ubyte.gz").is_file():
        pytest.skip(
            "Debian's dataset-fashion-mnist is not here (THERMOLION_FASHION_MNIST names it)"
        )
    return folder


@pytest.fixture(scope="session")
def official_fashion_mnist(fashion_mnist_folder, tmp_path_factory):
    """A folder of Debian's files with their official gzip headers: flag, time and name."""
    folder = tmp_path_factory.mktemp("fashion_mnist")
    for file in CATALOGUE["fashion_mnist"].files.values():
        content = (fashion_mnist_folder / file.name).read_bytes()
        assert content[:4] == b"\x1f\x8b\x08\x00"
        time = struct.pack("<I", FASHION_TIMES[file.name.split("-")[0]])
        header = content[:3] + b"\x08" + time + content[8:10] + file.name[:-3].encode() + b"\0"
        (folder / file.name).write_bytes(header + content[10:])
    return folder
