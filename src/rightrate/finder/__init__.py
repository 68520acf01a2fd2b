"""The main job: finding a learning rate, and leaving no trace."""

from rightrate.finder.find import find
from rightrate.finder.result import Result

__all__ = ["Result", "find"]
