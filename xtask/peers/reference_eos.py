"""EOS as its authors' script does it, for timing beside ours.

    python reference_eos.py arrays X.npy REPEATS     seconds in process, arrays in memory
    python reference_eos.py prepare X.npy FOLDER     writes the rows as the CSV file that the script reads
    python reference_eos.py files FOLDER             reads FOLDER/train.csv, writes FOLDER/balanced.csv

Written after the description of the method, not after anyone's code: scikit-learn's NearestNeighbors
over all rows in f64, as the CSV file gives them, then a Python loop over the samples that draws a base,
one of its neighbours by probability, and a ratio. The neighbour's column is off by one, as in the
script. It takes any number of classes and values.
"""

import sys
import time
from pathlib import Path

import numpy as np
from sklearn.neighbors import NearestNeighbors

import timing

K = 10


def expand(x, y, nearest, label, wanted, rng):
    """`wanted` rows between bases of one class and their enemies."""
    members = np.flatnonzero(y == label)
    enemies = y[nearest[members, 1:]] != label
    some = enemies.any(axis=1)
    bases, enemies = members[some], enemies[some]
    probability = enemies / enemies.sum(axis=1, keepdims=True)
    made = []
    for _ in range(wanted):
        at = rng.choice(len(bases))
        base = x[bases[at]]
        neighbour = x[nearest[bases[at], rng.choice(K, p=probability[at])]]
        made.append(base + rng.random() * (neighbour - base))
    return np.array(made)


def balance(x, y):
    """All rows, and new ones of each class until it is as large as the largest."""
    rng = np.random.RandomState(0)
    nearest = NearestNeighbors(n_neighbors=K + 1).fit(x).kneighbors(x, return_distance=False)
    labels, counts = np.unique(y, return_counts=True)
    xs, ys = [x], [y]
    for label, count in zip(labels, counts):
        wanted = counts.max() - count
        if wanted:
            xs.append(expand(x, y, nearest, label, wanted, rng))
            ys.append(np.full(wanted, label))
    return np.concatenate(xs), np.concatenate(ys)


def arrays(path, repeats):
    x, y = timing.read(path)
    x = x.astype(np.float64)
    try:
        timing.show("eos", timing.repeat(int(repeats), lambda: balance(x, y)))
    except ValueError as error:
        timing.refuse("eos", error)


def prepare(path, folder):
    import pandas

    x, y = timing.read(path)
    frame = pandas.DataFrame(x)
    frame.insert(0, "label", y)
    frame.to_csv(Path(folder) / "train.csv", index=False)


def files(folder):
    import pandas

    start = time.perf_counter()
    frame = pandas.read_csv(Path(folder) / "train.csv")
    x, y = balance(frame.iloc[:, 1:].to_numpy(), frame["label"].to_numpy())
    balanced = pandas.DataFrame(x)
    balanced.insert(0, "label", y)
    balanced.to_csv(Path(folder) / "balanced.csv", index=False)
    timing.show("eos, imports excluded", [time.perf_counter() - start])


if __name__ == "__main__":
    {"arrays": arrays, "prepare": prepare, "files": files}[sys.argv[1]](*sys.argv[2:])
