"""Seconds that imbalanced-learn's oversamplers take: python time_methods.py X.npy REPEATS METHOD...

Prints a line of JSON a method, as eos-tests' example time_methods does for ours: the median seconds
of fit_resample after one call to warm up, every class as large as the largest. Methods are named as
ours are. The labels lie beside X.npy, with y for x.
"""

import json
import sys
import time
import warnings

import numpy as np
from imblearn import over_sampling as peer

METHODS = {
    "random": lambda: peer.RandomOverSampler(random_state=0),
    "smoothed-bootstrap": lambda: peer.RandomOverSampler(random_state=0, shrinkage=1.0),
    "smote": lambda: peer.SMOTE(random_state=0),
    "borderline-smote": lambda: peer.BorderlineSMOTE(random_state=0),
    "adasyn": lambda: peer.ADASYN(random_state=0),
    "svm-smote": lambda: peer.SVMSMOTE(random_state=0),
    "kmeans-smote": lambda: peer.KMeansSMOTE(random_state=0, cluster_balance_threshold=0.01),
}


def labels_of(path):
    at = max(path.rfind("x"), path.rfind("X"))
    return path[:at] + "y" + path[at + 1 :]


def main():
    path, repeats, methods = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    x, y = np.load(path), np.load(labels_of(path))
    warnings.simplefilter("ignore")
    for method in methods:
        seen = []
        for _ in range(repeats + 1):
            start = time.perf_counter()
            try:
                METHODS[method]().fit_resample(x, y)
            except (RuntimeError, ValueError) as error:
                print(json.dumps({"method": method, "refused": str(error).split("\n")[0][:80]}))
                break
            seen.append(time.perf_counter() - start)
        else:
            seconds = sorted(seen[1:])[len(seen[1:]) // 2]
            print(json.dumps({"method": method, "seconds": round(seconds, 6)}), flush=True)


if __name__ == "__main__":
    main()
