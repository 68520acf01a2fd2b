"""How a comparison is drawn: who is shown in which colour, and what of each is shown."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rightrate.report.compare_text import contender_text
from rightrate.report.text import chart_text
from rightrate.report.view import Window
from rightrate.search.compare_record import CompareRecord, CompareTrial, Contender

__all__ = ["COLOURS", "Look", "looks", "lr_window", "trials_at", "value_window"]

COLOURS = 8
"""How many colours the style sheet has: `--series` is a scale of so many."""

_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


@dataclass(frozen=True, kw_only=True)
class Look:
    """How one contender looks in every chart.

    Args:
        contender: Optimizer and schedule.
        name: What it is called, safe for charts.
        colour: A name of the style sheet's.
        soft: The same for areas.
        dash: Of its lines.
    """

    contender: Contender
    name: str
    colour: str
    soft: str
    dash: str

    @property
    def group(self) -> str:
        """What ties its lines together in all charts."""
        return f"contender {self.name}"


def looks(record: CompareRecord) -> tuple[Look, ...]:
    """Return the contenders that were trained, the best first, each with its look.

    Colours tell optimizers apart and dashes their schedules; with one optimizer, colours tell the schedules.
    """
    settings = record.settings
    single = len(settings.optimizers) == 1
    made = []
    for best in record.analysis.best:
        optimizer = settings.optimizers.index(best.contender.optimizer)
        schedule = settings.schedules.index(best.contender.schedule)
        number = (schedule if single else optimizer) % COLOURS
        made.append(
            Look(
                contender=best.contender,
                name=chart_text(contender_text(settings, best.contender)),
                colour=f"@series-{number}",
                soft=f"@series-{number}-soft",
                dash="solid" if single else _DASHES[schedule % len(_DASHES)],
            )
        )
    return tuple(made)


def trials_at(record: CompareRecord, contender: Contender, lr: float) -> tuple[CompareTrial, ...]:
    """Return the seeds of one contender at one rate."""
    return tuple(trial for trial in record.trials if trial.contender == contender and trial.lr == lr)


def lr_window(record: CompareRecord) -> Window:
    """Return the learning rates to show, with a little room at both ends."""
    rates = [trial.lr for trial in record.trials]
    room = 10 ** (0.04 * max(math.log10(max(rates) / min(rates)), 2.0))
    return Window(low=min(rates) / room, high=max(rates) * room)


def value_window(record: CompareRecord) -> Window:
    """Return the objective's values to show: what learned, and no more than a little of what did not."""
    untrained = record.analysis.levels.untrained
    values = [value for reading in record.analysis.readings for value in reading.values]
    sign = 1.0 if record.settings.run.direction == "min" else -1.0
    window = _window([sign * value for value in values if math.isfinite(value)], sign * untrained)
    return window if sign > 0 else Window(low=-window.high, high=-window.low)


def _window(values: Sequence[float], untrained: float) -> Window:
    lowest = min([*values, untrained])
    span = max(untrained - lowest, 1e-9 * max(1.0, abs(untrained)))
    highest = max((value for value in values if value <= untrained + 0.1 * span), default=untrained)
    high = max(highest, lowest + 0.1 * span)
    return Window(low=lowest - 0.07 * (high - lowest), high=high + 0.1 * (high - lowest))
