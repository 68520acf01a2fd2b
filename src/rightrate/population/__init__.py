"""Populations: K copies of one model, trained side by side on the same batches."""

from rightrate.population.kernel import Kernel
from rightrate.population.members import Members
from rightrate.population.prepare import Prepared, prepare
from rightrate.population.program import Program
from rightrate.population.protocol import Population
from rightrate.population.serial import SerialPopulation
from rightrate.population.setup import Setup
from rightrate.population.stacked import StackedPopulation
from rightrate.population.stacked_evaluation import StackedEvaluation

__all__ = [
    "Kernel",
    "Members",
    "Population",
    "Prepared",
    "Program",
    "SerialPopulation",
    "Setup",
    "StackedEvaluation",
    "StackedPopulation",
    "prepare",
]
