"""The tasks of the quality benchmark: sixteen kinds, half for development, half only for the report."""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import rightrate as rr
from benchmarks.quality.tasks import finetune, images, practice, ratings, series, tables, text

__all__ = ["ENTRIES", "Entry", "Half", "load"]

Half = Literal["development", "held out", "built in", "practice"]

_TWO = ("momentum", "adamw")
_FIVE = (*_TWO, "rmsprop", "adagrad", "sgd")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One task.

    Args:
        name: Short name.
        kind: What it stands for.
        half: "development": the method may be looked at on it; "held out": only for the report; "built in":
            ships with rightrate and was developed on; "practice": was developed on, part of no report.
        load: Builds it; always the same data.
        optimizers: Names of the catalogue.
        schedules: Names of schedules.
    """

    name: str
    kind: str
    half: Half
    load: Callable[[], rr.Task]
    optimizers: tuple[str, ...] = _TWO
    schedules: tuple[str, ...] = ("constant", "cosine")


def _builtin(name: str) -> rr.Task:
    from rightrate.tasks import load as load_builtin

    return load_builtin(name)


def _entries() -> Iterator[Entry]:
    linear = ("constant", "linear")
    dev, held = "development", "held out"
    yield Entry(name="digits-bn", kind="CNN with BatchNorm", half=dev, load=images.digits_bn)
    yield Entry(name="autoencoder", kind="autoencoder", half=dev, load=images.autoencoder, schedules=linear)
    yield Entry(name="gpt", kind="small transformer language model", half=dev, load=text.gpt)
    yield Entry(
        name="caravan", kind="imbalanced tabular classification", half=dev, load=tables.caravan,
        optimizers=_FIVE, schedules=linear,
    )  # fmt: skip
    yield Entry(name="cells-4", kind="noisy, batch size 4", half=dev, load=tables.cells)
    yield Entry(name="surveys", kind="MLP, 19 classes", half=dev, load=tables.surveys, optimizers=_FIVE)
    yield Entry(
        name="deliveries", kind="linear regression", half=dev, load=tables.deliveries, schedules=linear
    )
    yield Entry(
        name="housing", kind="regression with heavy-tailed targets", half=dev, load=tables.housing,
        optimizers=_FIVE,
    )  # fmt: skip
    yield Entry(
        name="fonts-cnn", kind="CNN without normalisation", half=held, load=images.fonts_cnn,
        optimizers=_FIVE, schedules=linear,
    )  # fmt: skip
    yield Entry(name="fonts-resnet", kind="residual network", half=held, load=images.fonts_resnet)
    yield Entry(name="demand", kind="LSTM", half=held, load=series.demand, schedules=linear)
    yield Entry(
        name="finetune", kind="fine-tuning from a pretrained start", half=held, load=finetune.fonts,
        schedules=("linear",),
    )  # fmt: skip
    yield Entry(name="movielens", kind="embedding-heavy", half=held, load=ratings.movielens)
    yield Entry(
        name="diamonds-nll",
        kind="negative loss, a likelihood",
        half=held,
        load=tables.diamonds,
        schedules=linear,
    )
    yield Entry(
        name="leaf-full", kind="full batch, 32 classes", half=held, load=tables.leaf, optimizers=_FIVE
    )
    yield Entry(
        name="grants", kind="wide sparse linear classification", half=held, load=tables.grants,
        optimizers=_FIVE, schedules=linear,
    )  # fmt: skip
    for name, load_, optimizers, schedules in (
        ("digits-top", practice.digits_top, _TWO, ("linear",)),
        ("surveys-later", practice.surveys_later, _TWO, ("constant", "cosine")),
        ("modules", practice.modules, (*_TWO, "sgd"), linear),
        ("modules-scaled", practice.modules_scaled, (*_TWO, "sgd"), linear),
        ("typefaces", practice.typefaces, (*_TWO, "rmsprop"), linear),
        ("typefaces-top", practice.typefaces_top, _TWO, ("linear",)),
        ("bigrams", practice.bigrams, _TWO, linear),
        ("calls", practice.calls, _TWO, ("constant",)),
        ("houses-nll", practice.houses, _TWO, linear),
        ("churn-unscaled", practice.churn_unscaled, (*_TWO, "sgd"), linear),
        ("proteins-unscaled", practice.proteins_unscaled, (*_TWO, "sgd"), linear),
        ("lectures", practice.lectures, _TWO, ("constant", "cosine")),
        ("loans", practice.loans, (*_TWO, "sgd"), linear),
        ("tweets", practice.tweets, (*_TWO, "sgd"), linear),
        ("digits-full", practice.digits_full, (*_TWO, "sgd"), ("constant", "cosine")),
    ):
        yield Entry(
            name=name,
            kind="practice",
            half="practice",
            load=load_,
            optimizers=optimizers,
            schedules=schedules,
        )
    for name in ("digits", "digits-cnn", "cancer", "wine", "diabetes"):
        yield Entry(
            name=name, kind="ships with rightrate", half="built in", load=functools.partial(_builtin, name)
        )


ENTRIES = {entry.name: entry for entry in _entries()}


@functools.cache
def load(name: str) -> rr.Task:
    """Return the task of that name; its data are read once."""
    return ENTRIES[name].load()
