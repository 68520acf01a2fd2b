"""Small models with data, and populations over them, that the tests of the engine share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rightrate.population import (
    Kernel,
    SerialPopulation,
    Setup,
    StackedEvaluation,
    StackedPopulation,
    prepare,
)
from rightrate.population.gradients import Form
from rightrate.tasks.task import Metric, Task, Training

__all__ = [
    "CASES",
    "CATALOGUE_RATES",
    "MODELS",
    "Case",
    "accuracy",
    "assert_same",
    "mlp",
    "rates",
    "serial_of",
    "setup_of",
    "stacked_of",
]

SAMPLES, FEATURES, CLASSES, LENGTH, WORDS = 48, 6, 3, 5, 11
DIVERGES = 1e306  # one decade of room, because Adam divides the rate by 1 - beta1
CATALOGUE_RATES = (1e-3, 3e-2, 0.3, DIVERGES)


class Attention(nn.Module):
    """One head over the sequence, by hand or by torch's fused function."""

    def __init__(self, width: int, *, fused: bool) -> None:
        super().__init__()
        # Biases of keys cannot change a softmax: their gradient would be rounding noise.
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width)
        self.fused = fused

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (part.unsqueeze(1) for part in self.qkv(x).chunk(3, dim=-1))
        if self.fused:
            mixed = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
            hidden = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
            mixed = scores.masked_fill(hidden, -torch.inf).softmax(-1) @ v
        return self.out(mixed.squeeze(1))


class Transformer(nn.Module):
    """One block over tokens, judged by the class of the whole sequence."""

    def __init__(self, *, fused: bool, width: int = 8) -> None:
        super().__init__()
        self.tokens = nn.Embedding(WORDS, width)
        self.places = nn.Parameter(torch.randn(LENGTH, width) * 0.1)
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, fused=fused)
        self.wide = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.head = nn.Linear(width, CLASSES)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.tokens(tokens) + self.places
        x = x + self.attention(self.before(x))
        return self.head((x + self.wide(self.after(x))).mean(1))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(FEATURES, 5, batch_first=True)
        self.head = nn.Linear(5, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.lstm(x)[0][:, -1])


class Tied(nn.Module):
    """A language model whose output layer is its embedding."""

    def __init__(self, width: int = 6) -> None:
        super().__init__()
        self.tokens = nn.Embedding(WORDS, width)
        self.hidden = nn.Linear(width, width)
        self.out = nn.Linear(width, WORDS, bias=False)
        self.out.weight = self.tokens.weight

    def forward(self, tokens: Tensor) -> Tensor:
        return self.out(torch.tanh(self.hidden(self.tokens(tokens)))).flatten(0, 1)


class Bag(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(WORDS, 6, padding_idx=0)
        self.head = nn.Linear(6, CLASSES)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(torch.tanh(self.tokens(tokens)).mean(1))


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(FEATURES, 8), nn.ReLU(), nn.Linear(8, CLASSES))


