"""Losses for imbalanced data in PyTorch, as their reference implementations have them.

Each takes logits [N, C], labels [N] and the classes' row counts, and is a mean over rows in which a row
counts as much as its class weighs, as in torch.nn.CrossEntropyLoss.
"""

import numpy as np
import torch
import torch.nn.functional as F


def inverse(counts):
    weights = 1.0 / np.asarray(counts, np.float64)
    return torch.from_numpy(weights / weights.sum() * len(counts))


def effective(counts, beta=0.9999):
    """Cui et al. 2019, as in LDAM-DRW's cifar_train.py."""
    weights = (1.0 - beta) / (1.0 - np.power(beta, np.asarray(counts, np.float64)))
    return torch.from_numpy(weights / weights.sum() * len(counts))


def weighted_mean(losses, labels, weight):
    if weight is None:
        return losses.mean()
    return (losses * weight[labels]).sum() / weight[labels].sum()


def cross_entropy(logits, labels, counts, weight=None, smoothing=0.0):
    return F.cross_entropy(logits, labels, weight=weight, label_smoothing=smoothing)


def focal(logits, labels, counts, weight=None, gamma=2.0):
    """Lin et al. 2017; the weight multiplies a row's loss, and is not inside of its probability."""
    loss = F.cross_entropy(logits, labels, reduction="none")
    return weighted_mean((1 - torch.exp(-loss)) ** gamma * loss, labels, weight)


def ldam(logits, labels, counts, weight=None, max_margin=0.5, scale=30.0):
    """Cao et al. 2019, LDAM-DRW's losses.py."""
    margins = 1.0 / np.sqrt(np.sqrt(np.asarray(counts, np.float64)))
    margins = torch.from_numpy(margins * (max_margin / np.max(margins)))
    own = F.one_hot(labels, logits.shape[1]).bool()
    moved = torch.where(own, logits - margins[labels][:, None], logits)
    return F.cross_entropy(scale * moved, labels, weight=weight)


def asl(logits, labels, counts, gamma_pos=0.0, gamma_neg=4.0, eps=0.1):
    """Ridnik et al. 2021, ASLSingleLabel of the authors' losses.py."""
    classes = logits.shape[1]
    log_p = F.log_softmax(logits, dim=1)
    targets = F.one_hot(labels, classes).to(logits)
    others = 1 - targets
    positive = torch.exp(log_p)
    negative = 1 - positive
    weight = torch.pow(
        1 - positive * targets - negative * others, gamma_pos * targets + gamma_neg * others
    )
    smoothed = targets * (1 - eps) + eps / classes
    return -(smoothed * log_p * weight).sum(dim=1).mean()


def logit_adjusted(logits, labels, counts, tau=1.0, weight=None):
    """Menon et al. 2021."""
    counts = torch.tensor(counts, dtype=torch.float64)
    return F.cross_entropy(logits + tau * torch.log(counts / counts.sum()), labels, weight=weight)
