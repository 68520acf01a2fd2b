"""What `tune` returns."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rightrate.errors import NoAnswerError
from rightrate.schedules import Schedule, from_dict
from rightrate.search.record import Cost, Provenance, Status
from rightrate.search.tune_record import TuneRecord
from rightrate.tuner.winner import Winner

if TYPE_CHECKING:
    import pandas as pd
    import torch

__all__ = ["TuneResult"]


@dataclass(frozen=True, kw_only=True, repr=False)
class TuneResult:
    """The best member of a search: its rate, its schedule, and the trained model itself.

    Args:
        record: Everything that was measured and concluded, as plain data.
        trained: The trained member; None where nothing trained; `winner` raises then.
    """

    record: TuneRecord
    trained: Winner | None

    @property
    def status(self) -> Status:
        """How the search ended: found, edge, diverged or interrupted."""
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
    def lr(self) -> float | None:
        """The winner's (peak) learning rate; None where nothing trained."""
        return self.record.answer.lr

    @property
    def score(self) -> float | None:
        """The objective the winner reached; None where nothing trained."""
        return self.record.answer.score

    @property
    def schedule(self) -> Schedule:
        """The winner's rate over time, to train with from scratch.

        Raises:
            NoAnswerError: If nothing trained.
        """
        if self.record.answer.schedule is None:
            raise self._no("schedule")
        return from_dict(self.record.answer.schedule)

    @property
    def cost(self) -> Cost:
        """What was spent: steps by kind, run equivalents, evaluation forwards, seconds."""
        return self.record.cost

    @property
    def provenance(self) -> Provenance:
        """Versions, seed, device, threads and the engine's verdict."""
        return self.record.provenance

    @property
    def winner(self) -> Winner:
        """The trained member, with its optimizer's state.

        Raises:
            NoAnswerError: If nothing trained.
        """
        if self.trained is None:
            raise self._no("trained model")
        return self.trained

    @property
    def model(self) -> "torch.nn.Module":
        """A new copy of the winner's model with its trained weights, in evaluation mode.

        Raises:
            NoAnswerError: If nothing trained.
        """
        return self.winner.model

    def load_into(self, model: "torch.nn.Module") -> "torch.nn.Module":
        """Copy the trained weights into a model of the same kind, and return it; see `Winner.load_into`."""
        return self.winner.load_into(model)

    def continue_(self, *, steps: int, lr: float | Schedule | None = None) -> Winner:
        """Go on training the winner; see `Winner.continue_`."""
        return self.winner.continue_(steps=steps, lr=lr)

    @property
    def rounds(self) -> "pd.DataFrame":
        """One row for each member of each round: where it came from, its rate, and every metric."""
        import pandas as pd

        rows = [
            {
                "round": number,
                "member": member,
                "parent": None if done.take is None else done.take[member],
                "start": done.start,
                "end": done.end,
                "lr": item.lr,
                "annealed": item.annealed,
                **item.metrics,
            }
            for number, done in enumerate(self.record.rounds)
            for member, item in enumerate(done.members)
        ]
        return pd.DataFrame(rows)

    def save_report(self, path: str | os.PathLike[str]) -> Path:
        """Write the HTML report to `path`, one file that opens without a network, and return the path."""
        from rightrate.report.tune_page import save_tune

        return save_tune(self.record, path)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data, NaN as None."""
        return self.record.to_dict()

    def _repr_html_(self) -> str:
        from rightrate.report.tune_page import tune_snippet

        return tune_snippet(self.record)

    def _no(self, what: str) -> NoAnswerError:
        return NoAnswerError(f"There is no {what}: status {self.status!r}. {self.message}")

    def __str__(self) -> str:
        settings = self.record.settings
        run = settings.run
        lines = [f"{run.task}, {run.optimizer}, {settings.method}, {run.steps} steps"]
        lines += [f"{self.status}: {self.message}", *(f"- {reason}" for reason in self.reasons)]
        return "\n".join(lines)

    __repr__ = __str__