def cnn() -> nn.Module:
    return nn.Sequential(
        # A bias before a normalisation has a gradient of rounding noise only.
        nn.Conv2d(1, 4, 3, padding=1, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Conv2d(4, 4, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(4, CLASSES),
    )


def dropout() -> nn.Module:
    return nn.Sequential(
        nn.Linear(FEATURES, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, CLASSES), nn.Dropout(0.1)
    )


def vectors(dtype: torch.dtype, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    x = torch.randn(SAMPLES, FEATURES, generator=generator, dtype=torch.float64)
    return x.to(dtype), (x[:, 0] > 0.3).long() + (x[:, 1] > 0).long()


def images(dtype: torch.dtype, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    x = torch.randn(SAMPLES, 1, 6, 6, generator=generator, dtype=torch.float64)
    return x.to(dtype), (x.mean((1, 2, 3)) > 0).long() + (x[:, 0, 0, 0] > 0).long()


def series(dtype: torch.dtype, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    x = torch.randn(SAMPLES, LENGTH, FEATURES, generator=generator, dtype=torch.float64)
    return x.to(dtype), (x.mean((1, 2)) > 0).long() + (x[:, 0, 0] > 0).long()


def tokens(dtype: torch.dtype, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    x = torch.randint(0, WORDS, (SAMPLES, LENGTH), generator=generator)
    return x, x[:, 0] % CLASSES


def next_tokens(dtype: torch.dtype, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    x = torch.randint(0, WORDS, (SAMPLES, LENGTH), generator=generator)
    return x, (x * 2 + 1) % WORDS


def sequence_loss(output: Tensor, target: Tensor) -> Tensor:
    return nn.functional.cross_entropy(output, target.flatten())


def accuracy(outputs: Tensor, targets: Tensor) -> float:
    return float((outputs.argmax(-1) == targets).double().mean())


@dataclass(frozen=True, kw_only=True)
class Case:
    """A model, its data, and which fast paths it has.

    `forms` are the forms of the gradient that torch can do; `together` says whether evaluation can go through
    `vmap`.
    """

    build: Callable[[], nn.Module]
    data: Callable[[torch.dtype, torch.Generator], tuple[Tensor, Tensor]] = vectors
    loss: Callable[[Tensor, Tensor], Tensor] = nn.functional.cross_entropy
    forms: tuple[Form, ...] = ("A", "B")
    together: bool = True


MODELS: dict[str, Case] = {
    "mlp": Case(build=mlp),
    "cnn": Case(build=cnn, data=images),
    "dropout": Case(build=dropout),
    "attention": Case(build=lambda: Transformer(fused=False), data=tokens),
    "fused attention": Case(build=lambda: Transformer(fused=True), data=tokens),
    "lstm": Case(build=Recurrent, data=series, forms=("A",), together=False),
    "tied": Case(build=Tied, data=next_tokens, loss=sequence_loss),
    "embedding": Case(build=Bag, data=tokens),
}
CASES = [(name, form) for name, case in MODELS.items() for form in case.forms]


def setup_of(
    case: Case | str = "mlp",
    optimizer: Any = "adamw",
    *,
    dtype: torch.dtype = torch.float64,
    seed: int = 0,
    metrics: Mapping[str, Metric] | None = None,
    options: dict[str, Any] | None = None,
    **training: Any,
) -> Setup:
    """Return the setup of a case: 48 samples to train on, 40 others to validate on, in batches of 16."""
    case = MODELS[case] if isinstance(case, str) else case
    generator = torch.Generator().manual_seed(5)
    train = case.data(dtype, generator)
    valid = tuple(part[:40] for part in case.data(dtype, generator))
    build = case.build
    task = Task(
        model=lambda: build().to(dtype),
        train=train,
        valid=valid,
        loss=case.loss,
        metrics=metrics or {},
        training=Training(**{"batch_size": 16, "device": "cpu", **training}),
    )
    return prepare(task, optimizer, options=options).setup(seed)


def stacked_of(
    setup: Setup,
    size: int,
    *,
    form: Form = "B",
    together: bool = True,
    chunk: int | None = None,
    weight_decay: Sequence[float] | None = None,
    kernel: Kernel | None = None,
) -> StackedPopulation:
    if kernel is None:
        rule = setup.rule(decayed=weight_decay is not None)
        assert rule.kind != "whole", rule.reason
        kernel = Kernel(setup, rule, form)
    return StackedPopulation(
        setup,
        size,
        kernel=kernel,
        evaluation=StackedEvaluation(setup, together=together),
        chunk=size if chunk is None else chunk,
        weight_decay=weight_decay,
    )


def serial_of(setup: Setup, size: int, *, weight_decay: Sequence[float] | None = None) -> SerialPopulation:
    return SerialPopulation(setup, size, weight_decay=weight_decay)


def rates(peaks: Sequence[float], steps: int, *, start: int = 0, total: int = 40) -> np.ndarray:
    """Return a table that falls to zero over `total` steps, with one peak for each member."""
    shape = np.clip(1 - (start + np.arange(steps)) / total, 0.0, None)
    return shape[:, None] * np.asarray(peaks, dtype=np.float64)


def assert_same(
    stacked: StackedPopulation, serial: SerialPopulation, *, rtol: float = 1e-9, atol: float = 1e-12
) -> None:
    """Hold parameters, buffers, life and evaluation of two populations equal, member by member."""
    assert stacked.step == serial.step
    assert stacked.alive == serial.alive
    close = {"rtol": rtol, "atol": atol, "equal_nan": True}
    for index, program in enumerate(serial.programs()):
        own = dict(program.named_parameters())
        for name, value in stacked.members.params.items():
            torch.testing.assert_close(value[index], own[name].detach(), msg=_named(index, name), **close)
        buffers = dict(program.named_buffers())
        assert buffers.keys() == stacked.members.buffers.keys()
        for name, value in stacked.members.buffers.items():
            torch.testing.assert_close(value[index], buffers[name], msg=_named(index, name), **close)
    found, expected = stacked.evaluate(), serial.evaluate()
    assert found.keys() == expected.keys()
    for name, row in expected.items():
        np.testing.assert_allclose(found[name], row, rtol=rtol, atol=atol, err_msg=name)


def _named(index: int, name: str) -> Callable[[str], str]:
    return lambda text: f"member {index}, {name}: {text}"
