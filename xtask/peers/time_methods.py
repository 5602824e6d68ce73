"""Seconds that imbalanced-learn's oversamplers take: python time_methods.py X.npy REPEATS METHOD...

Prints a line of JSON a method, as eos-tests' example time_methods does for ours: fit_resample on
arrays in memory, every class made as large as the largest. Methods are named as ours are.
"""

import sys
import warnings

from imblearn import over_sampling as peer

import timing

METHODS = {
    "random": lambda: peer.RandomOverSampler(random_state=0),
    "smoothed-bootstrap": lambda: peer.RandomOverSampler(random_state=0, shrinkage=1.0),
    "smote": lambda: peer.SMOTE(random_state=0),
    "borderline-smote": lambda: peer.BorderlineSMOTE(random_state=0),
    "adasyn": lambda: peer.ADASYN(random_state=0),
    "svm-smote": lambda: peer.SVMSMOTE(random_state=0),
    "kmeans-smote": lambda: peer.KMeansSMOTE(random_state=0, cluster_balance_threshold=0.01),
}


def main():
    path, repeats, methods = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    x, y = timing.read(path)
    warnings.simplefilter("ignore")
    for method in methods:
        try:
            timing.show(method, timing.repeat(repeats, lambda: METHODS[method]().fit_resample(x, y)))
        except (RuntimeError, ValueError) as error:
            timing.refuse(method, error)


if __name__ == "__main__":
    main()
