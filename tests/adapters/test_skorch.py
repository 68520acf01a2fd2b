import pickle

import pytest
import torch
from sklearn.base import clone
from skorch import NeuralNetRegressor
from tests.adapters.spies import (
    BROKEN,
    INPUTS,
    TARGETS,
    SpySGD,
    broken_from_the_start,
    curve,
    faults,
    losses,
    rates,
)

from rightrate.adapters.skorch import WatchCallback


def net_of(*callbacks, epochs=2):
    torch.manual_seed(0)
    return NeuralNetRegressor(
        torch.nn.Linear,
        module__in_features=4,
        module__out_features=1,
        optimizer=SpySGD,
        lr=0.1,
        max_epochs=epochs,
        batch_size=16,
        iterator_train__shuffle=False,
        callbacks=list(callbacks),
        verbose=0,
    )


def test_the_rates_and_losses_that_are_shown_are_those_that_were() -> None:
    callback = WatchCallback(console=False)
    net = net_of(callback).fit(INPUTS, TARGETS)
    assert rates(callback.watch) == net.optimizer_.applied == [0.1] * 8
    told = [
        batch["train_loss"] for epoch in net.history for batch in epoch["batches"] if "train_loss" in batch
    ]
    assert losses(callback.watch) == pytest.approx(told)
    assert curve(callback.watch, "validation") == pytest.approx(
        {4: net.history[0, "valid_loss"], 8: net.history[1, "valid_loss"]}
    )
    assert callback.notes == []


def test_weights_are_bit_for_bit_those_of_the_bare_run() -> None:
    bare = net_of().fit(INPUTS, TARGETS)
    watched = net_of(WatchCallback(console=False)).fit(INPUTS, TARGETS)
    assert torch.equal(bare.module_.weight, watched.module_.weight)


def test_partial_fit_and_a_pickled_net_go_on_with_the_watcher() -> None:
    callback = WatchCallback(console=False)
    net = net_of(callback, epochs=1).fit(INPUTS, TARGETS)
    net.partial_fit(INPUTS, TARGETS)
    assert list(curve(callback.watch, "lr")) == list(range(8))
    again = pickle.loads(pickle.dumps(net))
    again.partial_fit(INPUTS, TARGETS)
    (copied,) = (one for one in again.callbacks if isinstance(one, WatchCallback))
    assert list(curve(copied.watch, "lr")) == list(range(12))


def test_a_state_is_taken_by_another_callback() -> None:
    first, second = WatchCallback(console=False), WatchCallback(console=False)
    net_of(first, epochs=1).fit(INPUTS, TARGETS)
    second.load_state_dict(first.state_dict())
    net_of(second, epochs=1).fit(INPUTS, TARGETS)
    assert list(curve(second.watch, "lr")) == list(range(8))


def test_a_net_with_the_callback_is_cloned() -> None:
    net = clone(net_of(WatchCallback(console=False, chance_loss=4.0)))
    net.fit(INPUTS, TARGETS)
    assert net.callbacks[0].watch.settings.chance_loss == 4.0


def test_a_run_that_is_to_stop_stops(monkeypatch) -> None:
    callback = WatchCallback(console=False)
    monkeypatch.setattr(type(callback._attached), "should_stop", property(lambda self: self.watch.step == 3))
    net_of(callback).fit(INPUTS, TARGETS)
    assert callback.watch.step == 3


def test_nothing_of_the_watcher_raises_into_training(monkeypatch) -> None:
    callback = WatchCallback(console=False)
    broken_from_the_start(monkeypatch, callback)
    watched = net_of(callback).fit(INPUTS, TARGETS)
    assert torch.equal(watched.module_.weight, net_of().fit(INPUTS, TARGETS).module_.weight)
    assert faults(callback) == BROKEN
