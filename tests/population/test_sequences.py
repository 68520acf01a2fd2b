"""Random histories of a stacked population against the serial oracle."""

from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.population.models import Case, assert_same, serial_of, setup_of, stacked_of
from torch import Tensor, nn

from rightrate.population import Setup

RATES = st.sampled_from([0.0, 1e-5, 1e-2, 0.3, 1e306])


class Mixed(nn.Module):
    """Buffers, draws and no two layers alike."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(6, 5, bias=False)
        self.norm = nn.BatchNorm1d(5)
        self.head = nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(nn.functional.dropout(self.norm(self.body(x)), 0.2, training=self.training))


SETUPS: dict[str, Setup] = {}


def setup(optimizer: str) -> Setup:
    if optimizer not in SETUPS:
        SETUPS[optimizer] = setup_of(Case(build=Mixed), optimizer)
    return SETUPS[optimizer]


class Histories(RuleBasedStateMachine):
    """Both engines through the same sequence of operations; equal after each."""

    @initialize(optimizer=st.sampled_from(["sgd", "nesterov", "nadam", "adagrad"]), chunk=st.integers(1, 4))
    def begin(self, optimizer: str, chunk: int) -> None:
        self.setup, self.chunk = setup(optimizer), chunk
        self.stacked: Any = stacked_of(self.setup, 3, chunk=chunk)
        self.serial: Any = serial_of(self.setup, 3)
        self.saved: tuple[int, Any, Any] | None = None

    @rule(data=st.data(), steps=st.integers(0, 3))
    def advance(self, data: st.DataObject, steps: int) -> None:
        row = st.lists(RATES, min_size=self.serial.size, max_size=self.serial.size)
        table = np.array(data.draw(st.lists(row, min_size=steps, max_size=steps)))
        table = table.reshape(steps, self.serial.size)
        found, expected = self.stacked.advance(table), self.serial.advance(table)
        np.testing.assert_allclose(found, expected, rtol=1e-9)

    @rule(data=st.data())
    def take(self, data: st.DataObject) -> None:
        members = data.draw(st.lists(st.integers(0, self.serial.size - 1), min_size=1, max_size=4))
        self.stacked, self.serial = self.stacked.take(members), self.serial.take(members)

    @rule()
    def fork_and_lose(self) -> None:
        for population in (self.stacked, self.serial):
            fork = population.take([0])
            fork.recalibrate(1)
            fork.advance(np.array([[0.1]]))

    @rule()
    def save(self) -> None:
        self.saved = (self.serial.size, self.stacked.state_dict(), self.serial.state_dict())

    @rule()
    def load(self) -> None:
        if self.saved is not None:
            size, stacked, serial = self.saved
            self.stacked = stacked_of(self.setup, size, chunk=self.chunk)
            self.serial = serial_of(self.setup, size)
            self.stacked.load_state_dict(stacked)
            self.serial.load_state_dict(serial)

    @invariant()
    def equal(self) -> None:
        assert_same(self.stacked, self.serial)


Histories.TestCase.settings = settings(max_examples=12, stateful_step_count=8, deadline=None)
TestHistories = Histories.TestCase
