"""Gradient descent on functions small enough to look at."""

from rightrate.descent.descend import descend
from rightrate.descent.picture import figure
from rightrate.descent.result import Descent, Question
from rightrate.descent.until import Until

__all__ = ["Descent", "Question", "Until", "descend", "figure"]
