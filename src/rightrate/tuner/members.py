"""New members of a round, each with its own weight decay where the round says so."""

from typing import Any

from rightrate.errors import ConfigError, describe
from rightrate.population.factory import Populations
from rightrate.population.kernel import Kernel
from rightrate.population.serial import SerialPopulation
from rightrate.population.stacked import StackedPopulation
from rightrate.population.stacked_evaluation import StackedEvaluation
from rightrate.search.rounds import Round
from rightrate.tasks.own_step import OwnStep

__all__ = ["new_members", "restored_members"]


def new_members(populations: Populations, root: Round) -> Any:
    """Return the population that a round with new members starts with."""
    size = len(root.lrs)
    if root.weight_decays is None:
        return populations.make(size, root.seed)
    setup, verdict = populations.setup(root.seed), populations.verdict
    if isinstance(setup.program.model, OwnStep):
        advice = "A model that takes its own steps has its weight decay inside."
        allowed = "left out for this model"
        raise ConfigError(describe("tune(method=...weight_decay)", allowed, root.weight_decays, advice))
    rule = setup.rule(decayed=True)
    if verdict.form is None or size < verdict.smallest or rule.kind == "whole":
        return SerialPopulation(setup, size, weight_decay=root.weight_decays)
    return StackedPopulation(
        setup,
        size,
        kernel=Kernel(setup, rule, verdict.form, size=verdict.chunk if verdict.compiled else None),
        evaluation=StackedEvaluation(setup, together=verdict.together),
        chunk=verdict.chunk,
        weight_decay=root.weight_decays,
    )


def restored_members(populations: Populations, root: Round, size: int, state: Any) -> Any:
    """Return a population with a saved state: `size` members that descend from those of `root`.

    It comes from the whole round, as what trains a few members is chosen by how many there were at first.
    """
    population = new_members(populations, root).take([0] * size)
    population.load_state_dict(state)
    return population
