"""What PyTorch computes, for eos-model's tests: python make_model_fixtures.py FOLDER

Weights and images come from Philox on both sides, so the files hold results only: PyTorch in f64 as
the truth, and for every gradient PyTorch's own relative error in f32 as the measure of what f32 can do.
"""

import gzip
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save

import losses
import philox
from resnet import NormedLinear, ResNet

SEED = 20260101
WEIGHTS, IMAGES, LABELS, LOGITS = 1, 2, 3, 4
STEPS = 20


@dataclass
class Case:
    """One network and one batch. Gradients are kept of names that start with one of `kept`.

    `draw` picks images of which no activation is so close to 0 that f32 and f64 disagree on its sign:
    one such unit moves gradients by 1e-3, which says nothing about either implementation.
    """

    name: str
    depth: int
    shape: tuple
    classes: int
    n: int
    kept: tuple
    draw: int = 0
    factor: int = 1


EVERYTHING = ("",)
ENDS = ("conv1", "bn1", "layer1.0.", "linear")
STEM = ("conv1", "bn1", "linear")
CASES = [
    Case("resnet20-rgb32", 20, (3, 32, 32), 10, 4, EVERYTHING),
    Case("resnet20-grey28", 20, (1, 28, 28), 5, 4, ENDS, draw=2),
    Case("resnet56-rgb16", 56, (3, 16, 16), 7, 3, ENDS),
    Case("resnet20-wide3", 20, (3, 8, 8), 5, 4, STEM, factor=3),
]
TRAINING = Case("training", 20, (3, 16, 16), 10, 16, ())


def value(name, index, shape):
    """A tensor's values: uniform, of the size that keeps activations near 1."""
    u = philox.unit(SEED, WEIGHTS, index, int(np.prod(shape)))
    half, two, one = np.float32(0.5), np.float32(2), np.float32(1)
    if name == "linear.weight":
        u = (two * u - one) * np.float32(0.125)
    elif name.endswith(("running_var",)) or ("bn" in name and name.endswith(".weight")):
        u = half + u
    elif name.endswith(("running_mean", ".bias")):
        u = u - half
    else:
        u = (two * u - one) * np.float32(np.sqrt(6.0 / np.prod(shape[1:])))
    return torch.from_numpy(u.reshape(shape))


def network(case, head=torch.nn.Linear):
    net = ResNet(case.depth, case.shape[0], case.classes, case.factor, head)
    state = net.state_dict()
    names = sorted(name for name in state if not name.endswith("num_batches_tracked"))
    for index, name in enumerate(names):
        state[name].copy_(value(name, index, tuple(state[name].shape)))
    return net


def batch(case):
    count = case.n * int(np.prod(case.shape))
    u = philox.unit(SEED, IMAGES, case.draw, count)
    images = (np.float32(2) * u - np.float32(1)) * np.float32(1.75)
    labels = philox.below(SEED, LABELS, 0, case.n, case.classes).astype(np.int64)
    return torch.from_numpy(images.reshape(case.n, *case.shape)), torch.from_numpy(labels)


def results(net, images, labels):
    """Loss and gradients of one batch; the running statistics move."""
    net.train()
    loss = F.cross_entropy(net(images), labels)
    loss.backward()
    gradients = {name: p.grad.double() for name, p in net.named_parameters()}
    return loss.detach(), gradients


def one_batch(case):
    images, labels = batch(case)
    truth = network(case).double()
    out = {}
    with torch.no_grad():
        truth.eval()
        out["evaluated"] = truth.embed(images.double()).float()
        out["logits"] = truth(images.double()).float()
    loss, gradients = results(truth, images.double(), labels)
    _, single = results(network(case), images, labels)
    out["loss"] = loss.reshape(1)
    for name, gradient in gradients.items():
        if name.startswith(case.kept):
            out[f"gradient/{name}"] = gradient.float()
            error = (single[name] - gradient).norm() / gradient.norm()
            out[f"error/{name}"] = error.reshape(1)
    for name, statistic in truth.state_dict().items():
        if "running" in name:
            out[f"after/{name}"] = statistic.float()
    return out


def plain(net, lr=0.1):
    return torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9, weight_decay=2e-4)


def slow(net):
    """At 0.1 the gradients of a loss scaled by 30 leave the region where f32 and f64 agree."""
    return plain(net, 0.003)


