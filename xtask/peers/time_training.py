"""Seconds of a training step and of an embedding in evaluation mode: ResNet-32, 128 images of 3 x 32 x 32.

python time_training.py default|channels_last|compile THREADS

Does a piece of work for each line on standard input, `step` or `embed`, and answers with a line of JSON, as the
example time_training of ours does. The first line tells that it is warm, or why it cannot be measured.
"""

import json
import sys
import time

import torch
import torch.nn.functional as F

from resnet import ResNet

WARM = 3


def say(line):
    print(json.dumps(line), flush=True)


def prepared(mode):
    """The two pieces of work, warm."""
    torch.manual_seed(0)
    form = torch.contiguous_format if mode == "default" else torch.channels_last
    net = ResNet(32, 3, 10).to(memory_format=form)
    images = torch.randn(128, 3, 32, 32).to(memory_format=form)
    labels = torch.arange(128) * 7 % 10
    sgd = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=2e-4)
    train, embed = net, net.embed
    if mode == "compile":
        train, embed = torch.compile(net), torch.compile(net.embed)

    def step():
        net.train()
        sgd.zero_grad()
        F.cross_entropy(train(images), labels).backward()
        sgd.step()

    def embedding():
        net.eval()
        with torch.inference_mode():
            embed(images)

    works = {"step": step, "embed": embedding}
    for _ in range(WARM):
        for work in works.values():
            work()
    return works


def main():
    torch.set_num_threads(int(sys.argv[2]))
    try:
        works = prepared(sys.argv[1])
    except Exception as error:  # torch.compile needs a C++ compiler, and fails in many ways without
        say({"refused": str(error).strip().split("\n")[0][:80]})
        return
    say({"on": f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}"})
    for line in sys.stdin:
        start = time.perf_counter()
        works[line.strip()]()
        say({"seconds": time.perf_counter() - start})


main()
