"""Seconds of exact neighbours on a GPU: torch.cdist + topk, torch matmul + topk, cupy matmul + argpartition.

Run by the folder that `cargo xtask gpu-check` makes: `python3 time_gpu.py`. Rows are on the card before the clock starts;
indices and distances are in host memory when it stops, as in the GPU check's own times. Chunks of queries keep the matrix
of distances below 4 GiB. The sets are those of examples/gpu_check/times.rs in shape and kind.
"""

import statistics
import sys
import time

WORKS = [
    ("50k x 64, all, K = 10", 50_000, 50_000, 64, 10, 5),
    ("50k x 64, all, K = 300", 50_000, 50_000, 64, 300, 3),
    ("100k x 2048, all, K = 10", 100_000, 100_000, 2048, 10, 2),
    ("1M x 64, 100k queries, K = 10", 1_000_000, 100_000, 64, 10, 2),
]


def timed(run, repeats):
    run()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), min(seconds)


def embeddings(torch, n, dims):
    generator = torch.Generator(device="cuda").manual_seed(11)
    centres = torch.randn(10, dims, device="cuda", generator=generator)
    labels = torch.randint(0, 10, (n,), device="cuda", generator=generator)
    noise = torch.randn(n, dims, device="cuda", generator=generator)
    return (centres[labels] + 0.7 * noise).clamp_(min=0)


def main():
    try:
        import torch
    except ImportError:
        print("skipped: no torch")
        return
    if not torch.cuda.is_available():
        print("skipped: torch sees no GPU")
        return
    print(f"torch {torch.__version__} on {torch.cuda.get_device_name()}, TF32 off")
    torch.backends.cuda.matmul.allow_tf32 = False
    for work, n, queries, dims, k, repeats in WORKS:
        x = embeddings(torch, n, dims)
        chunk = max(1, min(queries, (1 << 30) // n))

        def cdist():
            for part in x[:queries].split(chunk):
                found = torch.cdist(part, x).topk(k + 1, largest=False)
                found.values.cpu(), found.indices.cpu()

        def matmul():
            half = 0.5 * (x * x).sum(1)
            for part in x[:queries].split(chunk):
                found = torch.addmm(half, part, x.T, alpha=-1).topk(k + 1, largest=False)
                found.values.cpu(), found.indices.cpu()

        for name, run in (("cdist + topk", cdist), ("addmm + topk", matmul)):
            median, least = timed(run, repeats)
            print(f"{work}, torch {name}: {median:.4f} s (least {least:.4f})", flush=True)
        torch.backends.cuda.matmul.allow_tf32 = True
        median, least = timed(matmul, repeats)
        torch.backends.cuda.matmul.allow_tf32 = False
        print(f"{work}, torch addmm + topk in TF32, not exact: {median:.4f} s (least {least:.4f})", flush=True)
        if "--cupy" in sys.argv and k == 10 and n <= 100_000:
            cupy_times(x, work, queries, k, chunk)
        del x
        torch.cuda.empty_cache()
    a = torch.randn(8192, 8192, device="cuda")
    b = torch.randn(8192, 8192, device="cuda")

    def product():
        a @ b
        torch.cuda.synchronize()

    for tf32 in (False, True):
        torch.backends.cuda.matmul.allow_tf32 = tf32
        median, _ = timed(product, 5)
        print(f"8192 x 8192 x 8192 product, TF32 {tf32}: {2 * 8192**3 / median / 1e12:.1f} TFLOP/s")


def cupy_times(x, work, queries, k, chunk):
    try:
        import cupy
    except ImportError:
        print("skipped: no cupy")
        return
    y = cupy.from_dlpack(x.contiguous())

    def brute():
        half = 0.5 * (y * y).sum(1)
        for start in range(0, queries, chunk):
            scores = half[None, :] - y[start : min(start + chunk, queries)] @ y.T
            cupy.argpartition(scores, k, axis=1)[:, : k + 1].get()

    median, least = timed(brute, 1)
    print(f"{work}, cupy matmul + argpartition: {median:.4f} s (least {least:.4f})", flush=True)


if __name__ == "__main__":
    main()
