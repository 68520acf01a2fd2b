"""What `mode="act"` does to runs of Keras, on the backend that the environment names: see `test_keras.py`."""

import keras
import numpy as np
import pytest
from keras import ops
from tests.adapters.spies import curve, faults

from rightrate.adapters.keras import WatchCallback
from rightrate.watch import Acting
from rightrate.watch.mender import Order

pytestmark = [
    # Of Keras's own code, where NumPy is newer than it.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword"),
]

_DRAWS = np.random.default_rng(0)
X = _DRAWS.normal(size=(128, 4)).astype("float32")
Y = (X @ np.array([[1.0], [-2.0], [0.5], [1.5]])).astype("float32")


class Ordering(WatchCallback):
    """Orders something after some steps."""

    def __init__(self, orders, **settings):
        super().__init__(mode="act", console=False, **settings)
        self.orders = orders
        self.used = []

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs)
        self.used.append(self._rate)
        order = self.orders.get(self.watch.step)
        if order is not None:
            self._mender.order(order)


def back(since=0):
    return Order(kind="rollback", reason="a test", since=since)


def model_of(optimizer, *more):
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(8, activation="relu"), keras.layers.BatchNormalization(), *more]
    model = keras.Sequential([keras.Input((4,)), *layers, keras.layers.Dense(1)])
    model.compile(optimizer, "mse")
    return model


def fit(model, *callbacks, epochs=3):
    given = {"batch_size": 16, "epochs": epochs, "shuffle": False, "verbose": 0}
    return model.fit(X, Y, callbacks=list(callbacks), **given)


def variables(model):
    kept = [*model.trainable_variables, *model.non_trainable_variables, *model.optimizer.variables]
    return [np.array(ops.convert_to_numpy(variable.value)) for variable in kept]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(variables(one), variables(other), strict=True))


def decay():
    return keras.optimizers.schedules.ExponentialDecay(0.01, 1, 0.9)


@pytest.fixture(scope="module")
def _warm():
    """Train once unseen: on torch the first training of a process differs from all others, bare as it is."""
    fit(model_of(keras.optimizers.Adam(0.01), keras.layers.Dropout(0.1)))


@pytest.mark.usefixtures("_warm")
@pytest.mark.parametrize("rate", [lambda: 0.01, decay])
@pytest.mark.parametrize("mode", ["observe", "act"])
def test_a_run_with_nothing_to_mend_is_bit_for_bit_the_bare_one(rate, mode):
    callback = WatchCallback(console=False, mode=mode, acting=Acting(snapshot_steps=3))
    bare = model_of(keras.optimizers.Adam(rate()), keras.layers.Dropout(0.1))
    fit(bare)
    watched = model_of(keras.optimizers.Adam(rate()), keras.layers.Dropout(0.1))
    fit(watched, callback)
    assert same(bare, watched)
    assert callback.notes == []
    assert callback.watch.acts == []


@pytest.mark.parametrize("keep", ["memory", "disk"])
def test_a_roll_back_goes_on_from_the_snapshot_at_a_lower_rate(tmp_path, keep):
    model = model_of(keras.optimizers.Adam(0.01))
    acting = Acting(snapshot_steps=4, cut=0.5, keep="memory" if keep == "memory" else str(tmp_path))
    callback = Ordering({12: back(since=12)}, acting=acting)
    fit(model, callback)
    (act,) = callback.watch.acts
    assert (act.kind, act.step, act.after["weights of step"]) == ("rollback", 12, 8)
    assert callback.used == pytest.approx([0.01] * 12 + [0.005] * 12)
    assert callback.watch.step == 24
    assert callback.notes == []
    assert float(ops.convert_to_numpy(model.optimizer.iterations)) == 20
    assert float(ops.convert_to_numpy(model.optimizer.learning_rate)) == pytest.approx(0.01)

    alone = model_of(keras.optimizers.Adam(0.01))
    for place in [*range(8), *range(12, 24)]:
        alone.optimizer.learning_rate.assign(0.01 if place < 8 else 0.005)
        here = slice(place % 8 * 16, place % 8 * 16 + 16)
        alone.train_on_batch(X[here], Y[here])
    alone.optimizer.learning_rate.assign(0.01)
    for one, other in zip(variables(model), variables(alone), strict=True):
        assert np.allclose(one, other, rtol=1e-5, atol=1e-6)


