"""Milliseconds of a training step and of an embedding: ResNet-32, 128 images of 3 x 32 x 32.

python bench_torch_step.py [STEPS] [THREADS] [nchw]; channels_last without "nchw".
The other side is eos-model's example step_time.
"""

import sys
import time

import torch
import torch.nn.functional as F

from resnet import ResNet


def measure(times, work):
    seen = []
    for _ in range(times + 3):
        start = time.perf_counter()
        work()
        seen.append((time.perf_counter() - start) * 1e3)
    seen = sorted(seen[3:])
    return f"median {seen[len(seen) // 2]:.1f} ms, least {seen[0]:.1f} ms"


def main():
    numbers = [int(a) for a in sys.argv[1:] if a.isdigit()]
    steps, threads = (numbers + [15, 2][len(numbers) :])[:2]
    form = torch.contiguous_format if "nchw" in sys.argv else torch.channels_last
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    net = ResNet(32, 3, 10).to(memory_format=form)
    images = torch.randn(128, 3, 32, 32).to(memory_format=form)
    labels = torch.arange(128) * 7 % 10
    sgd = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=2e-4)

    def step():
        sgd.zero_grad()
        F.cross_entropy(net(images), labels).backward()
        sgd.step()

    print(f"torch {torch.__version__}, {threads} threads, {form}")
    print("training step:", measure(steps, step))
    net.eval()
    with torch.inference_mode():
        print("embedding:", measure(steps, lambda: net.embed(images)))


main()
