"""What `find` returns."""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rightrate.errors import ConfigError, NoAnswerError, describe
from rightrate.optimizers.resolve import OptimizerSpec
from rightrate.optimizers.template import OptimizerTemplate
from rightrate.schedules import Shape
from rightrate.search.record import Cost, Provenance, Record, Status
from rightrate.tasks.adapted import built

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from matplotlib.figure import Figure

__all__ = ["Result"]


class Result:
    """The learning rate that was found, with its evidence.

    Args:
        record: Everything that was measured and concluded, as plain data.
        spec: The optimizer, to build it again.
        shape: The schedule's shape, to build it again.
    """

    def __init__(self, *, record: Record, spec: OptimizerSpec, shape: Shape) -> None:
        self.record = record
        self._spec = spec
        self._shape = shape

    @property
    def lr(self) -> float | None:
        """The recommended (peak) learning rate; None where nothing trained or nothing was measured."""
        return self.record.answer.lr

    @property
    def low(self) -> float | None:
        """The lowest rate of the good range: expected to end within `tolerance` regret."""
        return self.record.answer.good.low

    @property
    def high(self) -> float | None:
        """The highest rate of the good range: expected to end within `tolerance` regret."""
        return self.record.answer.good.high

    @property
    def tolerance(self) -> float:
        """The regret expected to hold within `low … high` in 19 of 20 cases, at least what was asked for."""
        return self.record.answer.good.tolerance

    @property
    def untrained(self) -> float:
        """The objective of having learned nothing; of a loss, what `watch(chance_loss=...)` takes."""
        return self.record.levels.untrained

    @property
    def max_stable(self) -> float | None:
        """The largest rate measured to train below the cliff; `record.answer.cliff` says at which length."""
        return self.record.answer.cliff.max_stable

    @property
    def status(self) -> Status:
        """How the search ended: found, edge, flat, diverged, inconclusive or interrupted."""
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
    def cost(self) -> Cost:
        """What was spent: steps by kind, run equivalents, evaluation forwards, seconds."""
        return self.record.cost

    @property
    def provenance(self) -> Provenance:
        """Versions, seed, device, threads and the engine's verdict."""
        return self.record.provenance

    @property
    def trials(self) -> "pd.DataFrame":
        """One row for each trial: rung, kind, lr, seed, steps, epoch and every metric at the end.

        `epoch` is NaN, but for trials on a part of the training data: there, how many steps passed over it.
        """
        import pandas as pd

        rows = [
            {
                "rung": trial.rung,
                "kind": trial.kind,
                "lr": trial.lr,
                "seed": trial.seed,
                "steps": trial.steps,
                "epoch": trial.epoch,
                **trial.metrics,
            }
            for trial in self.record.trials
        ]
        columns = ["rung", "kind", "lr", "seed", "steps", "epoch"]
        return pd.DataFrame(rows) if rows else pd.DataFrame(columns=columns)

    def build(self, model: Any) -> Any:
        """Return what trains `model` with the answer, in the terms of its framework.

        | model | what is returned |
        |---|---|
        | a torch module | a torch optimizer over it, and its scheduler |
        | a `LightningModule` | what its `configure_optimizers` returns |
        | a Hugging Face `Trainer` | its `TrainingArguments`, with the rate |
        | a Keras model | a Keras optimizer, for `compile` |
        | a skorch net, an estimator of scikit-learn | a clone with the rate, not fitted |

        Call a torch scheduler's `step()` once after each `optimizer.step()`. Parameter groups keep their
        ratios to the first.

        Args:
            model: What to train; it is not changed.

        Raises:
            NoAnswerError: If there is no learning rate to build from.
        """
        if self.lr is None:
            raise NoAnswerError(
                f"There is no learning rate to build from: status {self.status!r}. {self.message}"
            )
        return built(model, self.lr, self._shape, partial(self._torch, lr=self.lr))

    def _torch(
        self, model: "torch.nn.Module", lr: float
    ) -> "tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR]":
        import torch

        optimizer = self._spec.build(model)
        ratios = OptimizerTemplate(optimizer, model).ratios
        for group, ratio in zip(optimizer.param_groups, ratios, strict=True):
            group["lr"] = lr * ratio
        optimizer.defaults["lr"] = lr
        return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, self._shape)

    def plot(self) -> "Figure":
        """Return a matplotlib figure of the main picture: the objective against the learning rate."""
        from rightrate import report

        return report.figure(self.record)

    def save_report(self, path: str | os.PathLike[str]) -> Path:
        """Write the HTML report to `path`, one file that opens without a network, and return the path."""
        from rightrate import report

        return report.save(self.record, path)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data, NaN as None; see `Record.to_dict`."""
        return self.record.to_dict()

    def code(self) -> str:
        """Return what to paste into one's own training script."""
        from rightrate import report

        return report.code(self.record)

    def _repr_html_(self) -> str:
        from rightrate import report

        return report.html_snippet(self.record)

    def __str__(self) -> str:
        settings = self.record.settings
        shown = "none" if self.lr is None else f"{self.lr:.3g}"
        lines = [f"{settings.task}, {settings.optimizer}, {settings.schedule}, {settings.steps} steps"]
        lines.append(f"lr {shown} ({self.status}): {self.message}")
        lines += [f"- {reason}" for reason in self.reasons]
        return "\n".join(lines)

    __repr__ = __str__


def as_options(options: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return optimizer options as a dict of keyword arguments, or raise `ConfigError`."""
    if options is None:
        return {}
    if not isinstance(options, Mapping) or not all(isinstance(key, str) for key in options):
        allowed = "a mapping of argument names to values"
        raise ConfigError(describe("find(optimizer_options=...)", allowed, options))
    return dict(options)
