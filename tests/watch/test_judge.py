"""Detectors in a watched run: what they see, what follows, and what happens when one fails."""

import dataclasses
import json
import math
from typing import Any

import pytest
import torch
from torch.optim import SGD

from rightrate.watch import judge
from rightrate.watch.detector import Block, Sample, State, again
from rightrate.watch.detectors.dead_layers import DeadLayers
from rightrate.watch.detectors.scheduler_misplaced import SchedulerMisplaced
from rightrate.watch.detectors.spike import Spike
from rightrate.watch.finding import Finding
from rightrate.watch.ladder import order_for
from rightrate.watch.measure import Measured
from tests.watch.loops import network, quiet, train


def finding(verdict: Any = "collapsed", confidence: float = 0.9, step: int = 40) -> Finding:
    return Finding(
        verdict=verdict, step=step, since=step - 8, text="It is so.", advice="Do it.", confidence=confidence
    )


class Counting:
    """Counts steps, and finds something in the second block."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []

    def init(self) -> State:
        return {"seen": 0}

    def update(self, state: State, block: Block) -> tuple[tuple[Finding, ...], State]:
        self.blocks.append(block)
        seen = state["seen"] + len(block.steps)
        return ((finding(step=block.last),) if seen == 64 else ()), {"seen": seen}


class Failing(Counting):
    def update(self, state: State, block: Block) -> tuple[tuple[Finding, ...], State]:
        self.blocks.append(block)
        raise RuntimeError("a detector is broken")


def test_blocks_findings_and_a_detector_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = Counting(), Failing()
    monkeypatch.setattr(judge, "DETECTORS", {"bad": bad, "good": good})
    model = network()
    optimizer = SGD(model.parameters(), lr=0.1)
    with quiet(optimizer, total_steps=70, chance_loss=1.1) as w:
        w.validate(0.5)
        train(model, optimizer, 70, w=w)
        state = json.loads(json.dumps(w.state_dict()))
    assert [block.steps for block in good.blocks] == [
        tuple(range(32)), tuple(range(32, 64)), tuple(range(64, 70)),
    ]  # fmt: skip
    first = good.blocks[0]
    assert first.rates.applied == ((0.1,),) * 32
    assert first.validations == ((0, 0.5),)
    assert (first.facts.total_steps, first.facts.chance_loss) == (70, 1.1)
    assert [sample.step for sample in first.samples] == [0, 1]
    assert len(bad.blocks) == 1
    assert [note.text for note in w.notes] == ["RuntimeError: a detector is broken"]
    assert [found.step for found in w.findings] == [63]
    again = quiet(optimizer)
    again.load_state_dict(state)
    assert again.findings == w.findings
    assert again.state_dict()["feed"]["judge"]["states"] == {"good": {"seen": 70}}
    assert "It is so." in w.summary()
    assert "Do it." in w.summary()


def test_a_sure_finding_makes_it_act(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "DETECTORS", {"good": Counting()})
    model = network()
    optimizer = SGD(model.parameters(), lr=0.1)
    with quiet(optimizer, model=model, mode="act") as w:
        train(model, optimizer, 120, w=w)
    assert [act.kind for act in w.acts][:2] == ["rollback", "skip"]
    assert w.acts[0].reason == "It is so"
    assert torch.isfinite(next(iter(model.parameters()))).all()


@pytest.mark.parametrize(
    ("verdict", "confidence", "scheduled", "kind"),
    [
        ("non_finite", 1.0, True, "rollback"),
        ("diverging", 0.8, False, "rollback"),
        ("collapsed", 0.79, False, None),
        ("plateau", 0.9, False, "lower"),
        ("plateau", 0.9, True, None),
        ("converged", 0.9, False, "stop"),
        ("overfitting", 1.0, False, None),
        ("too_low", 1.0, False, None),
    ],
)
def test_the_ladder(verdict: Any, confidence: float, scheduled: bool, kind: str | None) -> None:
    order = order_for([finding(verdict, confidence)], scheduled=scheduled)
    assert (None if order is None else order.kind) == kind


def test_the_gravest_of_several_findings_decides() -> None:
    order = order_for([finding("plateau"), finding("collapsed", step=90)], scheduled=False)
    assert order is not None
    assert (order.kind, order.since) == ("rollback", 82)


def test_what_is_built_wrong_is_said_once_though_the_run_is_put_back() -> None:
    numbers = {field.name: math.nan for field in dataclasses.fields(Measured)}
    dead = Sample(step=1, measured=Measured(**{**numbers, "flat_fraction": 0.5}), flat_tensors=("a",))
    state = DeadLayers().init()
    blocks = [Block(steps=(step,), losses=(1.0,), samples=(dead,)) for step in range(8)]
    told = []
    for place, block in enumerate(blocks):
        state = again(DeadLayers(), state) if place == 6 else state
        found, state = DeadLayers().update(state, block)
        told += found
    assert [one.verdict for one in told] == ["dead_layers"]
    assert again(Spike(), {"window": [1.0], "calm": 0}) == Spike().init()
    misplaced = {**SchedulerMisplaced().init(), "newest": [9, 9], "said": ["often"]}
    assert again(SchedulerMisplaced(), misplaced) == {**SchedulerMisplaced().init(), "said": ["often"]}
