"""Tiny raw files of all twelve sets in their true formats, and a server to fetch them from."""

import hashlib
import http.server
import os
import struct
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from raw_files import raw_files

from experiments.datasets.catalogue import CATALOGUE

# gzip headers Debian's packaging dropped: the time stamps of the official files.
FASHION_TIMES = {"train": 1504176606, "t10k": 1504176627}

TINY_SIZES = {"train": 10, "test": 5}
NATIVE = {"usps": 16, "semeion": 16, "stl10": 96, "cifar10": 32, "cifar100": 32, "svhn": 32}


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
