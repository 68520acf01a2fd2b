"""Tensors that are trained and get no gradient."""

from dataclasses import dataclass

from rightrate.watch.detector import Block, Sample, State
from rightrate.watch.finding import Finding

__all__ = ["DeadLayers"]

_SAMPLES = 4


@dataclass(frozen=True, kw_only=True)
class DeadLayers:
    """Says that the gradient of some tensors is zero everywhere, or missing, in four samples in a row.

    Two samples make a pair, 64 steps from the next. A sample where nothing has a gradient counts, unless the
    loss is exactly zero then: there is nothing left to learn. NaN is a gradient.

    It names the tensors that had none in all of the four, as far as eight names go.
    """

    def init(self) -> State:
        """Return what is remembered before the first block."""
        return {"since": None, "count": 0, "names": []}

    def again(self, state: State) -> State:
        """Return what is remembered where the run was put back: everything."""
        return state

    def update(self, state: State, block: Block) -> tuple[tuple[Finding, ...], State]:
        """Return what was found in the next block, and what to remember."""
        if not block.samples:
            return (), state
        found = []
        since, count, names = state["since"], state["count"], state["names"]
        losses = dict(zip(block.steps, block.losses, strict=True))
        for sample in block.samples:
            if not sample.measured.flat_fraction > 0.0 or losses.get(sample.step) == 0.0:
                since, count, names = None, 0, []
                continue
            flat = list(sample.flat_tensors)
            names = [name for name in names if name in flat] if count else flat
            since, count = sample.step if since is None else since, min(count + 1, _SAMPLES + 1)
            if count == _SAMPLES:
                found.append(_finding(sample, since, names))
        return tuple(found), {"since": since, "count": count, "names": names}


def _finding(sample: Sample, since: int, names: list[str]) -> Finding:
    fraction = sample.measured.flat_fraction
    listed = f": {', '.join(names)}" if names else ""
    share = f"{fraction:.0%} of the trained tensors"
    text = f"{share} have no gradient, or a zero one, since step {since:,}{listed}."
    if fraction == 1.0:
        text = f"No tensor has a gradient other than zero since step {since:,}."
    return Finding(
        verdict="dead_layers",
        step=sample.step,
        since=since,
        text=text,
        advice=(
            "Look whether the loss depends on them, whether gradients are cleared before the step, and "
            "whether their activations died (all ReLUs at zero), which a lower rate from the start avoids."
        ),
        confidence=0.9,
        evidence={"flat_fraction": fraction, "gradient_norm": sample.measured.gradient_norm},
    )
