"""What a search measured and concluded: plain, frozen data that reports draw and JSON carries."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

__all__ = [
    "Answer",
    "Cliff",
    "Cost",
    "Curve",
    "Fit",
    "GoodRange",
    "Levels",
    "Provenance",
    "Record",
    "Settings",
    "Status",
    "Trial",
    "in_all",
]

Status = Literal["found", "edge", "flat", "diverged", "inconclusive", "interrupted"]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Losses along one trial.

    Args:
        steps: Steps at which `train` was recorded (0-based; at most a few hundred, evenly thinned).
        lr: The learning rate applied at each of `steps`.
        train: Training loss at each of `steps`; NaN from the first non-finite loss on.
        valid_steps: Steps taken before each validation.
        valid: The validation loss at each of `valid_steps`.
    """

    steps: tuple[int, ...] = ()
    lr: tuple[float, ...] = ()
    train: tuple[float, ...] = ()
    valid_steps: tuple[int, ...] = ()
    valid: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One (lr, seed, steps) and what it reached.

    Args:
        lr: The peak learning rate.
        seed: The seed of batches and random draws.
        steps: The length trained, in optimizer steps.
        rung: Which round of the search it belongs to; the range test is rung -1.
        kind: "range" (the range test), "probe" or "confirm".
        epoch: Steps of one pass over the part of the training data that it was limited to; None for all data.
        metrics: Name to value on the validation data at the end ("loss" is always there); empty for "range".
        seen: The loss on some of the training batches it has seen; empty for "range".
        curve: Losses along the way.
    """

    lr: float
    seed: int
    steps: int
    rung: int
    kind: Literal["range", "probe", "confirm"]
    epoch: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    seen: Mapping[str, float] = field(default_factory=dict)
    curve: Curve = field(default_factory=Curve)


@dataclass(frozen=True, kw_only=True)
class GoodRange:
    """The rates that most likely end within the tolerance asked for; None where it is not known.

    `tolerance` is the regret that they are expected to stay within in 19 of 20 cases, at least the one asked
    for.
    """

    low: float | None = None
    high: float | None = None
    tolerance: float = 0.02


@dataclass(frozen=True, kw_only=True)
class Cliff:
    """Where training starts to fail.

    Args:
        max_stable: The largest rate measured to train, below the lowest that failed; None if unmeasured.
        lowest_failed: The smallest rate above it that was measured to fail; None if none failed.
        steps: The length at which it was measured.
        schedule: The schedule under which it was measured.
        note: What to know about it, one sentence.
    """

    max_stable: float | None = None
    lowest_failed: float | None = None
    steps: int = 0
    schedule: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The recommended learning rate with its evidence; `lr` is None where nothing trains."""

    lr: float | None
    good: GoodRange
    cliff: Cliff
    status: Status
    message: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The curve of the objective against learning rate that is expected of the real run, for drawing.

    Args:
        lr: Learning rates, ascending.
        value: Expected objective at each (in the objective's own direction and unit).
        low: Lower end of its noise band.
        high: Upper end of its noise band.
    """

    lr: tuple[float, ...] = ()
    value: tuple[float, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Levels:
    """Reference values of the objective: having learned nothing, and the best seen."""

    untrained: float
    best: float | None = None


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What was spent.

    Args:
        steps: Training steps of all members by kind: "range", "probe", "confirm".
        run_equivalents: Their sum divided by the length of the real run.
        overhead_steps: Training steps of self-check and calibration, not part of the budget.
        evaluation_forwards: Validation batches put through the model, counted per member.
        seconds: Wall time by kind: "check", "train", "evaluate"; "total", of all sessions that worked on it;
            "session", of the last one, where it is known: 0 where a store had the answer.
    """

    steps: Mapping[str, int]
    run_equivalents: float
    overhead_steps: int = 0
    evaluation_forwards: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)

    def answered(self) -> "Cost":
        """Return the same where a store had the answer, so that this session added nothing."""
        return replace(self, seconds={**self.seconds, "session": 0.0})


def in_all(parts: Mapping[str, float], session: float) -> dict[str, float]:
    """Return wall times by kind with "total" and "session".

    Of earlier sessions the parts alone are known: the total leaves out what they spent besides.

    Args:
        parts: By kind, the sums over all sessions.
        session: Wall time of this session.

    Example:
        >>> in_all({"train": 6.0, "evaluate": 1.0}, session=2.0)
        {'train': 6.0, 'evaluate': 1.0, 'session': 2.0, 'total': 7.0}
    """
    return {**parts, "session": session, "total": max(session, sum(parts.values()))}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What was asked for: task name and description, optimizer, schedule, steps, budget, seed, objective.

    `setting` are the lines that set the answer where it is not torch's; see `TaskInfo`.
    """

    task: str
    description: str
    optimizer: str
    schedule: str
    steps: int
    budget: float
    objective: str
    direction: Literal["min", "max"]
    notes: tuple[str, ...] = ()
    setting: str = ""


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What a repetition needs: versions, seed, device, threads and the engine's verdict.

    Args:
        versions: Of Python, torch and this package.
        seed: Of everything random.
        device: Where training happened.
        threads: Threads torch computed with.
        engine: The verdict as a sentence.
        verdict: The verdict as data.
    """

    versions: Mapping[str, str]
    seed: int
    device: str
    threads: int
    engine: str
    verdict: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Record:
    """Everything a search measured and concluded; `to_dict` is what `--json` writes."""

    settings: Settings
    answer: Answer
    trials: tuple[Trial, ...]
    levels: Levels
    fit: Fit
    cost: Cost
    provenance: Provenance

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data: the answer's values at the top, everything else below its name.

        NaN and infinities become None, so that any JSON parser reads it.
        """
        answer, cost = self.answer, self.cost
        plain = {
            "lr": answer.lr,
            "low": answer.good.low,
            "high": answer.good.high,
            "tolerance": answer.good.tolerance,
            "max_stable": answer.cliff.max_stable,
            "status": answer.status,
            "message": answer.message,
            "reasons": list(answer.reasons),
            "cliff": asdict(answer.cliff),
            "cost": {
                **asdict(cost),
                "steps": sum(cost.steps.values()),
                "steps_by_kind": dict(cost.steps),
                "seconds": cost.seconds.get("total"),
                "seconds_by_kind": dict(cost.seconds),
            },
            "settings": asdict(self.settings),
            "levels": asdict(self.levels),
            "fit": asdict(self.fit),
            "trials": [asdict(trial) for trial in self.trials],
            "provenance": asdict(self.provenance),
        }
        return {key: _jsonable(value) for key, value in plain.items()}


def _jsonable(value: Any) -> Any:
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    return value
