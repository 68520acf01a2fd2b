"""Populations of one run, made as the run's verdict says."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.func import functional_call

from rightrate.population.kernel import Kernel
from rightrate.population.own_step import OwnStepPopulation
from rightrate.population.prepare import Prepared
from rightrate.population.program import own_draws
from rightrate.population.serial import SerialPopulation
from rightrate.population.setup import Setup
from rightrate.population.stacked import StackedPopulation
from rightrate.population.stacked_evaluation import StackedEvaluation
from rightrate.population.verdict import Verdict
from rightrate.tasks.nest import copied
from rightrate.tasks.own_step import OwnStep
from rightrate.tasks.parts import part_of

__all__ = ["Populations"]


class Populations:
    """Makes populations of any size and seed for one task.

    Args:
        prepared: The task.
        verdict: How its members are trained.
    """

    def __init__(self, prepared: Prepared, verdict: Verdict) -> None:
        self.prepared = prepared
        self.verdict = verdict
        self._setups: dict[tuple[int, int | None], Setup] = {}
        self._engines: dict[int, tuple[Setup, Kernel, StackedEvaluation]] = {}

    def make(
        self, size: int, seed: int, epoch: int | None = None
    ) -> SerialPopulation | StackedPopulation | OwnStepPopulation:
        """Return a population of `size` members at the start of the run of one seed; see `setup`."""
        setup = self.setup(seed, epoch)
        if isinstance(setup.program.model, OwnStep):
            return OwnStepPopulation(setup, size)
        if self.verdict.form is None or size < self.verdict.smallest:
            return SerialPopulation(setup, size)
        _, kernel, evaluation = self._engine(setup)
        return StackedPopulation(setup, size, kernel=kernel, evaluation=evaluation, chunk=self.verdict.chunk)

    def setup(self, seed: int, epoch: int | None = None) -> Setup:
        """Return the setup of one seed, the same object each time.

        Args:
            seed: Of weights, batches and draws.
            epoch: Optimizer steps of one pass over a part of the training data, in place of all of it.
        """
        key = seed, epoch
        if key not in self._setups:
            if epoch is None:
                self._setups[key] = self.prepared.setup(seed)
            else:
                whole = self.setup(seed)
                part = part_of(whole.train, epoch * whole.training.accumulate, seed)
                self._setups[key] = replace(whole, train=part)
        return self._setups[key]

    def _engine(self, setup: Setup) -> tuple[Setup, Kernel, StackedEvaluation]:
        """Return one seed's engine: another seed's where that computes the same, as compiling is dear."""
        if setup.seed not in self._engines:
            known = (engine for engine in self._engines.values() if _alike(engine[0], setup))
            self._engines[setup.seed] = next(known, None) or self._new_engine(setup)
        return self._engines[setup.seed]

    def _new_engine(self, setup: Setup) -> tuple[Setup, Kernel, StackedEvaluation]:
        size = self.verdict.chunk if self.verdict.compiled else None
        kernel = Kernel(setup, setup.rule(), self.verdict.form or "A", size=size)
        return setup, kernel, StackedEvaluation(setup, together=self.verdict.together)


def _alike(base: Setup, setup: Setup) -> bool:
    """Say whether two seeds' programs differ in nothing but what members bring along.

    Frozen parameters, and constants that are neither parameters nor buffers, may be drawn when the model is
    built. So one batch goes through both programs with the same parameters and buffers.
    """
    batch = next(iter(setup.train.stream(setup.seed)))
    values = dict(setup.program.named_parameters())
    losses = []
    with own_draws(setup.program.device), torch.no_grad():
        for program in (base.program, setup.program):
            given: dict[str, Tensor] = {name: values[name] for name in setup.template().names}
            given.update({name: value.clone() for name, value in setup.program.named_buffers()})
            program.seed_draws(setup.seed)
            losses.append(functional_call(program, given, (copied(batch),))[0])
    return torch.equal(losses[0], losses[1])
