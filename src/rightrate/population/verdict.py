"""What the engine's self-check and calibration decided, once for a run."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rightrate.population.gradients import Form

__all__ = ["Verdict"]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How the members of a run are trained; stored with the run and reused on resume.

    Args:
        form: How gradients are computed for stacked members, or None for serial members.
        compiled: Whether the steps are compiled.
        chunk: Members a call.
        smallest: Populations of fewer members than this are trained serially.
        together: Whether members are evaluated in one call.
        speedup: Measured steps a second of all members, against serial ones.
        reason: Why it is serial; empty otherwise.
        threads: Threads torch computes with.
    """

    form: Form | None = None
    compiled: bool = False
    chunk: int = 1
    smallest: int = 1
    together: bool = False
    speedup: float = 1.0
    reason: str = ""
    threads: int = 1

    def sentence(self) -> str:
        """Return the verdict as people read it.

        Example:
            >>> Verdict(form="A", compiled=True, chunk=8, together=True, speedup=9.1).sentence()
            'stacked, compiled, 8 members a call, 9.1x'
            >>> Verdict(reason="spectral_norm has no batching rule").sentence()
            'serial: spectral_norm has no batching rule'
        """
        if self.form is None:
            return f"serial: {self.reason}"
        kind = "compiled" if self.compiled else f"eager form {self.form}"
        apart = "" if self.together else ", evaluated one by one"
        return f"stacked, {kind}, {self.chunk} members a call, {self.speedup:.1f}x{apart}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Verdict":
        """Return the verdict of stored data."""
        return cls(**data)
