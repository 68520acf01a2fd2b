"""Optimizers: those known by name, and how one call of any of them can serve many members."""

from rightrate.optimizers.catalogue import CATALOGUE, OptimizerInfo, named, names
from rightrate.optimizers.frameworks import FORMS, Form, counterparts
from rightrate.optimizers.translation import Translation, translate

__all__ = [
    "CATALOGUE",
    "FORMS",
    "Form",
    "OptimizerInfo",
    "Translation",
    "counterparts",
    "named",
    "names",
    "translate",
]
