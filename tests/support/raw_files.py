"""Examples written as the published files of each set are: the true formats, tiny."""

import bz2
import gzip
import io
import struct
import tarfile
import zipfile
from collections import Counter

import numpy as np
import scipy.io

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
