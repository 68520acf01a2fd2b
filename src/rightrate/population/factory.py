"""Populations of one run, made as the run's verdict says."""

from rightrate.population.kernel import Kernel
from rightrate.population.prepare import Prepared
from rightrate.population.serial import SerialPopulation
from rightrate.population.setup import Setup
from rightrate.population.stacked import StackedPopulation
from rightrate.population.stacked_evaluation import StackedEvaluation
from rightrate.population.verdict import Verdict

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
        self._setups: dict[int, Setup] = {}
        self._stacked: dict[int, tuple[Kernel, StackedEvaluation]] = {}

    def make(self, size: int, seed: int) -> SerialPopulation | StackedPopulation:
        """Return a population of `size` members at the start of the run of one seed."""
        setup = self.setup(seed)
        if self.verdict.form is None or size < self.verdict.smallest:
            return SerialPopulation(setup, size)
        kernel, evaluation = self._engine(setup)
        return StackedPopulation(setup, size, kernel=kernel, evaluation=evaluation, chunk=self.verdict.chunk)

    def setup(self, seed: int) -> Setup:
        """Return the setup of one seed, the same object each time."""
        if seed not in self._setups:
            self._setups[seed] = self.prepared.setup(seed)
        return self._setups[seed]

    def _engine(self, setup: Setup) -> tuple[Kernel, StackedEvaluation]:
        shared = set(setup.template().names) == {name for name, _ in setup.program.named_parameters()}
        key = 0 if shared else setup.seed
        if key not in self._stacked:
            form = self.verdict.form or "A"
            size = self.verdict.chunk if self.verdict.compiled else None
            kernel = Kernel(setup, setup.rule(), form, size=size)
            self._stacked[key] = (kernel, StackedEvaluation(setup, together=self.verdict.together))
        return self._stacked[key]
