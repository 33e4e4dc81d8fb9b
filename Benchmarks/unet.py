"""Cellar's U-Net in PyTorch: the same layers, initialisation and loss (Sources/Training)."""

import torch
from torch import nn
from torch.nn import functional


class UNet(nn.Module):
    def __init__(self, dimensions, classes, width, levels):
        super().__init__()
        conv, norm, up, self.pool = {
            2: (nn.Conv2d, nn.BatchNorm2d, nn.ConvTranspose2d, nn.MaxPool2d(2)),
            3: (nn.Conv3d, nn.BatchNorm3d, nn.ConvTranspose3d, nn.MaxPool3d(2)),
        }[dimensions]
        c = [width << level for level in range(levels)]

        def block(i, o):
            layers = []
            for inputs in (i, o):
                layer = conv(inputs, o, 3, padding=1, bias=False)
                nn.init.kaiming_normal_(layer.weight)
                layers += [layer, norm(o), nn.ReLU(inplace=True)]
            return nn.Sequential(*layers)

        self.encoder = nn.ModuleList([block(1 if level == 0 else c[level - 1], c[level]) for level in range(levels)])
        self.decoder = nn.ModuleList([block(2 * c[level], c[level]) for level in range(levels - 1)])
        self.up = nn.ModuleList([up(c[level + 1], c[level], 2, 2) for level in range(levels - 1)])
        for layer in self.up:
            nn.init.normal_(layer.weight, std=layer.in_channels ** -0.5)
            nn.init.zeros_(layer.bias)
        self.head = conv(width, classes, 1)
        nn.init.kaiming_normal_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x):
        skipped = []
        for level, block in enumerate(self.encoder):
            if level:
                skipped.append(x)
                x = self.pool(x)
            x = block(x)
        for level in reversed(range(len(self.decoder))):
            x = self.decoder[level](torch.cat([skipped[level], self.up[level](x)], 1))
        return self.head(x)


def loss_of(logits, labels):
    """Dice of the classes beside the ground, smoothed by 1, and cross-entropy; label 255 is ignored."""
    outputs = logits.shape[1]
    z, t = logits.movedim(1, -1).reshape(-1, outputs), labels.reshape(-1)
    valid = t != 255
    z, t = z[valid], t[valid]
    p, truth = z.softmax(1), functional.one_hot(t, outputs).float()
    dice = (2 * (p * truth).sum(0) + 1) / (p.sum(0) + truth.sum(0) + 1)
    return 1 - dice[1:].mean() + functional.cross_entropy(z, t)
