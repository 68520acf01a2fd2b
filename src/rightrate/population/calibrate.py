"""Choosing the engine: which candidates are right, and which of them is fast, on the user's own model."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

import numpy as np
import torch

from rightrate import _check
from rightrate.errors import EngineError
from rightrate.population.check import check_evaluation, check_kernel, check_precisely, explain, quiet
from rightrate.population.gradients import Form
from rightrate.population.kernel import Kernel
from rightrate.population.members import Members
from rightrate.population.own_step import own_step_verdict
from rightrate.population.prepare import Prepared
from rightrate.population.program import own_draws
from rightrate.population.serial import SerialPopulation
from rightrate.population.setup import Setup
from rightrate.population.stacked_evaluation import StackedEvaluation
from rightrate.population.verdict import Verdict
from rightrate.tasks.own_step import OwnStep

__all__ = ["Calibration", "Engine", "calibrate"]

Engine = Literal["auto", "serial", "stacked"]

_SMALL = 4
_REPEATS = 5
_COMPILE_SECONDS = 25.0
_COMPILE_GAIN = 0.6
_COMPILE_PAYS = 3.0
_THREADS_PAY = 1.15
_WORTH = 1.1  # measured within a few per cent, and what is gained must be worth another way of computing
_HOPELESS = 2.0  # with few members, what stacking costs a call weighs most: 5x with 64 is 0.8x with 4
_LONG_SECONDS = 0.3


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """A verdict with what it took to reach it.

    Args:
        verdict: How members are trained.
        member_steps: Training steps spent, summed over members.
        seconds: Wall time spent.
        step_seconds: Measured seconds of one step of one member under the verdict.
    """

    verdict: Verdict
    member_steps: int
    seconds: float
    step_seconds: float


def calibrate(
    prepared: Prepared,
    *,
    size: int,
    member_steps: int,
    seed: int = 0,
    engine: Engine = "auto",
    compiling: bool | None = None,
) -> Calibration:
    """Check and time the candidate engines on the task's own model and batches.

    Candidates are serial members and stacked ones (form A, form B, and compiled where it would pay). A
    candidate that fails the self-check is out, whatever its speed.

    Args:
        prepared: The task.
        size: Members the largest population will have, >= 1.
        member_steps: Training steps the run will take, summed over members: what compiling must pay for.
        seed: Whose weights and batches are used.
        engine: "auto" takes the fastest; "serial" and "stacked" force one.
        compiling: True tries compiled steps whatever they cost, False never does; None weighs it up.

    Raises:
        EngineError: If "stacked" is forced and no stacked candidate is right.
    """
    _check.choice("find(engine=...)", engine, ("auto", "serial", "stacked"))
    if isinstance(prepared.task.model, OwnStep):
        began = time.perf_counter()
        verdict, spent, step_seconds = own_step_verdict(prepared.setup(seed), engine)
        seconds = time.perf_counter() - began
        return Calibration(verdict=verdict, member_steps=spent, seconds=seconds, step_seconds=step_seconds)
    threads = torch.get_num_threads()
    try:
        return _calibrate(_Trials(prepared, prepared.setup(seed), size), member_steps, engine, compiling)
    finally:
        torch.set_num_threads(threads)


def _calibrate(trial: "_Trials", member_steps: int, engine: Engine, compiling: bool | None) -> Calibration:
    began = time.perf_counter()
    trial.choose_threads()
    serial_seconds = trial.serial()
    if engine == "serial" or (trial.size < 2 and engine == "auto"):
        reason = "asked for" if engine == "serial" else "one member only"
        return trial.done(Verdict(reason=reason), serial_seconds, began)
    saved = member_steps * serial_seconds * _COMPILE_GAIN
    wanted = compiling or (compiling is None and saved > _COMPILE_PAYS * _COMPILE_SECONDS)
    slowest = float("inf") if engine == "stacked" or wanted else serial_seconds / _WORTH
    best, reason = trial.stacked(serial_seconds, slowest)
    if best is None:
        if engine == "stacked":
            message = f"find(engine='stacked') cannot train this model: {reason}. Use engine='auto'."
            raise EngineError(message)
        return trial.done(Verdict(reason=reason), serial_seconds, began)
    candidate, seconds = best
    if wanted:
        candidate, seconds = trial.compiled(candidate, seconds)
    if engine == "auto" and seconds > serial_seconds / _WORTH:
        return trial.done(Verdict(reason=_too_slow(serial_seconds / seconds)), serial_seconds, began)
    smallest = 1 if engine == "stacked" else candidate.smallest
    verdict = replace(candidate, speedup=serial_seconds / seconds, smallest=smallest)
    return trial.done(verdict, seconds, began)


def _too_slow(speedup: float) -> str:
    return f"stacked members are {'slower' if speedup < 1 else 'hardly faster'} here ({speedup:.2f}x)"


class _Trials:
    """The candidates on one task: each checked, then timed."""

    def __init__(self, prepared: Prepared, setup: Setup, size: int) -> None:
        self._setup = setup
        self.size = size
        low, high = prepared.spec.search_range
        self._rates: Sequence[float] = tuple(float(rate) for rate in np.geomspace(low, high, 5)[1:4])
        self._member_steps = 0
        accumulate = setup.training.accumulate
        stream = setup.train.stream(setup.seed)
        self._batches = [list(islice(stream, accumulate)) for _ in range(2)]

    def done(self, verdict: Verdict, step_seconds: float, began: float) -> Calibration:
        seconds = time.perf_counter() - began
        verdict = replace(verdict, threads=torch.get_num_threads())
        return Calibration(
            verdict=verdict, member_steps=self._member_steps, seconds=seconds, step_seconds=step_seconds
        )

    def choose_threads(self) -> None:
        """Compute with one thread where several do not help: small operations spend them on waiting.

        This one choice is by wall time, which is what several threads are for.
        """
        threads = torch.get_num_threads()
        if threads == 1 or self._setup.program.device.type != "cpu":
            return
        population = SerialPopulation(self._setup, 1)
        row = np.full((len(self._batches), 1), self._rates[0])
        seconds: dict[int, float] = {}
        for count in (threads, 1, threads, 1):
            torch.set_num_threads(count)
            fastest = self._fastest(lambda: population.advance(row), len(row), clock=time.perf_counter)
            seconds[count] = min(fastest, seconds.get(count, fastest))
        torch.set_num_threads(1 if seconds[1] <= _THREADS_PAY * seconds[threads] else threads)

    def serial(self) -> float:
        population = SerialPopulation(self._setup, 1)
        row = np.full((len(self._batches), 1), self._rates[0])
        return self._fastest(lambda: population.advance(row), len(row)) / len(row)

    def stacked(self, serial_seconds: float, slowest: float) -> tuple[tuple[Verdict, float] | None, str]:
        """Return the fastest right candidate with its seconds a member-step, or None and the reason.

        Args:
            serial_seconds: Of one step of one member alone.
            slowest: A candidate that takes longer is no use, and is not checked.
        """
        rule = self._setup.rule()
        if rule.kind == "whole":
            return None, rule.reason
        reason = ""
        timed: list[tuple[float, Verdict, Kernel]] = []
        for form in _forms(self._setup):
            kernel = Kernel(self._setup, rule, form)
            try:
                seconds, chunk, smallest = self._time(kernel, serial_seconds)
            except Exception as error:  # noqa: BLE001 - user code may raise anything under vmap; serial remains
                reason = reason or explain(error, self._setup.program)
                continue
            timed.append((seconds, Verdict(form=form, chunk=chunk, smallest=smallest), kernel))
        for seconds, verdict, kernel in sorted(timed, key=lambda item: item[0]):
            if seconds > slowest:
                reason = reason or _too_slow(serial_seconds / seconds)
                continue
            wrong = self._wrong(kernel, verdict.form or "A")
            if wrong:
                reason = reason or wrong
                continue
            together = self._evaluation()
            if together is None:
                return None, "its evaluation differs from that of separate models"
            return (replace(verdict, together=together), seconds), reason
        return None, reason

    def compiled(self, candidate: Verdict, seconds: float) -> tuple[Verdict, float]:
        """Return the compiled variant where it is right and faster, else the candidate as it was."""
        kernel = Kernel(self._setup, self._setup.rule(), "A", size=self.size)
        if self._wrong(kernel, "A"):
            return candidate, seconds
        try:
            with quiet():
                compiled_seconds = self._seconds(kernel, self.size)
        except Exception:  # noqa: BLE001 - whatever a compiler fails with, there is an engine without it
            return candidate, seconds
        if compiled_seconds >= seconds:
            return candidate, seconds
        return replace(candidate, form="A", compiled=True, chunk=self.size), compiled_seconds

    def _wrong(self, kernel: Kernel, form: Form) -> str:
        try:
            with quiet():
                precise = (
                    "" if kernel.size or self._setup.training.autocast else check_precisely(self._setup, form)
                )
                wrong = precise or check_kernel(self._setup, kernel, self._rates)
        except Exception as error:  # noqa: BLE001 - user code may raise anything under vmap; serial remains
            wrong = explain(error, self._setup.program)
        self._member_steps += 16
        return wrong

    def _evaluation(self) -> bool | None:
        """Return whether members can be evaluated together, or None if not even one after the other."""
        for together in (True, False):
            evaluation = StackedEvaluation(self._setup, together=together)
            try:
                with quiet():
                    if not check_evaluation(self._setup, evaluation, self._rates):
                        return together
            except Exception:  # noqa: BLE001 - the next candidate is plainer; None after the last
                continue
        return None

    def _time(self, kernel: Kernel, serial_seconds: float) -> tuple[float, int, int]:
        """Return the best seconds a member-step, its chunk, and from how many members on it beats serial."""
        small = min(_SMALL, self.size)
        with quiet():
            few = self._seconds(kernel, small)
            if self.size <= small or few > _HOPELESS * serial_seconds:
                return few, small, small
            many = self._seconds(kernel, self.size)
        slope = (many * self.size - few * small) / (self.size - small)
        fixed = max(0.0, few * small - slope * small)
        even = fixed / (serial_seconds - slope) if serial_seconds > slope else float(self.size)
        smallest = max(2, min(self.size, int(np.ceil(even))))
        return (few, small, min(small, smallest)) if few < many / _WORTH else (many, self.size, smallest)

    def _seconds(self, kernel: Kernel, size: int) -> float:
        members = Members.start(self._setup.program, self._setup.template().names, size)
        rows = np.full((len(self._batches), size), self._rates[0])

        def run() -> None:
            with own_draws(self._setup.program.device), torch.no_grad():
                kernel.run(members, self._batches, rows, [1] * len(self._batches)).sum().item()

        return self._fastest(run, rows.size) / rows.size

    def _fastest(
        self, run: Callable[[], object], member_steps: int, clock: Callable[[], float] | None = None
    ) -> float:
        """Return the fewest seconds of a few runs after a first one: on a CPU its own, others may be busy."""
        if clock is None:
            clock = time.process_time if self._setup.program.device.type == "cpu" else time.perf_counter
        run()
        taken: list[float] = []
        while len(taken) < _REPEATS and sum(taken) < _LONG_SECONDS:
            began = clock()
            run()
            taken.append(clock() - began)
        self._member_steps += (1 + len(taken)) * member_steps
        return min(taken)


def _forms(setup: Setup) -> tuple[Form, ...]:
    return ("B", "A") if setup.training.autocast else ("A", "B")
