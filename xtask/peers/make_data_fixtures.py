"""What Python's own tools write, for eos-data's tests: python make_data_fixtures.py FOLDER

Small files by pickle, NumPy and SciPy, and one pickle laid out opcode by opcode as Python 2's
cPickle wrote the distributed CIFAR batches. Pixels follow one formula, so that the tests can tell
each of them: pixel j of image i is (7 i + 13 j) mod 251.
"""

import gzip
import pickle
import struct
import sys
from pathlib import Path

import numpy as np
import scipy.io

PIXELS = 3 * 32 * 32


def images(count: int) -> np.ndarray:
    i, j = np.arange(count)[:, None], np.arange(PIXELS)[None, :]
    return ((7 * i + 13 * j) % 251).astype(np.uint8)


def save(path: Path, content: bytes) -> None:
    # No name and no time in the gzip header: the same content gives the same file.
    path.write_bytes(gzip.compress(content, mtime=0))


def python2_batch(data: np.ndarray, labels: list[int]) -> bytes:
    """The opcodes of Python 2.7's cPickle, protocol 2, for a batch of CIFAR-10."""

    def text(value: bytes) -> bytes:
        return b"U" + bytes([len(value)]) + value  # SHORT_BINSTRING

    def number(value: int) -> bytes:
        return b"K" + bytes([value]) if value < 256 else b"M" + struct.pack("<H", value)

    raw = data.tobytes()
    names = [f"image_{i}.png".encode() for i in range(len(labels))]
    return b"".join(
        [
            b"\x80\x02}q\x01(",
            text(b"batch_label"), b"q\x02", text(b"training batch 1 of 5"), b"q\x03",
            text(b"labels"), b"q\x04]q\x05(", *map(number, labels), b"e",
            text(b"data"), b"q\x06cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08",
            b"K\x00\x85", text(b"b"), b"\x87Rq\x09(K\x01",
            number(data.shape[0]), number(data.shape[1]), b"\x86",
            b"cnumpy\ndtype\nq\x0a", text(b"u1"), b"K\x00K\x01\x87Rq\x0b(K\x03", text(b"|"),
            b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89",
            b"T", struct.pack("<I", len(raw)), raw, b"tb",
            text(b"filenames"), b"q\x0c]q\x0d(", *[text(name) for name in names], b"eu.",
        ]
    )


def cifar(folder: Path) -> None:
    data, labels = images(4), [3, 0, 9, 3]
    content = python2_batch(data, labels)
    again = pickle.loads(content, encoding="bytes")
    assert (again[b"data"] == data).all() and again[b"labels"] == labels
    save(folder / "cifar10_python2.pickle.gz", content)
    batch = {"batch_label": "of a test", "labels": labels, "data": data, "filenames": ["a", "b", "c", "d"]}
    for protocol in (2, 4, 5):
        save(folder / f"cifar10_protocol{protocol}.pickle.gz", pickle.dumps(batch, protocol))
    fine = {"fine_labels": [99, 0, 49], "coarse_labels": [13, 4, 10], "data": images(3), "filenames": ["a", "b", "c"]}
    save(folder / "cifar100_protocol2.pickle.gz", pickle.dumps(fine, 2))
    names = {"fine_label_names": [f"fine {i}" for i in range(100)], "coarse_label_names": ["coarse"] * 20}
    save(folder / "cifar100_meta.pickle.gz", pickle.dumps(names, 2))


def arrays(folder: Path) -> None:
    x = (np.arange(15).reshape(5, 3) - 7) / 4
    words = np.array(["rose", "Äpfel", "rose", "lily", "rose"])
    np.savez(folder / "stored.npz", x=x.astype(np.float32), y=words)
    np.savez_compressed(folder / "deflated.npz", X=x, labels=np.array([2, -5, 2, 300, 2], np.int16))
    np.save(folder / "fortran_f64_x.npy", np.asfortranarray(x))
    np.save(folder / "fortran_f64_y.npy", np.array([1, 0, 1, 1, 0], bool))
    np.save(folder / "big_endian_x.npy", x.astype(">f4"))
    np.save(folder / "big_endian_y.npy", np.array([7, 2**63, 7, 2**64 - 1, 7], ">u8"))
    with open(folder / "version2_x.npy", "wb") as file:
        np.lib.format.write_array(file, x.astype("<f4"), version=(2, 0))
    np.save(folder / "version2_y.npy", np.array(["b", "a", "b", "a", "c"], ">U3"))


def svhn(folder: Path) -> None:
    # SciPy stores these as they are; MATLAB's drop of the last dimension comes with one image.
    x = images(2)[:, :48].reshape(2, 3, 4, 4).transpose(2, 3, 1, 0)
    y = np.array([[10], [7]])
    scipy.io.savemat(folder / "svhn_int32.mat", {"X": x, "y": y.astype(np.int32)}, do_compression=True)
    scipy.io.savemat(folder / "svhn_double.mat", {"y": y.astype(float), "X": x, "note": "text is skipped"})
    scipy.io.savemat(folder / "svhn_single.mat", {"X": x[..., 0], "y": y[:1].astype(np.uint8)})


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for part in (cifar, arrays, svhn):
        part(target)
