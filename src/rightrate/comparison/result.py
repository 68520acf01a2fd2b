"""What `compare` returns."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rightrate.report.compare_text import contender_text
from rightrate.report.text import rate, value
from rightrate.search.compare_record import CompareAnalysis, CompareRecord
from rightrate.search.record import Cost, Provenance

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["Comparison"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Comparison:
    """Optimizers, schedules and rates side by side, with what differs between them.

    Args:
        record: Everything that was measured and concluded, as plain data.
    """

    record: CompareRecord

    @property
    def status(self) -> str:
        """How it ended: found, edge, diverged or interrupted."""
        return self.record.answer.status

    @property
    def message(self) -> str:
        """The answer in one sentence."""
        return self.record.answer.message

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, in plain sentences."""
        return self.record.answer.reasons

    @property
    def analysis(self) -> CompareAnalysis:
        """Best rates, sensitivity, time to the target, differences over the seeds."""
        return self.record.analysis

    @property
    def cost(self) -> Cost:
        """What was spent: steps by kind, run equivalents, evaluation forwards, seconds."""
        return self.record.cost

    @property
    def provenance(self) -> Provenance:
        """Versions, first seed, device, threads and the engines' verdicts."""
        return self.record.provenance

    @property
    def trials(self) -> "pd.DataFrame":
        """One row for each trial: optimizer, schedule, lr, seed, and every metric on both kinds of data."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "optimizer": trial.contender.optimizer,
                    "schedule": trial.contender.schedule,
                    "lr": trial.lr,
                    "seed": trial.seed,
                    **{f"valid_{name}": number for name, number in trial.valid.items()},
                    **{f"train_{name}": number for name, number in trial.seen.items()},
                }
                for trial in self.record.trials
            ]
        )

    @property
    def at_best(self) -> "pd.DataFrame":
        """One row for each optimizer and schedule, at its own best rate, the best first."""
        import pandas as pd

        reached = {item.contender: item for item in self.analysis.reached}
        sensitivity = {item.contender: item.mean for item in self.analysis.sensitivities}
        facts = {item.optimizer: item for item in self.record.facts}
        rows = []
        for best in self.analysis.best:
            reading = self.analysis.reading(best.contender, best.lr)
            own, time = facts[best.contender.optimizer], reached.get(best.contender)
            rows.append(
                {
                    "optimizer": best.contender.optimizer,
                    "schedule": best.contender.schedule,
                    "lr": best.lr,
                    self.record.settings.run.objective: best.mean,
                    "fitting": None if reading is None else reading.fitting.kind,
                    "sensitivity": sensitivity.get(best.contender),
                    "target_steps": None if time is None else time.steps,
                    "target_seconds": None if time is None else time.seconds,
                    "step_seconds": own.step_seconds,
                    "state_bytes": own.state_bytes,
                }
            )
        return pd.DataFrame(rows)

    @property
    def at_same(self) -> "pd.DataFrame":
        """One row for each optimizer and schedule, one column for each rate that all were trained at."""
        import pandas as pd

        shared = self.analysis.shared_lrs
        rows: dict[tuple[str, str], dict[float, float]] = {}
        for reading in self.analysis.readings:
            if reading.lr in shared:
                key = (reading.contender.optimizer, reading.contender.schedule)
                rows.setdefault(key, {})[reading.lr] = reading.mean
        frame = pd.DataFrame(list(rows.values()), columns=list(shared))
        frame.index = pd.MultiIndex.from_tuples(rows or [("", "")][:0], names=["optimizer", "schedule"])
        return frame

    def to_frame(self) -> "pd.DataFrame":
        """Return one row for each optimizer, schedule and rate: the mean over the seeds and what it says."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "optimizer": reading.contender.optimizer,
                    "schedule": reading.contender.schedule,
                    "lr": reading.lr,
                    self.record.settings.run.objective: reading.mean,
                    "regret": reading.regret,
                    "kind": reading.kind,
                    "fitting": reading.fitting.kind,
                    "turned_step": reading.fitting.turned_step,
                }
                for reading in self.analysis.readings
            ]
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data, NaN as None."""
        return self.record.to_dict()

    def plot(self) -> "Figure":
        """Return a matplotlib figure of the main picture: the objective against the learning rate."""
        from rightrate.report.compare_picture import compare_figure

        return compare_figure(self.record)

    def save_report(self, path: str | os.PathLike[str]) -> Path:
        """Write the HTML report to `path`, one file that opens without a network, and return the path."""
        from rightrate.report.compare_page import save_comparison

        return save_comparison(self.record, path)

    def _repr_html_(self) -> str:
        from rightrate.report.compare_page import compare_snippet

        return compare_snippet(self.record)

    def __str__(self) -> str:
        settings, run = self.record.settings, self.record.settings.run
        seeds = ", ".join(str(seed) for seed in settings.seeds)
        lines = [f"{run.task}, {run.steps} steps, seeds {seeds}", f"{self.status}: {self.message}"]
        for best in self.analysis.best:
            name = contender_text(settings, best.contender)
            lines.append(f"  {name:<24} {run.objective} {value(best.mean):<10} at lr {rate(best.lr)}")
        return "\n".join([*lines, *(f"- {reason}" for reason in self.reasons)])

    __repr__ = __str__
