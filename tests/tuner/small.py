"""A small task, journals that crash, and one tuning on them."""

import json
from dataclasses import replace

import torch
from tests.finder.small import BATCH, mlp, train, valid
from torch import nn

import rightrate as rr
from rightrate.finder.interrupt import Interrupt
from rightrate.population.prepare import prepare
from rightrate.store.state import pack, unpack
from rightrate.tuner.question import Question
from rightrate.tuner.session import Session

__all__ = ["Crash", "Memory", "small", "tuned"]


class Crash(Exception):  # noqa: N818 - it stands for a kill
    """The process is gone."""


class Memory:
    """A journal that is kept while sessions crash.

    Args:
        crash: The checkpoint after (or, if it is negative, before) whose writing the process is killed.
        finish: The piece that is killed right after it was recorded.
    """

    def __init__(self, crash: int | None = None, finish: str | None = None) -> None:
        self.crash = crash
        self.finish_of = finish
        self.pieces: dict[str, tuple[str, bytes | None]] = {}
        self.checkpoints: dict[str, bytes] = {}
        self.written = 0

    def finished(self, key):
        return json.loads(self.pieces[key][0]) if key in self.pieces else None

    def finish(self, key, value, state=None) -> None:
        assert key not in self.pieces
        self.pieces[key] = (json.dumps(value), None if state is None else pack(state))
        self.checkpoints.pop(key, None)
        if key == self.finish_of:
            self.finish_of = None
            raise Crash

    def due(self) -> bool:
        return True

    def checkpoint(self, key, state) -> None:
        self.written += 1
        if self.crash == -self.written:
            self.crash = None
            raise Crash
        self.checkpoints[key] = pack(state)
        if self.crash == self.written:
            self.crash = None
            raise Crash

    def resume(self, key):
        content = self.pieces[key][1] if key in self.pieces else self.checkpoints.get(key)
        return None if content is None else unpack(content)


def small(**changes):
    """The task: three clouds, a network of one hidden layer."""
    task = rr.Task(
        model=mlp(),
        train=train(),
        valid=valid(),
        loss=nn.functional.cross_entropy,
        metrics={"accuracy": lambda outputs, targets: float((outputs.argmax(1) == targets).float().mean())},
        training=rr.Training(batch_size=BATCH),
    )
    return replace(task, **changes)


def tuned(strategy, journal, *, task=None, steps=40, engine="serial", schedule="constant", progress=None):
    """Run one session and return its record (without times) and the winner."""
    prepared = prepare(small() if task is None else task, "adamw")
    question = Question(
        strategy=strategy, steps=steps, schedule=schedule, low=1e-4, high=3.0, seed=0, engine=engine
    )
    threads = torch.get_num_threads()
    try:
        with Interrupt(str) as interrupt:

            def watch(state):
                if progress is not None:
                    progress(state, interrupt)

            record, winner = Session(prepared, question, journal, watch).run(interrupt, ())
    finally:
        torch.set_num_threads(threads)
    return timeless(record), winner


def timeless(record):
    rounds = tuple(replace(done, seconds=0.0) for done in record.rounds)
    replays = tuple(replace(done, seconds=0.0) for done in record.replays)
    return replace(record, rounds=rounds, replays=replays, cost=replace(record.cost, seconds={}))
