"""The trained winner: its weights, and going on with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from rightrate import _check
from rightrate.errors import ConfigError, describe
from rightrate.finder.trace import untouched
from rightrate.population.factory import Populations
from rightrate.population.own_step import OwnStepPopulation
from rightrate.population.program import Program
from rightrate.population.serial import SerialPopulation
from rightrate.schedules import Schedule
from rightrate.tasks.loaders import shut_down_workers
from rightrate.tasks.own_step import OwnStep

if TYPE_CHECKING:
    from rightrate.tuner.result import TuneResult

__all__ = ["Winner", "continue_from"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Winner:
    """One trained member with its optimizer's state, ready to go on.

    Args:
        population: The member alone; never changed.
        populations: What it was made by.
        seed: Of its batches and draws.
        schedule: The rates it was trained with; its last one is held where nothing else is said.
        metrics: Name to value on the validation data.
        losses: Training losses of the steps that `continue_` took; empty before.
    """

    population: Any
    populations: Populations
    seed: int
    schedule: Schedule
    metrics: Mapping[str, float] = field(default_factory=dict)
    losses: tuple[float, ...] = ()

    @property
    def step(self) -> int:
        """Optimizer steps it has taken."""
        return int(self.population.step)

    @property
    def model(self) -> torch.nn.Module:
        """A new copy of the model with the trained weights, in evaluation mode."""
        return self._program().model.eval()

    def load_into(self, model: torch.nn.Module) -> torch.nn.Module:
        """Copy the trained weights and buffers into a model of the same kind, and return it.

        Raises:
            ConfigError: If its parameters and buffers are not those of the trained model.
        """
        where = "load_into(model)"
        if not isinstance(model, torch.nn.Module):
            raise ConfigError(describe(where, "a torch.nn.Module", model))
        trained = self.model
        try:
            if isinstance(trained, OwnStep) and isinstance(model, OwnStep):
                model.load(trained.state())
            else:
                model.load_state_dict(trained.state_dict())
        except RuntimeError as error:
            advice = f"torch says: {' '.join(str(error).split())}"
            allowed = "a model with the parameters and buffers of the trained one"
            raise ConfigError(describe(where, allowed, type(model).__name__, advice)) from error
        return model

    def safetensors(self) -> bytes:
        """Return the trained weights and buffers as the content of a safetensors file.

        A tensor that stands under several names, as tied weights do, is written under the first.
        """
        from safetensors.torch import save

        seen: set[int] = set()
        kept: dict[str, torch.Tensor] = {}
        for name, value in self.model.state_dict().items():
            if value.data_ptr() in seen and value.numel():
                continue
            seen.add(value.data_ptr())
            kept[name] = value.contiguous()
        content: bytes = save(kept)
        return content

    def continue_(self, *, steps: int, lr: float | Schedule | None = None) -> "Winner":
        """Go on training, weights, optimizer slots, buffers and batches as they were left.

        Args:
            steps: How long, in optimizer steps.
            lr: A rate, or a schedule that counts from 0 here; None goes on with its own schedule, which
                holds its last rate.

        Returns:
            The same member later; this one stays as it is.

        Raises:
            ConfigError: If an argument is outside its domain.
        """
        _check.integer("continue_(steps=...)", steps, low=1)
        if isinstance(lr, Schedule):
            rates = lr(np.arange(steps))
        elif lr is None:
            rates = self.schedule(np.arange(self.step, self.step + steps))
        else:
            rates = np.full(steps, _check.number("continue_(lr=...)", lr, above=0.0))
        prepared = self.populations.prepared
        data = [item for item in (prepared.task.train, prepared.task.valid) if item is not None]
        try:
            with untouched(model=prepared.task.model, data=data, device=str(prepared.device)):
                torch.set_num_threads(self.populations.verdict.threads)
                later = self.population.take([0])
                losses = later.advance(rates[:, None])[:, 0]
                metrics = {name: float(value[0]) for name, value in later.evaluate().items()}
        finally:
            shut_down_workers()
        return Winner(
            population=later,
            populations=self.populations,
            seed=self.seed,
            schedule=self.schedule,
            metrics=metrics,
            losses=tuple(float(loss) for loss in losses),
        )

    def _program(self) -> Program:
        """Return a program of one's own with the weights it serves."""
        if isinstance(self.population, OwnStepPopulation):
            own: Any = self.populations.setup(self.seed).copy_program()
            saved: Any = self.population.state_dict()["members"]
            own.model.load(saved["0"]["model"])
            return cast(Program, own)
        if isinstance(self.population, SerialPopulation):
            alone = self.population.take([0])
            optimizer = alone.optimizers()[0]
            serve = getattr(optimizer, "eval", None)  # schedule-free ones train at other weights
            if callable(serve):
                serve()
            return alone.programs()[0]
        program = self.populations.setup(self.seed).copy_program()
        members = self.population.members
        values = {**dict(program.named_parameters()), **dict(program.named_buffers())}
        with torch.no_grad():
            for name, rows in {**members.params, **members.buffers}.items():
                values[name].copy_(rows[0])
        return program

    def __repr__(self) -> str:
        name = self.populations.prepared.task.info.name
        return f"Winner({name} after {self.step} steps)"


def continue_from(result: "TuneResult | Winner", *, steps: int, lr: float | Schedule | None = None) -> Winner:
    """Go on training the winner of `rr.tune`; see `Winner.continue_`."""
    return result.continue_(steps=steps, lr=lr)
