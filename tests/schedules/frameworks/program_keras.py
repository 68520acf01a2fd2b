"""What `test_keras.py` runs once a backend, in a process of its own with KERAS_BACKEND set."""

import copy
import json
import os
import pickle
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest

from rightrate.schedules import Constant, Cosine, FloatArray, Linear, Piecewise, Schedule

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation does:DeprecationWarning")
"""Keras 3.15 asks PyTorch's tensors for arrays in the way of NumPy 1."""

STEPS = 8
WARM = Cosine(peak=0.05, total_steps=STEPS - 2, warmup_steps=2)
"""Ends two steps before the loops below do, so that they see the rate that is held."""
RATES = WARM(np.arange(STEPS)).astype(np.float32)
SCHEDULES = [
    WARM,
    Linear(peak=3e-4, total_steps=1),
    Constant(peak=0.1, total_steps=3) + Linear(peak=0.02, total_steps=5, floor=0.5),
]


def dense(optimizer: keras.optimizers.Optimizer, **compiled: object) -> keras.Model:
    layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((1,)), layer])
    model.compile(optimizer, loss=keras.losses.MeanAbsoluteError(), **compiled)
    return model


def deep() -> keras.Model:
    keras.utils.set_random_seed(7)
    layers = [keras.Input((3,)), keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(WARM.keras()), loss="mse")
    model.optimizer.build(model.trainable_variables)  # so that it can be saved before the first batch
    return model


def batches(steps: range) -> tuple[np.ndarray, np.ndarray]:
    """Return the data of some batches of 4."""
    inputs = np.random.default_rng(1).normal(size=(4 * STEPS, 3)).astype(np.float32)
    chosen = inputs[4 * steps.start : 4 * steps.stop]
    return chosen, chosen.sum(axis=1, keepdims=True) ** 2


def fit(model: keras.Model, steps: range) -> None:
    if len(steps):
        model.fit(*batches(steps), batch_size=4, shuffle=False, verbose=0)


def values(rates: object) -> np.ndarray:
    return keras.ops.convert_to_numpy(rates)


def compiled(function):
    """Return a function as the backend's own compiler makes it."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        return tensorflow.function(function)
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    return function


def test_the_backend_is_the_one_asked_for() -> None:
    assert keras.backend.backend() == os.environ["KERAS_BACKEND"]
    assert isinstance(WARM.keras(), keras.optimizers.schedules.LearningRateSchedule)


@pytest.mark.parametrize("jit", [False, "auto"])
def test_the_loop_uses_the_rates_of_the_schedule(jit) -> None:
    """The gradient of |0 - 1| is -1, so the weight moves by the rate; it starts every batch from 0."""
    model = dense(keras.optimizers.SGD(WARM.keras()), jit_compile=jit)
    moved, shown = [], []
    for _ in range(STEPS):
        model.set_weights([np.zeros((1, 1), np.float32)])
        shown.append(float(values(model.optimizer.learning_rate)))
        model.train_on_batch(np.ones((2, 1)), np.ones((2, 1)))
        moved.append(float(model.get_weights()[0][0, 0]))
    assert moved == RATES.tolist()
    assert shown == RATES.tolist()


@pytest.fixture(scope="module")
def uninterrupted() -> list[np.ndarray]:
    model = deep()
    fit(model, range(STEPS))
    return model.get_weights()


@pytest.mark.parametrize("stop", range(STEPS + 1))
def test_resuming_at_any_step_equals_going_on(stop: int, uninterrupted, tmp_path: Path) -> None:
    model = deep()
    fit(model, range(stop))
    model.save(tmp_path / "half.keras")
    again = keras.models.load_model(tmp_path / "half.keras")
    assert int(again.optimizer.iterations) == stop
    fit(again, range(stop, STEPS))
    for ours, theirs in zip(again.get_weights(), uninterrupted, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_compiled_and_eager_values_are_those_of_the_schedule(schedule: Schedule) -> None:
    steps = [*schedule.marks(), schedule.total_steps, 3 * schedule.total_steps + 7, 2**31 - 1]
    expected = [float(np.float32(schedule(step))) for step in steps]
    made = schedule.keras()
    traced = compiled(made)
    tensors = [keras.ops.convert_to_tensor(step, dtype="int32") for step in steps]
    assert [float(values(made(step))) for step in steps] == expected
    assert [float(values(traced(step))) for step in tensors] == expected
    assert values(made(np.array(steps))).tolist() == expected
    assert float(values(made(keras.ops.convert_to_tensor(0.0)))) == expected[0]
    assert float(values(made(-1))) == expected[0]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_it_is_saved_as_plain_data(schedule: Schedule) -> None:
    made = schedule.keras()
    text = json.dumps(keras.optimizers.schedules.serialize(made))
    again = keras.optimizers.schedules.deserialize(json.loads(text))
    assert type(again) is type(made)
    assert again == made
    assert again.schedule == schedule
    assert hash(again) == hash(made)
    assert made != (schedule * 2.0).keras()
    assert type(made).from_config(made.get_config()) == made
    optimizer = keras.optimizers.Adam.from_config(keras.optimizers.Adam(made).get_config())
    assert float(values(optimizer.learning_rate)) == np.float32(schedule(0))


@dataclass(frozen=True, kw_only=True)
class Own(Schedule):
    """A schedule as users write it, without a public name."""

    peak: float = 1.0
    total_steps: int = 6

    def __mul__(self, factor: float) -> "Own":
        return Own(peak=self.peak * factor, total_steps=self.total_steps)

    def _rates(self, steps: FloatArray) -> FloatArray:
        return self.peak / (1.0 + np.floor(steps / 2))


def test_schedules_that_users_write_are_saved_as_their_values() -> None:
    made = (Constant(peak=0.5, total_steps=3) + Own()).keras()
    again = type(made).from_config(json.loads(json.dumps(made.get_config())))
    assert again.schedule == Piecewise(until=(3, 5, 7, 9), values=(0.5, 1.0, 0.5, 1 / 3))
    np.testing.assert_array_equal(values(again(np.arange(12))), values(made(np.arange(12))))


def test_copies_and_pickles() -> None:
    made = WARM.keras()
    for again in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert again == made
        assert float(values(again(3))) == RATES[3]
    assert repr(made) == f"{WARM!r}.keras()"


def test_double_precision() -> None:
    keras.config.set_floatx("float64")
    try:
        made = WARM.keras()
    finally:
        keras.config.set_floatx("float32")
    if keras.backend.backend() == "jax":  # has no float64 unless it is asked for at the start
        assert float(values(made(4))) == RATES[4]
    else:
        assert float(values(made(4))) == WARM(4)


def test_keras_counts_batches_where_gradients_are_accumulated() -> None:
    optimizer = keras.optimizers.SGD(WARM.keras(), gradient_accumulation_steps=2)
    model = dense(optimizer)
    moved = []
    for batch in range(STEPS):
        model.set_weights([np.zeros((1, 1), np.float32)])
        model.train_on_batch(np.ones((2, 1)), np.ones((2, 1)))
        if batch % 2 == 1:
            moved.append(float(model.get_weights()[0][0, 0]))
    assert moved == RATES[1::2].tolist()


def test_half_precision_does_not_round_the_rates() -> None:
    keras.config.set_floatx("float16")
    try:
        made = (WARM * 1e-6).keras()
    finally:
        keras.config.set_floatx("float32")
    assert float(values(made(4))) == np.float32((WARM * 1e-6)(4))
