"""This project's engines as contestants."""

import numpy as np
import torch

from benchmarks.speed.cases import Case, rates
from benchmarks.speed.measure import Contestant
from rightrate.population import prepare
from rightrate.population.calibrate import calibrate
from rightrate.population.check import quiet
from rightrate.population.factory import Populations
from rightrate.population.verdict import Verdict

__all__ = ["AUTO_MEMBER_STEPS", "chosen", "compiled", "eager", "serial"]

AUTO_MEMBER_STEPS = 20_000
"""The search that the calibration is told of: what it may spend on compiling depends on it."""


def serial(case: Case, device: torch.device) -> Contestant:
    """Return real models with real optimizers, one after the other."""
    return _contestant(case, device, Verdict(reason="asked for"))


def eager(case: Case, device: torch.device) -> Contestant:
    """Return stacked members without compiling, in the form the calibration finds faster."""
    with quiet():
        verdict = calibrate(
            prepare(case.workload.task(device), case.optimizer),
            size=case.size,
            member_steps=AUTO_MEMBER_STEPS,
            engine="stacked",
            compiling=False,
        ).verdict
    return _contestant(case, device, verdict)


def compiled(case: Case, device: torch.device) -> Contestant:
    """Return stacked members with compiled steps, whether that pays or not."""
    verdict = Verdict(form="A", compiled=True, chunk=case.size, together=True)
    return _contestant(case, device, verdict)


def chosen(case: Case, device: torch.device) -> Contestant:
    """Return the engine that the calibration chooses by itself."""
    with quiet():
        verdict = calibrate(
            prepare(case.workload.task(device), case.optimizer),
            size=case.size,
            member_steps=AUTO_MEMBER_STEPS,
        ).verdict
    return _contestant(case, device, verdict)


def _contestant(case: Case, device: torch.device, verdict: Verdict) -> Contestant:
    prepared = prepare(case.workload.task(device), case.optimizer)
    population = Populations(prepared, verdict).make(case.size, 0)
    row = rates(case.size)[None]

    def run(steps: int) -> None:
        with quiet():
            population.advance(np.repeat(row, steps, axis=0))

    return Contestant(run=run, note=verdict.sentence())
