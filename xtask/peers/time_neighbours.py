"""Seconds of a peer's exact neighbour search: python time_neighbours.py faiss|scikit-learn X.npy REPEATS EVERY

Prints a line of JSON a search, as eos-tests' example time_neighbours does for ours: the same rows, the
same queries, k + 1 neighbours because both peers find the query itself. Making the index is included,
as packing the rows is in ours. OMP_NUM_THREADS sets the threads.
"""

import os
import sys

import numpy as np

import timing


def with_faiss(x):
    import faiss

    faiss.omp_set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))
    level = faiss.SIMDConfig.get_level_name()
    wanted = os.environ.get("FAISS_SIMD_LEVEL", level)
    if level != wanted:
        raise RuntimeError(f"faiss runs on {level}, {wanted} was wanted")

    def search(queries, k):
        index = faiss.IndexFlatL2(x.shape[1])
        index.add(x)
        return index.search(queries, k)

    return search, f"{level}, {timing.blas()}"


def with_scikit_learn(x):
    from sklearn.neighbors import NearestNeighbors

    def search(queries, k):
        return NearestNeighbors(n_neighbors=k, algorithm="brute").fit(x).kneighbors(queries)

    return search, timing.blas()


def main():
    name, path, repeats, every = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    x, y = timing.read(path)
    classes = np.unique_counts(y)
    small = np.isin(y, classes.values[classes.counts < classes.counts.max()])
    queried = np.arange(len(x)) % every == 0
    peer = {"faiss": with_faiss, "scikit-learn": with_scikit_learn}[name]
    for work, chosen, k in [("all", queried, 10), ("all", queried, 300), ("minority", queried & small, 10)]:
        work = f"{work}, K = {k}"
        queries = np.ascontiguousarray(x[chosen])
        try:
            search, on = peer(x)
            timing.show(work, timing.repeat(repeats, lambda: search(queries, k + 1)), on)
        except (RuntimeError, ValueError) as error:
            timing.refuse(work, error)


if __name__ == "__main__":
    main()