def spared(net):
    """Nesterov's momentum; norms and biases do not decay."""
    weights = [p for p in net.parameters() if p.dim() > 1]
    others = [p for p in net.parameters() if p.dim() == 1]
    groups = [{"params": weights}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.SGD(groups, lr=0.02, momentum=0.8, weight_decay=0.01, nesterov=True)


def descent(case, head, loss, optimizer, steps=STEPS, clip=None):
    """The losses of some steps on one batch, in f64."""
    images, labels = batch(case)

    def losses_of(net, images):
        net.train()
        sgd = optimizer(net)
        seen = []
        for _ in range(steps):
            sgd.zero_grad()
            value = loss(net(images), labels)
            value.backward()
            if clip is not None:
                torch.nn.utils.clip_grad_norm_(net.parameters(), clip)
            sgd.step()
            seen.append(value.item())
        return torch.tensor(seen, dtype=torch.float64)

    truth = losses_of(network(case, head).double(), images.double())
    drift = (losses_of(network(case, head), images).double() - truth).abs().max()
    print(f"{case.name}: losses {truth.tolist()}, f32 drifts by {drift:.1e}")
    return truth


def training(case):
    """The recipe of the paper; another optimizer; LDAM with weights on a normalised head."""
    counts = COUNTS[: case.classes]
    weight = losses.effective(counts)

    def ldam(logits, labels):
        return losses.ldam(logits.double(), labels, counts, weight=weight)

    linear = torch.nn.Linear
    return {
        "losses": descent(case, linear, F.cross_entropy, plain),
        "losses_spared": descent(case, linear, F.cross_entropy, spared, clip=0.5),
        "losses_ldam": descent(case, NormedLinear, ldam, slow, steps=8),
    }


COUNTS = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
ROWS = 12


def loss_cases():
    """Value and gradient of every loss on logits from Philox of four times their usual size."""
    classes = 5
    counts = COUNTS[::2]
    u = philox.unit(SEED, LOGITS, 0, ROWS * classes)
    logits = (np.float32(8) * u - np.float32(4)).reshape(ROWS, classes)
    labels = philox.below(SEED, LABELS, 1, ROWS, classes).astype(np.int64)
    effective, inverse = losses.effective(counts), losses.inverse(counts)
    of = {
        "ce": (losses.cross_entropy, {}),
        "ce-smoothed": (losses.cross_entropy, {"smoothing": 0.1}),
        "ce-inverse": (losses.cross_entropy, {"weight": inverse}),
        "ce-effective-smoothed": (losses.cross_entropy, {"weight": effective, "smoothing": 0.2}),
        "focal": (losses.focal, {}),
        "focal-half": (losses.focal, {"gamma": 0.5, "weight": effective}),
        "ldam": (losses.ldam, {}),
        "ldam-effective": (losses.ldam, {"weight": effective, "max_margin": 0.3, "scale": 10.0}),
        "asl": (losses.asl, {}),
        "asl-both": (losses.asl, {"gamma_pos": 1.0, "gamma_neg": 2.0, "eps": 0.3}),
        "logit-adjusted": (losses.logit_adjusted, {}),
        "logit-adjusted-half": (losses.logit_adjusted, {"tau": 0.5, "weight": inverse}),
    }
    out = {}
    for name, (loss, options) in of.items():
        x = torch.from_numpy(logits).double().requires_grad_()
        value = loss(x, torch.from_numpy(labels), counts, **options)
        value.backward()
        out[f"{name}/loss"], out[f"{name}/gradient"] = value.detach().reshape(1), x.grad
    return out


def saved_by_torch():
    """A state_dict as PyTorch users save it, of repeating weights, so that it packs small."""
    case = Case("state_dict", 20, (1, 8, 8), 3, 4, ())
    net = network(case)
    for name, p in net.state_dict().items():
        if name.endswith("num_batches_tracked"):
            p.fill_(7)
        elif p.dim() > 1:
            pattern = philox.unit(SEED, WEIGHTS, 1000, 61) - np.float32(0.5)
            scale = np.float32(4 / np.sqrt(np.prod(p.shape[1:])))
            p.copy_(torch.from_numpy(np.resize(pattern * scale, tuple(p.shape))))
    net.eval()
    images, _ = batch(case)
    with torch.no_grad():
        logits = net.double()(images.double()).float()
    return {name: t.float() if t.is_floating_point() else t for name, t in net.state_dict().items()}, logits


def write(folder, name, tensors):
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    packed = gzip.compress(save(tensors), 9, mtime=0)
    path = folder / f"{name}.safetensors.gz"
    path.write_bytes(packed)
    print(f"{path}: {len(packed)} bytes")


def main():
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        out = one_batch(case)
        worst = max((v.item(), k) for k, v in out.items() if k.startswith("error/"))
        print(f"{case.name}: loss {out['loss'].item()}, torch's own f32 error at worst {worst}")
        write(folder, case.name, out)
    state, logits = saved_by_torch()
    write(folder, "state_dict", state)
    write(folder, "losses", loss_cases())
    write(folder, "training", {**training(TRAINING), "state_dict_logits": logits})


main()
