"""What the scripts that time peers share: the set, how often something is repeated, a line of results."""

import json
import time
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

# Seconds after which a measurement is long enough, however often it ran.
LONG = 5.0


def read(path):
    """Rows and labels; the labels lie beside X.npy, with y for x."""
    path = Path(path)
    at = max(path.stem.rfind("x"), path.stem.rfind("X"))
    beside = [path.with_name(path.name[:at] + letter + path.name[at + 1 :]) for letter in "yY"]
    return np.load(path), np.load(next((file for file in beside if file.exists()), beside[0]))


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def repeat(repeats, work):
    """Seconds of each of at most `repeats` runs after one to warm up; a first run that takes long is the only one."""
    first = seconds(work)
    if first > LONG:
        return [first]
    seen = []
    while not seen or (len(seen) < repeats and sum(seen) < LONG):
        seen.append(seconds(work))
    return seen


def show(work, seen, on=None):
    """Prints a line of JSON: the median, the least and what instructions the library said it used."""
    seen = sorted(seen)
    line = {"work": work, "seconds": round(seen[len(seen) // 2], 6), "least": round(seen[0], 6), "on": on or blas()}
    print(json.dumps(line), flush=True)


def refuse(work, why):
    print(json.dumps({"work": work, "refused": str(why).split("\n")[0][:80]}), flush=True)


def blas():
    """The kernels that each loaded OpenBLAS chose."""
    kernels = {pool["architecture"] for pool in threadpool_info() if pool.get("internal_api") == "openblas"}
    return "OpenBLAS " + ", ".join(sorted(kernels))
