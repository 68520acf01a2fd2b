"""What a comparison measured and concluded: plain, frozen data that reports draw and JSON carries."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from rightrate.search.record import Cost, Provenance, Settings

__all__ = [
    "Best",
    "CompareAnalysis",
    "CompareAnswer",
    "CompareCurves",
    "CompareLevels",
    "CompareRecord",
    "CompareSettings",
    "CompareTrial",
    "Contender",
    "Difference",
    "Fitting",
    "Found",
    "OptimizerFacts",
    "RateReading",
    "Reached",
    "Sensitivity",
]


@dataclass(frozen=True, kw_only=True, order=True)
class Contender:
    """One optimizer under one schedule."""

    optimizer: str
    schedule: str


@dataclass(frozen=True, kw_only=True)
class CompareCurves:
    """What was measured along one trial.

    Args:
        steps: Steps at which `train` was recorded (0-based; at most a few hundred, evenly thinned).
        train: The training loss of the batch at each of `steps`; NaN from the first non-finite loss on.
        judged_steps: Steps taken before each judgement.
        valid: Metric name to its values on the validation data, one for each judgement.
        seen: The same on training batches that the trial has seen.
    """

    steps: tuple[int, ...]
    train: tuple[float, ...]
    judged_steps: tuple[int, ...]
    valid: Mapping[str, tuple[float, ...]]
    seen: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, kw_only=True)
class CompareTrial:
    """One (optimizer, schedule, lr, seed), trained for the full length.

    Args:
        contender: Optimizer and schedule.
        lr: The peak learning rate.
        seed: Of weights (if a function builds the model), batches and draws.
        valid: Metric name to value on the validation data at the end; NaN where it does not train.
        seen: The same on training batches that it has seen.
        curves: The same along the way.
    """

    contender: Contender
    lr: float
    seed: int
    valid: Mapping[str, float]
    seen: Mapping[str, float]
    curves: CompareCurves


@dataclass(frozen=True, kw_only=True)
class Found:
    """What `find` answered for a contender; `lr` is None where there is no rate to train with."""

    contender: Contender
    lr: float | None
    status: str
    message: str
    steps: int
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class OptimizerFacts:
    """What an optimizer costs, measured.

    Args:
        optimizer: Its label.
        step_seconds: Training time by steps and members, as they were trained; None before the first.
        state_bytes: Bytes of optimizer state for each parameter of the model, after real steps; None where
            the optimizer is its framework's own.
        parameters: How many parameters it trains.
        engine: How its members were trained, as a sentence.
        verdict: The same as data.
    """

    optimizer: str
    step_seconds: float | None
    state_bytes: float | None
    parameters: int
    engine: str
    verdict: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Fitting:
    """Training against validation at one rate.

    Args:
        kind: "underfitting" (the validation loss still falls at the end), "overfitting" (it turned while the
            training loss went on falling), "unstable" (both turned), "sweet spot" (none of these), or "not
            training".
        turned_step: The step with the lowest validation loss, where it turned; else None.
        gap: Validation loss less training loss at the end, means over seeds.
    """

    kind: Literal["underfitting", "sweet spot", "overfitting", "unstable", "not training"]
    turned_step: int | None
    gap: float


@dataclass(frozen=True, kw_only=True)
class RateReading:
    """What one contender reached at one rate, over the seeds.

    Args:
        contender: Optimizer and schedule.
        lr: The peak rate.
        values: The objective at the end, one for each seed; NaN where it is not finite.
        mean: Their mean; NaN where one is not finite.
        regret: Against the contender's own best rate.
        kind: "good" where the regret is within the tolerance, else on which side of the best rate it lies.
        fitting: Training against validation.
    """

    contender: Contender
    lr: float
    values: tuple[float, ...]
    mean: float
    regret: float
    kind: Literal["too low", "good", "too high"]
    fitting: Fitting


@dataclass(frozen=True, kw_only=True)
class Best:
    """The best of a contender's rates.

    Args:
        contender: Optimizer and schedule.
        lr: The rate with the best mean over the seeds.
        mean: What it reached.
        edge: Whether it is the lowest or the highest of several rates that were tried.
    """

    contender: Contender
    lr: float
    mean: float
    edge: bool


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """How much a rate that is off costs a contender.

    Args:
        contender: Optimizer and schedule.
        lrs: The rates, ascending.
        excess: What each costs against the best one, in the unit of the objective.
        mean: Their mean over the logarithm of the rate.
    """

    contender: Contender
    lrs: tuple[float, ...]
    excess: tuple[float, ...]
    mean: float


@dataclass(frozen=True, kw_only=True)
class Reached:
    """How soon a contender reached the target at its own best rate.

    Args:
        contender: Optimizer and schedule.
        steps: The median over the seeds; None where not all of them reached it.
        seconds: The same in time of training alone.
        seeds: How many reached it.
    """

    contender: Contender
    steps: float | None
    seconds: float | None
    seeds: int


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How two contenders differ at their own best rates, paired by seed.

    Args:
        better: The one with the better mean.
        worse: The other.
        mean: How much worse it is, in the unit of the objective, >= 0.
        low: Lower end of the 95 % bootstrap interval of the mean.
        high: Upper end.
        chance: How often differences as large come about by chance where there is none: the share of all
            2 ** seeds choices of signs that give as large a mean; no less than 2 ** (1 - seeds).
    """

    better: Contender
    worse: Contender
    mean: float
    low: float
    high: float
    chance: float

    @property
    def apart(self) -> bool:
        """Whether the interval is on one side of zero."""
        return self.low > 0


