"""Philox4x32-10 in NumPy: the numbers that eos_tensor::philox makes, so that fixtures need no inputs."""

import numpy as np


def words(seed, stream, index, count):
    """Words of the counters (index, stream, 0), (index, stream, 1), ... in order."""
    blocks = (count + 3) // 4
    low = np.uint64(0xFFFFFFFF)
    counter = [
        np.full(blocks, index & 0xFFFFFFFF, np.uint64),
        np.full(blocks, index >> 32, np.uint64),
        np.full(blocks, stream, np.uint64),
        np.arange(blocks, dtype=np.uint64),
    ]
    key = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        first = np.uint64(0xD2511F53) * counter[0]
        second = np.uint64(0xCD9E8D57) * counter[2]
        counter = [
            (second >> np.uint64(32)) ^ counter[1] ^ np.uint64(key[0]),
            second & low,
            (first >> np.uint64(32)) ^ counter[3] ^ np.uint64(key[1]),
            first & low,
        ]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return np.stack(counter, axis=1).reshape(-1)[:count].astype(np.uint32)


def unit(seed, stream, index, count):
    """Numbers in [0, 1): the upper 24 bits of each word."""
    return (words(seed, stream, index, count) >> 8).astype(np.float32) * np.float32(2.0**-24)


def below(seed, stream, index, count, n):
    """Numbers below n, one from each word."""
    return (words(seed, stream, index, count).astype(np.uint64) * np.uint64(n)) >> np.uint64(32)


assert list(words(0, 0, 0, 4)) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
