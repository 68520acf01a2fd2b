"""What happens around each step of each optimizer, and the rows that come of it."""

from collections.abc import Sequence

from torch import nn
from torch.optim import LBFGS, Optimizer
from torch.optim.lr_scheduler import LRScheduler

from rightrate.watch.around import Around, Tensors, plain_steps
from rightrate.watch.arriving import Arriving
from rightrate.watch.editors import Editors
from rightrate.watch.faults import Faults
from rightrate.watch.mender import Mender
from rightrate.watch.rates import Rates
from rightrate.watch.rows import Row, Rows
from rightrate.watch.sampler import Sampler
from rightrate.watch.schedulers import Teller, scaler_lives, teller_for

__all__ = ["Stepping"]

_NONE = object()


class Stepping:
    """Counts the steps that were applied, and reads the rates at them.

    The step of a run with several optimizers is that of the one that has taken the most; its row tells the
    rates of all of them, one optimizer after the other. Gradients are those of the first one. The loss of a
    step that one of them skipped is left out.

    Args:
        optimizers: The optimizers.
        rates: Applies the watcher's multiplier.
        sampler: Measures gradients and updates.
        mender: Acts, or None.
        faults: Where failures go.
    """

    def __init__(
        self,
        optimizers: Sequence[Optimizer],
        rates: Rates,
        sampler: Sampler,
        mender: Mender | None,
        faults: Faults,
    ) -> None:
        self.step = 0
        self.lr: float | None = None
        self.rows = Rows(at_once=mender is not None)
        self.editors = Editors()
        self.strangers: list[LRScheduler] = []
        self._optimizers = tuple(optimizers)
        self._teller: Teller | None = None
        self._known = 0
        self._rates = rates
        self._sampler = sampler
        self._every = sampler.every
        self._mender = mender
        self._faults = faults
        self._first = id(optimizers[0]) if optimizers else 0
        self._taken = {id(optimizer): 0 for optimizer in optimizers}
        self._applied: dict[int, tuple[float, ...]] = {id(one): rates.given(one) for one in optimizers}
        self._skipping = False
        self._sampling = False
        self._due = self._usual = self._inside = False
        self._skipped = -1
        self._lr: object = _NONE

    def before(self, optimizer: Optimizer, closure: bool) -> None:
        """Come before a step: mend, read the rates, measure.

        Nothing of it is done where it is certain to change nothing, as at most steps of a loop with a fixed
        rate: there what the last step left still holds.
        """
        self._skipping = self._sampling = False
        try:
            groups = optimizer.param_groups
            self._due = self._every > 0 and self.step % self._every < 2 and self._sampler.wants(self.step)
            self._usual = groups[0].get("lr") is self._lr and not self._due and len(groups) == 1
        except Exception as error:  # noqa: BLE001 - nothing of the watcher may stop training
            self._faults.failed(self.step, "whether a step is as before", error)
        if not self._usual:
            self._before(optimizer, closure)

    def _before(self, optimizer: Optimizer, closure: bool) -> None:
        key = id(optimizer)
        if self._mender is not None:
            try:
                pending = self.rows.pending
                self._inside = closure
                self._skipping = self._mender.before_step(optimizer, self.step, pending, closure=closure)
            except Exception as error:  # noqa: BLE001 - nothing of the watcher may stop training
                self._faults.failed(self.step, "acting before a step", error)
        try:
            given = self._rates.given(optimizer)
            self._applied[key] = given if self._rates.multiplier == 1.0 else self._rates.apply(optimizer)
            if given != self.editors.left.get(key):
                self._edited(optimizer, given)
        except Exception as error:  # noqa: BLE001 - nothing of the watcher may stop training
            self._faults.failed(self.step, "applying the rate", error)
        try:
            if self._due and key == self._first and not self._skipping:
                self._sampler.before(optimizer, self.step)
                self._sampling = True
        except Exception as error:  # noqa: BLE001 - nothing of the watcher may stop training
            self._faults.failed(self.step, "measuring gradients", error)

    def gradients_are_there(self, optimizer: Optimizer) -> None:
        """Come inside a step whose closure has made the gradients: skip it after all, if need be."""
        if self._mender is not None and self._inside and not isinstance(optimizer, LBFGS):
            self._inside = False
            if self._mender.skips(optimizer, self.step, self.rows.pending):
                self._skipping, self._sampling = True, False

    def _edited(self, optimizer: Optimizer, given: tuple[float, ...]) -> None:
        """Tell the editors of rates that may have changed since the last step."""
        try:
            self.editors.before_step(optimizer, given, self.step)
        except Exception as error:  # noqa: BLE001 - nothing of the watcher may stop training
            self._faults.failed(self.step, "who changed the rate", error)

    def after(self, optimizer: Optimizer, closure: bool) -> None:
        """Come after a step: take the multiplier out, count the step if it was applied, act."""
        try:
            if self._usual and optimizer.param_groups[0].get("lr") is self._lr:
                if "found_inf" not in optimizer.__dict__:  # a scaler's: see _count
                    self._taken[self._first] = self.step = self.step + 1
                    self.rows.repeated()
                    return
            else:
                self._after(optimizer)
        except Exception as error:  # noqa: BLE001 - nothing of the watcher may stop training
            self._faults.failed(self.step, "taking the rate back", error)
        try:
            self._count(optimizer, closure)
        except Exception as error:  # noqa: BLE001 - nothing of the watcher may stop training
            self._faults.failed(self.step, "counting a step", error)
        if self._mender is not None:
            try:
                self._mender.after_step(self.step)
            except Exception as error:  # noqa: BLE001 - nothing of the watcher may stop training
                self._faults.failed(self.step, "acting after a step", error)

    def _after(self, optimizer: Optimizer) -> None:
        """Take the multiplier out, and remember the rates as the step leaves them."""
        self.editors.after_step(optimizer, self._rates.given(optimizer))
        lr = optimizer.param_groups[0].get("lr")
        plain = len(self._optimizers) == 1 and self._mender is None and self._teller is None
        self._lr = lr if plain and type(lr) is float and self._rates.multiplier == 1.0 else _NONE

    def _count(self, optimizer: Optimizer, closure: bool) -> None:
        key = id(optimizer)
        overflow = getattr(optimizer, "found_inf", None)  # a scaler's: a fused optimizer leaves its step out
        if self._skipping or (overflow is not None and bool(overflow)):
            self._skipped = self.step
            self.rows.stepped(Row(self.step, (), skipped=True))
            return
        taken = self._taken[key] = self._taken[key] + 1
        measured = self._measured(optimizer, closure) if self._sampling else None
        if taken <= self.step:
            return
        self.lr = self._applied[self._first][0]
        several = len(self._applied) > 1
        rates = sum(self._applied.values(), ()) if several else self._applied[key]
        row = Row(self.step, rates, skipped=several and self._skipped == self.step)
        if measured is not None:
            row.measured = measured
        if self._teller is not None:
            self._tell(row, self._teller)
        self.step = taken
        self.rows.stepped(row)

    def _measured(self, optimizer: Optimizer, closure: bool) -> Arriving | list[float] | None:
        try:
            return self._sampler.after(optimizer, fresh=closure)
        except Exception as error:  # noqa: BLE001 - nothing of the watcher may stop training
            self._faults.failed(self.step, "measuring a step", error)
            return None

    def _tell(self, row: Row, teller: Teller) -> None:
        """Put into a row what the scheduler says; one that fails is asked no more."""
        try:
            told, row.scheduler_steps = teller.now()
            row.told = told * self._rates.multiplier
            if row.step == 0 and row.scheduler_steps != teller.start and scaler_lives():
                teller.start = None
        except Exception as error:  # noqa: BLE001 - nothing of the watcher may stop training
            self._teller = None
            self._faults.failed(self.step, "what the scheduler says", error)

    def look(self) -> None:
        """Find out which scheduler tells the rate, where there is a sign of one that is not known yet."""
        for optimizer in self._optimizers:
            if any("initial_lr" in group for group in optimizer.param_groups):
                self.editors.look(optimizer)
        known = len(self.editors.schedulers)
        if self._optimizers and (self._teller is None or known != self._known):
            self._known = known
            self._teller = teller_for(self._optimizers[0], self.editors.schedulers, self.strangers)
            if self._teller is not None:
                self._lr = _NONE

    def around(self, model: nn.Module | None) -> Around:
        """Return what surrounds the rows since it was last asked."""
        self.look()
        return Around(
            edits=self.editors.new(),
            teller=self._teller,
            tensors=lambda: Tensors.of(self._optimizers[0], model),
            plain_steps=plain_steps(self._optimizers),
        )

    def start_from(self, step: int) -> None:
        """Go on counting from a step of an earlier process."""
        self._taken = dict.fromkeys(self._taken, step)
        self.step = step
        self._lr = _NONE