def test_a_roll_back_is_undone_between_steps_of_any_loop():
    """What a callback of one's own may do: the weights and the rate before the roll-back come again."""
    model = model_of(keras.optimizers.Adam(0.01))
    callback = Ordering({12: back(since=12)}, acting=Acting(snapshot_steps=4, cut=0.5))
    seen = {}

    class Undoing(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if callback.watch.step == 12:
                seen["before"] = variables(callback.model)
            if [act.kind for act in callback.watch.acts] == ["rollback"]:
                callback.watch.undo()
                seen["after"] = variables(callback.model)

    fit(model, callback, Undoing())
    assert all(np.array_equal(one, other) for one, other in zip(seen["before"], seen["after"], strict=True))
    assert [act.kind for act in callback.watch.acts] == ["rollback", "undo"]
    assert callback.used == pytest.approx([0.01] * 12 + [0.005] + [0.01] * 11)
    assert callback.notes == []


@pytest.mark.parametrize("as_function", [False, True])
def test_a_schedule_is_multiplied_and_stays_what_was_given(as_function):
    given = (lambda: 0.01) if as_function else decay()
    model = model_of(keras.optimizers.SGD(given))
    callback = Ordering({5: Order(kind="lower", reason="a test")}, acting=Acting(lower=0.5))
    fit(model, callback, epochs=1)
    shape = [1.0] * 8 if as_function else [0.9**k for k in range(8)]
    assert callback.used == pytest.approx([0.01 * s * (1 if k < 5 else 0.5) for k, s in enumerate(shape)])
    assert model.optimizer._learning_rate is given
    assert callback.notes == []

    alone = model_of(keras.optimizers.SGD(0.01))
    for place, rate in enumerate(callback.used):
        alone.optimizer.learning_rate.assign(rate)
        alone.train_on_batch(X[place * 16 : place * 16 + 16], Y[place * 16 : place * 16 + 16])
    for one, other in zip(model.get_weights(), alone.get_weights(), strict=True):
        assert np.allclose(one, other, rtol=1e-5, atol=1e-6)


def test_other_callbacks_never_multiply_the_multiplier():
    class Halving(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            rate = self.model.optimizer.learning_rate
            rate.assign(float(ops.convert_to_numpy(rate)) * 0.5)

    model = model_of(keras.optimizers.SGD(0.01))
    callback = Ordering({3: Order(kind="lower", reason="a test")}, acting=Acting(lower=0.1))
    fit(model, Halving(), callback, epochs=1)
    expected = [0.01 * 0.5**k * (1.0 if k < 3 else 0.1) for k in range(8)]
    assert callback.used == pytest.approx(expected)
    assert float(ops.convert_to_numpy(model.optimizer.learning_rate)) == pytest.approx(0.01 * 0.5**8)


def test_after_training_the_model_trains_on_at_its_own_schedule():
    watched, bare = model_of(keras.optimizers.SGD(decay())), model_of(keras.optimizers.SGD(decay()))
    fit(watched, Ordering({5: Order(kind="lower", reason="a test")}), epochs=1)
    fit(bare, epochs=1)
    for one, other in zip(watched.variables, bare.variables, strict=True):
        one.assign(np.array(ops.convert_to_numpy(other.value)))
    fit(watched, epochs=1)
    fit(bare, epochs=1)
    for one, other in zip(watched.get_weights(), bare.get_weights(), strict=True):
        assert np.allclose(one, other, rtol=1e-5, atol=1e-6)


def test_a_resumed_run_goes_on_with_the_multiplier():
    model = model_of(keras.optimizers.Adam(0.01))
    first = Ordering({5: back()}, acting=Acting(cut=0.5))
    fit(model, first, epochs=1)
    second = Ordering({}, acting=Acting(cut=0.5))
    second.load_state_dict(first.state_dict())
    fit(model, second, epochs=1)
    assert second.used == pytest.approx([0.0025] * 8)  # cut twice: it went back to the start
    assert second.watch.step == 16
    assert list(curve(second.watch, "lr")) == list(range(16))


@pytest.mark.parametrize("schedule", [False, True])
def test_a_run_at_a_rate_far_too_high_is_rescued(schedule):
    high = keras.optimizers.schedules.ExponentialDecay(30.0, 1000, 0.9) if schedule else 30.0

    def net():
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(high), "mse")
        return model

    bare, mended = net(), net()
    fit(bare, epochs=24)
    callback = WatchCallback(mode="act", console=False, acting=Acting(snapshot_steps=8))
    history = fit(mended, callback, epochs=24)
    assert not np.isfinite(bare.get_weights()[0]).all()
    assert history.history["loss"][-1] < 0.05
    assert {act.kind for act in callback.watch.acts} >= {"rollback"}
    assert 0 < callback.watch.multiplier < 0.1
    assert callback.notes == []


def test_after_the_last_rescue_the_run_is_stopped():
    model = model_of(keras.optimizers.Adam(0.01))
    callback = Ordering({3: back(), 5: back()}, acting=Acting(rescues=1))
    fit(model, callback)
    assert [act.kind for act in callback.watch.acts] == ["rollback", "stop"]
    assert callback.watch.stop_reason == "a test; all 1 rescues are spent"
    assert callback.watch.step == 6
    assert len(callback.model.history.epoch) == 1


def test_a_model_that_is_built_by_its_first_batch_goes_back_to_what_that_left():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    callback = Ordering({4: back()}, acting=Acting(snapshot_steps=2, cut=0.5))
    fit(model, callback, epochs=1)
    assert [act.kind for act in callback.watch.acts] == ["rollback"]
    assert callback.watch.acts[0].after["weights of step"] <= 1
    assert callback.notes == []


def test_what_cannot_be_done_is_noted():
    callback = WatchCallback(mode="act", console=False, acting=Acting(skip_steps=2))
    fit(model_of("sgd"), callback, epochs=1)
    assert faults(callback) == {"Keras compiles gradients and update into one; no step is skipped"}