@dataclass(frozen=True, kw_only=True)
class CompareLevels:
    """Reference values of the objective: having learned nothing, the best mean reached, and the target."""

    untrained: float
    best: float | None
    target: float | None


@dataclass(frozen=True, kw_only=True)
class CompareAnalysis:
    """What the trials say; every part is a pure function of them.

    Args:
        levels: Reference values.
        readings: Every contender at every rate.
        best: Every contender at its own best rate, the best first.
        shared_lrs: The rates at which every contender was trained.
        sensitivities: Of every contender with more than one rate.
        reached: Time to the target.
        differences: Every pair of contenders, the best first.
    """

    levels: CompareLevels
    readings: tuple[RateReading, ...] = ()
    best: tuple[Best, ...] = ()
    shared_lrs: tuple[float, ...] = ()
    sensitivities: tuple[Sensitivity, ...] = ()
    reached: tuple[Reached, ...] = ()
    differences: tuple[Difference, ...] = ()

    def reading(self, contender: Contender, lr: float) -> RateReading | None:
        """Return what a contender reached at a rate, or None where it was not trained at it."""
        return next((item for item in self.readings if item.contender == contender and item.lr == lr), None)


@dataclass(frozen=True, kw_only=True)
class CompareSettings:
    """What was asked for.

    Args:
        run: The run: task, length, objective; its budget is what was planned, in run equivalents.
        optimizers: Labels, in the order they were given.
        schedules: Names, in the order they were given.
        lrs: The rates as they were asked for: "0.1", "find", "find*3".
        seeds: The seeds.
        tolerance: The regret up to which a rate is good.
        found: What `find` answered, where it was asked.
    """

    run: Settings
    optimizers: tuple[str, ...]
    schedules: tuple[str, ...]
    lrs: tuple[str, ...]
    seeds: tuple[int, ...]
    tolerance: float
    found: tuple[Found, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CompareAnswer:
    """The answer with its evidence: "found", "edge", "diverged" or "interrupted"."""

    status: Literal["found", "edge", "diverged", "interrupted"]
    message: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CompareRecord:
    """Everything a comparison measured and concluded; `to_dict` is what `--json` writes."""

    settings: CompareSettings
    answer: CompareAnswer
    trials: tuple[CompareTrial, ...]
    analysis: CompareAnalysis
    facts: tuple[OptimizerFacts, ...]
    cost: Cost
    provenance: Provenance

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data, the answer's values at the top; NaN and infinities become None."""
        plain: dict[str, Any] = _jsonable(asdict(self))
        return {**plain.pop("answer"), **plain}


def _jsonable(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    return value
