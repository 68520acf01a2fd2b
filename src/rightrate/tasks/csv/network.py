"""The default model for tables."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from rightrate.tasks.networks import Mlp

__all__ = ["TableNetwork"]


class TableNetwork(nn.Module):
    """A fully connected network over numbers and embedded categories.

    Args:
        numbers: Number columns, the first ones of the input.
        levels: For each of the other columns, which hold whole numbers, how many levels it has.
        outputs: Number of classes, or None for a regression.
        hidden: Widths of the hidden layers.
        dropout: Share of hidden units dropped in training.

    Example:
        >>> TableNetwork(2, [5], 3)(torch.tensor([[0.1, 0.2, 4.0]])).shape
        torch.Size([1, 3])
    """

    def __init__(
        self,
        numbers: int,
        levels: Sequence[int],
        outputs: int | None,
        hidden: Sequence[int] = (64, 64),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.numbers = numbers
        widths = [min(16, (count + 1) // 2) for count in levels]
        self.tables = nn.ModuleList(
            nn.Embedding(count, width) for count, width in zip(levels, widths, strict=True)
        )
        self.network = Mlp(numbers + sum(widths), hidden, outputs, dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return class scores (N, outputs) or predictions (N,)."""
        parts = [x[:, : self.numbers]]
        for place, table in enumerate(self.tables, start=self.numbers):
            parts.append(table(x[:, place].long()))
        return self.network(torch.cat(parts, dim=1))  # type: ignore[no-any-return]
