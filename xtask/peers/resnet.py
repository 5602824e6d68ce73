"""The reference residual network for small images in PyTorch, under the names that checkpoints use."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Block(nn.Module):
    """Two 3 x 3 convolutions; the shortcut subsamples and pads the channels with zeros (option A)."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.padding = (outputs - inputs) // 2
        self.stride = stride

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.stride != 1:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.padding, self.padding))
        return F.relu(out + x)


class NormedLinear(nn.Module):
    """Cosines of rows and weights; the weight is held as [features, classes]."""

    def __init__(self, features, classes):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(features, classes))

    def forward(self, x):
        return F.normalize(x, dim=1).mm(F.normalize(self.weight, dim=0))


class ResNet(nn.Module):
    """Depth 6n + 2: a stem, three stages of n blocks with 16, 32 and 64 channels (times `factor`),
    pooling, a head."""

    def __init__(self, depth, channels, classes, factor=1, head=nn.Linear):
        super().__init__()
        first, second, third = 16 * factor, 32 * factor, 64 * factor
        self.conv1 = nn.Conv2d(channels, first, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(first)
        blocks = (depth - 2) // 6
        self.layer1 = self.stage(first, first, 1, blocks)
        self.layer2 = self.stage(first, second, 2, blocks)
        self.layer3 = self.stage(second, third, 2, blocks)
        self.linear = head(third, classes)

    @staticmethod
    def stage(inputs, outputs, stride, blocks):
        first = Block(inputs, outputs, stride)
        return nn.Sequential(first, *(Block(outputs, outputs, 1) for _ in range(blocks - 1)))

    def embed(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return x.mean(dim=(2, 3))

    def forward(self, x):
        return self.linear(self.embed(x))
