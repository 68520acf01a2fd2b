"""From rows to curves, findings, and words: what is told, and to whom."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rightrate.watch.around import Around
from rightrate.watch.faults import Faults, Note
from rightrate.watch.finding import Finding
from rightrate.watch.judge import Judge
from rightrate.watch.log import RunLog
from rightrate.watch.rows import BLOCK, Row
from rightrate.watch.settings import Settings
from rightrate.watch.sinks import Sink, Stream, summary_of

__all__ = ["Feed"]


class Feed:
    """Takes rows, keeps curves, hands blocks of 32 rows to the detectors, and tells the sinks.

    A loss that is not finite ends a block at once.

    Args:
        settings: What was asked.
        sinks: Who is told; one that fails is left out from then on.
        seen: Called with each block and what was found in it.
        around: Returns what surrounds the rows since it was last asked.
    """

    def __init__(
        self,
        settings: Settings,
        sinks: Sequence[Sink],
        seen: Callable[[Sequence[tuple[Row, float]], Sequence[Finding]], object],
        around: Callable[[], Around],
    ) -> None:
        self.faults = Faults(self._noted)
        self.log = RunLog()
        self.judge = Judge(settings, self.faults, around)
        self._sinks = list(sinks)
        self._seen = seen
        self._block: list[tuple[Row, float]] = []
        self._step = 0

    def add_sink(self, sink: Sink) -> None:
        """Tell one more."""
        self._sinks.append(sink)

    def take(self, rows: Sequence[tuple[Row, float]]) -> None:
        """Take the next steps and their losses."""
        for row, loss in rows:
            self._step = row.step
            self._block.append((row, loss))
            if len(self._block) >= BLOCK or not math.isfinite(loss):
                self.look()

    def look(self) -> None:
        """Hand what there is to the detectors, however little."""
        block, self._block = self._block, []
        if not block:
            return
        self.log.extend(block)
        if self._sinks:
            self.tell("steps", summary_of(block))
        findings = self.judge.look(block)
        for finding in findings:
            self.tell("finding", finding.to_dict())
        self._seen(block, findings)

    def validated(self, step: int, value: float) -> None:
        """Take one validation."""
        self.log.validated(step, value)
        self.judge.validated(step, value)
        self.tell("validation", {"step": step, "value": value})

    def forget(self, late: Sequence[tuple[Row, float]] = ()) -> None:
        """Forget what the detectors have not seen yet, because the run was put back; the curves keep it.

        Args:
            late: Steps from before that, which `take` was not given.
        """
        self.log.extend([*self._block, *late])
        self._block = []
        self.judge.again()

    def tell(self, stream: Stream, values: Mapping[str, Any]) -> None:
        """Tell every sink."""
        for sink in list(self._sinks):
            try:
                sink.tell(stream, values)
            except Exception as error:  # noqa: BLE001 - nothing of the watcher may stop training
                self._sinks.remove(sink)
                place = f"{type(sink).__name__}, which is told nothing more"
                self.faults.failed(self._step, place, error)

    def _noted(self, note: Note) -> None:
        self.tell("note", {"step": note.step, "text": f"{note.place}: {note.text}"})

    def close(self) -> None:
        """Look at what is left, and let the sinks write what they hold."""
        self.look()
        sinks, self._sinks = self._sinks, []
        for sink in sinks:
            try:
                sink.close()
            except Exception as error:  # noqa: BLE001 - nothing of the watcher may stop training
                self.faults.failed(self._step, f"closing {type(sink).__name__}", error)

    def state_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {"log": self.log.state_dict(), "judge": self.judge.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from saved data."""
        self.log.load_state_dict(state["log"])
        self.judge.load_state_dict(state["judge"])
