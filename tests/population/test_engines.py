"""Choosing an engine, and making populations by the choice."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tests.population.lars import Lars
from tests.population.models import MODELS, Case, mlp, rates, series, vectors
from torch import Tensor, nn

from rightrate.errors import ConfigError, EngineError
from rightrate.population import Prepared, SerialPopulation, StackedPopulation, prepare
from rightrate.population.calibrate import calibrate
from rightrate.population.factory import Populations
from rightrate.population.verdict import Verdict
from rightrate.tasks.task import Task, Training

pytestmark = pytest.mark.filterwarnings("ignore:There is a performance drop")

STACKED = Verdict(form="B", chunk=4, smallest=3, together=True)
SERIAL = Verdict(reason="asked for")


def prepared_of(case: Case | str = "mlp", optimizer: Any = "adamw", *, model: Any = None) -> Prepared:
    case = MODELS[case] if isinstance(case, str) else case
    data = case.data(torch.float64, torch.Generator().manual_seed(5))
    task = Task(
        model=(lambda: case.build().double()) if model is None else model,
        train=data,
        valid=data,
        loss=case.loss,
        training=Training(batch_size=16, device="cpu"),
    )
    return prepare(task, optimizer)


class Fourier(nn.Module):
    """A constant drawn at construction that is neither parameter nor buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.waves = torch.randn(6, 8, dtype=torch.float64)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.cos(x @ self.waves))


def frozen_first() -> nn.Module:
    model = mlp()
    model[0].requires_grad_(False)
    return model


@pytest.mark.parametrize("build", [mlp, Fourier, frozen_first])
def test_populations_of_every_seed_are_like_serial_ones(build: Callable[[], nn.Module]) -> None:
    prepared = prepared_of(Case(build=build))
    fast, plain = Populations(prepared, STACKED), Populations(prepared, SERIAL)
    table = rates((1e-3, 1e-2, 0.1), 5)
    first = []
    for seed in (0, 1, 0):
        stacked, serial = fast.make(3, seed), plain.make(3, seed)
        assert isinstance(stacked, StackedPopulation)
        assert isinstance(serial, SerialPopulation)
        expected = serial.advance(table)
        np.testing.assert_allclose(stacked.advance(table), expected, rtol=1e-9)
        np.testing.assert_allclose(stacked.evaluate()["loss"], serial.evaluate()["loss"], rtol=1e-9)
        first.append(expected[0, 0])
    assert first[0] == first[2] != first[1]


@pytest.mark.parametrize(("build", "shared"), [(mlp, True), (Fourier, False), (frozen_first, False)])
def test_seeds_share_a_kernel_only_where_it_computes_the_same(
    build: Callable[[], nn.Module], shared: bool
) -> None:
    populations = Populations(prepared_of(Case(build=build)), STACKED)
    kernels = [populations.make(3, seed)._kernel for seed in (0, 1, 0)]  # type: ignore[union-attr]
    assert kernels[0] is kernels[2]
    assert (kernels[0] is kernels[1]) is shared
    assert populations.setup(1) is populations.setup(1)


def test_small_populations_are_serial() -> None:
    populations = Populations(prepared_of(), STACKED)
    assert isinstance(populations.make(2, 0), SerialPopulation)
    assert isinstance(populations.make(3, 0), StackedPopulation)


@pytest.mark.parametrize(
    ("verdict", "sentence"),
    [
        (
            Verdict(form="B", chunk=16, together=True, speedup=4.26),
            "stacked, eager form B, 16 members a call, 4.3x",
        ),
        (
            Verdict(form="A", compiled=True, chunk=8, speedup=9.1, together=False),
            "stacked, compiled, 8 members a call, 9.1x, evaluated one by one",
        ),
        (Verdict(reason="spectral_norm has no batching rule"), "serial: spectral_norm has no batching rule"),
    ],
)
def test_verdicts_read_and_store(verdict: Verdict, sentence: str) -> None:
    assert verdict.sentence() == sentence
    assert Verdict.from_dict(json.loads(json.dumps(verdict.to_dict()))) == verdict


def test_an_engine_can_be_forced() -> None:
    prepared = prepared_of()
    forced = calibrate(prepared, size=4, member_steps=100, engine="stacked", compiling=False)
    assert forced.verdict.form in ("A", "B")
    assert (forced.verdict.smallest, forced.verdict.together) == (1, True)
    assert forced.member_steps > 0
    assert forced.step_seconds > 0
    plain = calibrate(prepared, size=4, member_steps=100, engine="serial")
    assert plain.verdict.sentence() == "serial: asked for"
    alone = calibrate(prepared, size=1, member_steps=100)
    assert alone.verdict.sentence() == "serial: one member only"


def test_unknown_engines() -> None:
    with pytest.raises(
        ConfigError, match=r"engine=\.\.\.\) must be one of 'auto', 'serial', 'stacked', got 'gpu'"
    ):
        calibrate(prepared_of(), size=4, member_steps=100, engine="gpu")  # type: ignore[arg-type]


def test_an_engine_that_is_wrong_cannot_be_forced() -> None:
    with pytest.raises(
        EngineError, match=r"engine='stacked'\) cannot train this model: Lars is not linear.*auto"
    ):
        calibrate(prepared_of("mlp", Lars), size=4, member_steps=100, engine="stacked", compiling=False)


def test_a_recurrent_model_trains_in_form_a_and_is_judged_one_by_one() -> None:
    """In float32: under `vmap`, torch has a rule for training the LSTM and none for evaluating it."""
    case = MODELS["lstm"]
    data = series(torch.float32, torch.Generator().manual_seed(5))
    task = Task(
        model=case.build,
        train=data,
        valid=data,
        loss=case.loss,
        training=Training(batch_size=16, device="cpu"),
    )
    forced = calibrate(prepare(task, "adamw"), size=3, member_steps=9, engine="stacked", compiling=False)
    assert forced.verdict.form == "A"
    assert not forced.verdict.together
    assert forced.verdict.sentence().endswith("evaluated one by one")


def test_spectral_norm_is_trained_serially_and_says_so() -> None:
    def build() -> nn.Module:
        return nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(6, 3)))

    verdict = calibrate(prepared_of(Case(build=build)), size=4, member_steps=9, compiling=False).verdict
    assert verdict.sentence() == "serial: spectral_norm has no batching rule"


def test_calibrating_leaves_the_model_and_the_random_state_alone() -> None:
    model = mlp().double()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    prepared = prepared_of(model=model)
    calibrate(prepared, size=4, member_steps=9, compiling=False)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(value.grad is None for value in model.parameters())
    assert prepared.task.model is model


def test_a_given_module_is_the_start_of_every_seed() -> None:
    """Weights given as a module are the start of every seed; batches differ between seeds."""
    model = mlp().double()
    populations = Populations(prepared_of(model=model), STACKED)
    judged = [populations.make(3, seed).evaluate()["loss"] for seed in (0, 1)]
    assert np.array_equal(*judged)
    table = rates((1e-3, 1e-2, 0.1), 2)
    losses = [populations.make(3, seed).advance(table) for seed in (0, 1)]
    assert not np.isclose(losses[0], losses[1]).any()
    inputs, targets = vectors(torch.float64, torch.Generator().manual_seed(5))
    expected = float(nn.functional.cross_entropy(model(inputs), targets).detach())
    np.testing.assert_allclose(judged[0], expected, rtol=1e-12)
