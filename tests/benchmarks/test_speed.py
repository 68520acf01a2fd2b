"""The speed benchmark: its arithmetic, and that its contestants train."""

import numpy as np
import pytest
import torch
from benchmarks.speed import engines, results
from benchmarks.speed.bars import Bar, bars_of
from benchmarks.speed.cases import CASES, Case
from benchmarks.speed.measure import Contestant, Ratio, rounds
from benchmarks.speed.plain import PlainLoop

CPU = torch.device("cpu")


def case_of(model: str, size: int = 2, optimizer: str = "adamw") -> Case:
    workload = next(case.workload for case in CASES if case.workload.name == model)
    return Case(workload=workload, optimizer=optimizer, size=size)


def taking(seconds: float) -> Contestant:
    """Say that each step took so many CPU seconds in other processes."""
    return Contestant(run=lambda steps: steps * seconds, note="elsewhere")


def test_ratios_are_to_the_first_and_above_one_where_faster() -> None:
    found = rounds({"plain": taking(2.0), "fast": taking(0.5)}, size=3, pairs=5, seconds=4.0, device=CPU)
    assert found["plain"].median == 1.0
    assert found["fast"].median == pytest.approx(4.0, rel=0.05)
    assert found["fast"].low <= found["fast"].median <= found["fast"].high
    assert found["fast"].member_steps_per_second == pytest.approx(3 / 0.5, rel=0.05)
    assert (found["fast"].pairs, found["fast"].note) == (5, "elsewhere")


def test_the_far_too_slow_are_measured_once() -> None:
    found = rounds({"plain": taking(2.0), "slow": taking(50.0)}, size=1, pairs=5, seconds=4.0, device=CPU)
    assert (found["slow"].pairs, found["plain"].pairs) == (1, 5)
    assert found["slow"].median == pytest.approx(0.04, rel=0.05)


@pytest.mark.parametrize(
    ("at_least", "low", "high", "holds"),
    [(True, 6.0, 8.1, True), (True, 6.0, 7.9, False), (False, 1.5, 2.0, True), (False, 1.7, 2.0, False)],
)
def test_a_bar_fails_only_if_the_whole_interval_is_on_the_wrong_side(
    at_least: bool, low: float, high: float, holds: bool
) -> None:
    wanted = 8.0 if at_least else 1.6
    assert Bar(name="", wanted=wanted, at_least=at_least, median=low, low=low, high=high).holds is holds


def test_bars_are_on_small_compiled_models_and_on_every_choice() -> None:
    ratio = Ratio(median=9.0, low=8.5, high=9.5, member_steps_per_second=1.0, wall=9.0, pairs=15)
    ratios = {"compiled": ratio, "auto": ratio}
    assert [bar.wanted for bar in bars_of([(case_of("mlp", 16), ratios)], on_gpu=False)] == [8.0, 0.95]
    momentum = case_of("mlp", 16, "momentum")
    assert [bar.wanted for bar in bars_of([(momentum, ratios)], on_gpu=False)] == [7.0, 0.95]
    assert [bar.wanted for bar in bars_of([(case_of("cnn", 16), ratios)], on_gpu=False)] == [0.95]
    assert [bar.wanted for bar in bars_of([(case_of("mlp", 64), ratios)], on_gpu=True)] == [20.0, 0.95]
    assert len(CASES) == 32


@pytest.mark.parametrize("model", ["mlp", "cnn", "transformer"])
def test_contestants_train_every_member(model: str) -> None:
    case = case_of(model)
    loop = PlainLoop(case, CPU)
    before = [value.clone() for own in loop._models for value in own.parameters()]
    loop.run(2)
    after = [value for own in loop._models for value in own.parameters()]
    moved = [not torch.equal(first, second) for first, second in zip(before, after, strict=True)]
    assert np.mean(moved) > 0.9
    serial = engines.serial(case, CPU)
    serial.run(1)
    assert serial.note == "serial: asked for"


def test_lines_and_files_say_the_same(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "_FOLDER", tmp_path)
    ratio = Ratio(median=9.0, low=8.5, high=9.5, member_steps_per_second=1234.0, wall=9.0, pairs=15, note="n")
    rows = [(case_of("mlp", 16), {"plain": ratio, "auto": ratio})]
    bars = bars_of(rows, on_gpu=False)
    path = results.write(CPU, results.environment(CPU), "python -m benchmarks.speed", rows, [], bars)
    assert path.name == "speed-cpu.md"
    text = path.read_text()
    assert "| mlp, 32, adamw, 16 | 1234/s | - | - | - | 9.00 (8.50-9.50) | n | - | - |" in text
    assert ">= 0.95 | 9.00 (8.50-9.50) | yes |" in text
    assert "9.00 (8.50-9.50)" in results.line(*rows[0])
    assert '"holds": true' in path.with_suffix(".json").read_text()
