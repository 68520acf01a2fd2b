"""Members in chunks, and what happens when memory runs out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from tests.population.models import Case, assert_same, rates, serial_of, setup_of, stacked_of
from torch import Tensor, nn

from rightrate.population import Kernel, Members, Setup, StackedEvaluation, StackedPopulation
from rightrate.schedules import FloatArray

PEAKS = (1e-3, 3e-2, 0.3, 1e306, 0.1)


class Draws(nn.Module):
    """Draws in training, before a normalisation, so that chunks that draw differently are seen."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(6, 8)
        self.norm = nn.BatchNorm1d(8)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(nn.functional.dropout(self.body(x), 0.4, training=self.training)))


class SmallKernel(Kernel):
    """A kernel on a device that has room for `room` members."""

    room = 2
    error: type[BaseException] = torch.OutOfMemoryError

    def run(
        self, members: Members, batches: Sequence[Sequence[Any]], lr: FloatArray, draws: Sequence[int]
    ) -> Tensor:
        if members.size > self.room:
            members.params["model.body.bias"].fill_(torch.nan)  # half-done work must not be seen
            raise self.error("out of memory")
        return super().run(members, batches, lr, draws)


class SmallEvaluation(StackedEvaluation):
    room = 2

    def _part(self, members: Members, *judged: Any) -> dict[str, FloatArray]:
        if members.size > self.room:
            raise torch.OutOfMemoryError("out of memory")
        return super()._part(members, *judged)

    def update_buffers(self, members: Members, which: slice, batch: Any, draws: int) -> None:
        if which.stop - which.start > self.room:
            raise torch.OutOfMemoryError("out of memory")
        super().update_buffers(members, which, batch, draws)


def small(
    setup: Setup, *, room: int, error: type[BaseException] = torch.OutOfMemoryError
) -> StackedPopulation:
    kernel = SmallKernel(setup, setup.rule(), "B")
    kernel.room, kernel.error = room, error
    evaluation = SmallEvaluation(setup, together=True)
    evaluation.room = room
    return StackedPopulation(setup, 5, kernel=kernel, evaluation=evaluation, chunk=5)


@pytest.mark.parametrize("optimizer", ["sgd", "nadam", "adagrad"])
@pytest.mark.parametrize("chunk", [1, 2, 4])
def test_chunks_change_nothing(optimizer: str, chunk: int) -> None:
    setup = setup_of(Case(build=Draws), optimizer)
    whole, parts, serial = stacked_of(setup, 5), stacked_of(setup, 5, chunk=chunk), serial_of(setup, 5)
    for start, steps in ((0, 6), (6, 3)):
        table = rates(PEAKS, steps, start=start)
        expected = serial.advance(table)
        np.testing.assert_allclose(parts.advance(table), expected, rtol=1e-9)
        np.testing.assert_allclose(whole.advance(table), expected, rtol=1e-9)
        assert_same(parts, serial)
    for population in (parts, serial):
        population.recalibrate(2)
    assert_same(parts, serial)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, MemoryError])
@pytest.mark.parametrize(("room", "chunk"), [(4, 2), (2, 2), (1, 1)])
def test_without_memory_the_members_are_split_and_go_on(
    room: int, chunk: int, error: type[BaseException]
) -> None:
    setup = setup_of(Case(build=Draws), "nadam")
    enough, short = stacked_of(setup, 5), small(setup, room=room, error=error)
    for start, steps in ((0, 6), (6, 3)):
        table = rates(PEAKS, steps, start=start)
        np.testing.assert_allclose(short.advance(table), enough.advance(table), rtol=1e-12)
    assert short.chunk == chunk
    for name, value in enough.members.params.items():
        torch.testing.assert_close(short.members.params[name], value, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(short.evaluate()["loss"], enough.evaluate()["loss"], rtol=1e-12)
    assert short.take([0, 1]).chunk == chunk


def test_evaluation_and_recalibration_are_split_likewise() -> None:
    setup = setup_of(Case(build=Draws), "nadam")
    enough = stacked_of(setup, 5)
    enough.advance(rates(PEAKS, 4))
    judged, calibrated = small(setup, room=2), small(setup, room=2)
    for short in (judged, calibrated):
        short.members = enough.members.pick(range(5))
    np.testing.assert_allclose(judged.evaluate()["loss"], enough.evaluate()["loss"], rtol=1e-12)
    assert judged.chunk == 2
    calibrated.recalibrate(3)
    enough.recalibrate(3)
    assert calibrated.chunk == 2
    for name, value in enough.members.buffers.items():
        torch.testing.assert_close(calibrated.members.buffers[name], value, rtol=1e-12, atol=1e-14)


def test_memory_that_is_short_for_one_member_is_an_error() -> None:
    setup = setup_of(Case(build=Draws), "nadam")
    population = small(setup, room=0)
    for work in (lambda: population.advance(rates(PEAKS, 2)), population.evaluate):
        with pytest.raises(torch.OutOfMemoryError, match="out of memory"):
            work()
    with pytest.raises(torch.OutOfMemoryError, match="out of memory"):
        population.recalibrate(1)
    assert population.chunk == 1
    assert population.step == 0
