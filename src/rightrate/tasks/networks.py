"""The networks of the built-in tasks: plain, small, and fit to run under `torch.func.vmap`."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["BatchNormCnn", "CharTransformer", "Cnn", "Mlp"]


class Mlp(nn.Module):
    """Fully connected layers with ReLU and dropout.

    Args:
        inputs: Number of input features.
        hidden: Widths of the hidden layers.
        outputs: Number of classes, or None for one number per sample (regression): the output is then (N,).
        dropout: Share of hidden units dropped in training, in [0, 1).

    Example:
        >>> Mlp(4, [8], 3)(torch.zeros(2, 4)).shape
        torch.Size([2, 3])
    """

    def __init__(self, inputs: int, hidden: Sequence[int], outputs: int | None, dropout: float = 0.0) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = inputs
        for units in hidden:
            layers += [nn.Linear(width, units), nn.ReLU(), *([nn.Dropout(dropout)] if dropout else [])]
            width = units
        layers.append(nn.Linear(width, outputs if outputs is not None else 1))
        if outputs is None:
            layers.append(nn.Flatten(0))
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return class scores (N, outputs) or predictions (N,)."""
        return self.layers(x)  # type: ignore[no-any-return]


class Cnn(nn.Module):
    """Two convolutions and a linear layer for the 8x8 digits.

    Example:
        >>> Cnn()(torch.zeros(2, 1, 8, 8)).shape
        torch.Size([2, 10])
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(128, 10),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return class scores (N, 10) of images (N, 1, 8, 8)."""
        return self.layers(x)  # type: ignore[no-any-return]


class BatchNormCnn(nn.Module):
    """Convolutions with batch normalisation for 28x28 images.

    Args:
        classes: Number of classes.
        channels: Channels of the blocks; each block is a convolution, BatchNorm, ReLU and a halving pool.
        dropout: Share of the pooled features dropped in training.

    Example:
        >>> BatchNormCnn(120).eval()(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 120])
    """

    def __init__(self, classes: int, channels: Sequence[int] = (16, 32, 64), dropout: float = 0.5) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        depth, side = 1, 28
        for width in channels:
            layers += [
                nn.Conv2d(depth, width, 3, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
                nn.MaxPool2d(2),
            ]
            depth, side = width, side // 2
        layers += [nn.Flatten(), nn.Dropout(dropout), nn.Linear(depth * side * side, classes)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return class scores (N, classes) of images (N, 1, 28, 28)."""
        return self.layers(x)  # type: ignore[no-any-return]


class _Block(nn.Module):
    """Causal self-attention and a feed-forward layer, each after a LayerNorm and added to its input."""

    mask: Tensor

    def __init__(self, width: int, heads: int, context: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.feed = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        future = torch.full((context, context), -math.inf).triu(1)
        self.register_buffer("mask", future, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        length, width = x.shape[-2:]
        qkv = self.qkv(self.norm1(x)).unflatten(-1, (3, self.heads, width // self.heads)).movedim(-2, -4)
        q, k, v = qkv.unbind(-2)
        # Written out: the fused kernel has no batching rule on CPUs and falls back to a loop over members.
        scores = q @ k.transpose(-2, -1) / math.sqrt(width // self.heads) + self.mask[:length, :length]
        mixed = (scores.softmax(-1) @ v).movedim(-3, -2).flatten(-2)
        x = x + self.project(mixed)
        return x + self.feed(self.norm2(x))  # type: ignore[no-any-return]


class CharTransformer(nn.Module):
    """A small GPT: predicts each character from the ones before it.

    Args:
        symbols: Size of the alphabet.
        context: Longest sequence, in characters.
        width: Size of the embedding, a multiple of `heads`.
        heads: Attention heads.
        blocks: Attention blocks.

    Example:
        >>> CharTransformer(50, context=16, width=8, heads=2)(torch.zeros(2, 16, dtype=torch.int64)).shape
        torch.Size([2, 16, 50])
    """

    places: Tensor

    def __init__(
        self, symbols: int, context: int = 64, width: int = 64, heads: int = 4, blocks: int = 2
    ) -> None:
        super().__init__()
        self.symbol = nn.Embedding(symbols, width)
        self.place = nn.Embedding(context, width)
        self.blocks = nn.Sequential(*(_Block(width, heads, context) for _ in range(blocks)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, symbols)
        self.register_buffer("places", torch.arange(context), persistent=False)
        for table in (self.symbol, self.place):
            nn.init.normal_(table.weight, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """Return scores (N, L, symbols) for the character after each of (N, L)."""
        h = self.symbol(x) + self.place(self.places[: x.shape[-1]])
        return self.head(self.norm(self.blocks(h)))  # type: ignore[no-any-return]
