"""Training a population by a table, in blocks of about a second."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rightrate.schedules import FloatArray
from rightrate.search.driver import Progress, Stopped
from rightrate.search.space import Action
from rightrate.store.journal import Journal

__all__ = ["Trainer"]

_BLOCK_SECONDS = 1.0
_FIRST_BLOCK, _LARGEST_BLOCK = 8, 1024


@dataclass
class Trainer:
    """Advances populations, shows where they are, and asks for checkpoints when they are due.

    Args:
        journal: Says when a checkpoint is due.
        watch: Called between blocks; may raise `rightrate.search.driver.Stopped`.
        allowance: Member-steps that are planned in all, for those who watch.
        spent: Member-steps so far.
    """

    journal: Journal
    watch: Callable[[Progress], None]
    allowance: int
    spent: int = 0
    _began: float = field(default_factory=time.perf_counter)

    def train(
        self,
        population: Any,
        table: FloatArray,
        action: Action,
        *,
        name: str,
        before: FloatArray | None = None,
        save: Callable[[FloatArray], object],
    ) -> FloatArray:
        """Train by what is left of a table.

        Args:
            population: Trained in place.
            table: All rates, shape (S, K).
            action: What it is, for those who watch.
            name: What they call it.
            before: Losses of the rows that were trained before, shape (s, K).
            save: Writes a checkpoint; called with the losses so far when one is due, and before a stop.

        Returns:
            All losses, shape (S, K).
        """
        losses = np.empty((0, table.shape[1])) if before is None else before
        rows, done = [losses], len(losses)
        block = _FIRST_BLOCK
        while done < len(table):
            began = time.perf_counter()
            part = table[done : done + block]
            rows.append(population.advance(part))
            done += len(part)
            self.spent += part.size
            elapsed = time.perf_counter() - began
            block = int(min(_LARGEST_BLOCK, max(1, len(part) * _BLOCK_SECONDS / max(elapsed, 1e-6))))
            if self.journal.due():
                save(np.concatenate(rows))
            try:
                self._show(action, name, done)
            except Stopped:
                save(np.concatenate(rows))
                raise
        return np.concatenate(rows)

    def _show(self, action: Action, name: str, done: int) -> None:
        self.watch(
            Progress(
                action=action,
                done=done,
                spent=self.spent,
                allowance=self.allowance,
                seconds=time.perf_counter() - self._began,
                name=name,
            )
        )
