"""What the schedulers of other libraries do differently under the same names."""

from dataclasses import dataclass, fields

from rightrate.schedules.base import Schedule
from rightrate.schedules.names import NAMES
from rightrate.schedules.sequence import Sequence

__all__ = ["DIFFERENCES", "Difference", "differences", "names_in"]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing that another library does differently.

    Args:
        names: The public names of the schedules it is about.
        theirs: The library and what it calls the schedule.
        sentence: What is different; "here" is this package.
    """

    names: tuple[str, ...]
    theirs: str
    sentence: str


DIFFERENCES: dict[str, Difference] = {
    "torch-cosine-end": Difference(
        names=("cosine",),
        theirs="torch CosineAnnealingLR",
        sentence="The same rates until T_max = total_steps, then it rises again; here the last rate is held.",
    ),
    "torch-linear-end": Difference(
        names=("linear",),
        theirs="torch LinearLR",
        sentence="The same rates until its end, then it holds end_factor; here the last step's rate is held.",
    ),
    "torch-warmup-start": Difference(
        names=("warmup",),
        theirs="torch LinearLR",
        sentence="The same rates with start_factor = start; its own default is a third of the rate.",
    ),
    "torch-one-cycle-top": Difference(
        names=("one_cycle",),
        theirs="torch OneCycleLR",
        sentence="The same rates where pct_start * total_steps is whole; elsewhere it misses its own peak.",
    ),
    "torch-one-cycle-end": Difference(
        names=("one_cycle",),
        theirs="torch OneCycleLR",
        sentence="Its last step() carries the rate up again; here the last rate is held.",
    ),
    "torch-one-cycle-momentum": Difference(
        names=("one_cycle",),
        theirs="torch OneCycleLR",
        sentence="It moves momentum against the rate unless cycle_momentum=False; here only the rate moves.",
    ),
    "torch-milestones": Difference(
        names=("multi_step",),
        theirs="torch MultiStepLR",
        sentence="The same rates, but a milestone that is listed twice drops the rate twice.",
    ),
    "torch-epochs": Difference(
        names=("step", "per_epoch"),
        theirs="torch StepLR",
        sentence="The same rates; one stepped once an epoch is per_epoch(step(...), steps_per_epoch).",
    ),
    "torch-early-step": Difference(
        names=("step", "shifted"),
        theirs="torch StepLR",
        sentence="Stepped before the optimizer it is one step ahead, which is shifted(..., skip_steps=1).",
    ),
    "torch-cyclic-momentum": Difference(
        names=("triangular", "triangular2", "exp_range"),
        theirs="torch CyclicLR",
        sentence="It moves momentum against the rate unless cycle_momentum=False; here only the rate moves.",
    ),
    "torch-exp-range-top": Difference(
        names=("exp_range",),
        theirs="torch CyclicLR(mode='exp_range')",
        sentence="With gamma < 1 its max_lr shrinks from step 0 on and is never reached; here the peak is.",
    ),
    "torch-step-end": Difference(
        names=("step",),
        theirs="torch StepLR",
        sentence="The same rates, then it goes on falling; here the last rate is held.",
    ),
    "torch-exponential-end": Difference(
        names=("exponential",),
        theirs="torch ExponentialLR",
        sentence="Its gamma is rate with decay_steps=1; it goes on falling, here the last rate is held.",
    ),
    "torch-constant-start": Difference(
        names=("constant",),
        theirs="torch ConstantLR",
        sentence="By default a third of the rate for 5 steps, then all of it; here the peak throughout.",
    ),
    "torch-polynomial-end": Difference(
        names=("polynomial",),
        theirs="torch PolynomialLR",
        sentence="The same rates until total_iters, 5 unless set, then 0; it has no floor.",
    ),
    "keras-boundaries": Difference(
        names=("piecewise",),
        theirs="Keras PiecewiseConstantDecay",
        sentence="A boundary belongs to what goes before it: every change comes one step later than here.",
    ),
    "keras-end": Difference(
        names=("linear", "polynomial"),
        theirs="Keras PolynomialDecay",
        sentence="The same rates, then the end value from step total_steps on; here the last rate is held.",
    ),
    "keras-exponential-end": Difference(
        names=("exponential",),
        theirs="Keras ExponentialDecay",
        sentence="The same rates, then it goes on falling; here the last rate is held.",
    ),
    "keras-inverse-time-end": Difference(
        names=("inverse_time",),
        theirs="Keras InverseTimeDecay",
        sentence="The same rates, then it goes on falling; here the last rate is held.",
    ),
    "keras-restarts": Difference(
        names=("cosine_restarts",),
        theirs="Keras CosineDecayRestarts",
        sentence="Its cycles double unless t_mul=1; here they are alike unless growth is set.",
    ),
    "keras-warmup": Difference(
        names=("cosine",),
        theirs="Keras CosineDecay",
        sentence="Its decay_steps leave its warmup_steps out, which come on top; here both are total_steps.",
    ),
    "optax-end": Difference(
        names=("linear",),
        theirs="optax linear_schedule",
        sentence="The same rates, then the end value from step total_steps on; here the last rate is held.",
    ),
    "optax-warmup": Difference(
        names=("cosine",),
        theirs="optax warmup_cosine_decay_schedule",
        sentence="The same rates with init_value = peak / (warmup_steps + 1), which it has no default for.",
    ),
    "optax-one-cycle": Difference(
        names=("one_cycle",),
        theirs="optax cosine_onecycle_schedule",
        sentence="It ends one step later than here: at step transition_steps, not at total_steps - 1.",
    ),
    "optax-floor": Difference(
        names=("exponential",),
        theirs="optax exponential_decay",
        sentence="It goes on falling; its end_value is clipped(exponential(...), low=end_value).",
    ),
    "transformers-warmup": Difference(
        names=("linear",),
        theirs="transformers get_linear_schedule_with_warmup",
        sentence="Its warm-up starts at 0, so that the first step changes nothing; here at peak / (n + 1).",
    ),
    "transformers-cosine": Difference(
        names=("cosine",),
        theirs="transformers get_cosine_schedule_with_warmup",
        sentence="Its warm-up starts at 0, and it rises again after its end; here the last rate is held.",
    ),
    "transformers-wsd": Difference(
        names=("wsd",),
        theirs="transformers get_wsd_schedule",
        sentence="Its warm-up starts at min_lr_ratio, the floor; here at peak / (warmup_steps + 1).",
    ),
    "transformers-inverse-sqrt": Difference(
        names=("inverse_sqrt",),
        theirs="transformers get_inverse_sqrt_schedule",
        sentence="Without a warm-up its timescale is 10,000 steps; here it is warmup_steps + 1.",
    ),
}
"""All of them by a short name; each is held by a parity test of that library."""


def names_in(schedule: Schedule) -> tuple[str, ...]:
    """Return the public names of a schedule and of those inside it, each once, from the outside in.

    Example:
        >>> from rightrate.schedules import Cosine, LinearWarmup
        >>> names_in(LinearWarmup(total_steps=2) + Cosine(total_steps=8))
        ('sequence', 'warmup', 'cosine')
    """
    found = [name for name, kind in NAMES.items() if type(schedule) is kind]
    inside: list[Schedule] = []
    if isinstance(schedule, Sequence):
        inside = list(schedule.parts)
    else:
        values = [getattr(schedule, field.name) for field in fields(schedule)]  # type: ignore[arg-type]
        inside = [value for value in values if isinstance(value, Schedule)]
    for part in inside:
        found += names_in(part)
    return tuple(dict.fromkeys(found))


def differences(schedule: Schedule) -> tuple[Difference, ...]:
    """Return what other libraries do differently under the names of which a schedule is made.

    Example:
        >>> from rightrate.schedules import Piecewise
        >>> [item.theirs for item in differences(Piecewise(until=(4, 7), values=(0.1, 0.01)))]
        ['Keras PiecewiseConstantDecay']
    """
    names = names_in(schedule)
    return tuple(item for item in DIFFERENCES.values() if not set(names).isdisjoint(item.names))
