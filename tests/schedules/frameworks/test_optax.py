import sys
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from tests.schedules.strategies import schedules

from rightrate.errors import MissingExtraError
from rightrate.schedules import Cosine, FloatArray, Schedule

STEPS = 12
WARM = Cosine(peak=0.05, total_steps=STEPS - 2, warmup_steps=3)
RATES = WARM(np.arange(STEPS)).astype(np.float32)


def loss(weights: jax.Array, step: jax.Array) -> jax.Array:
    inputs = jnp.sin(jnp.arange(12.0).reshape(4, 3) * (1.0 + step))
    return jnp.mean((inputs @ weights - 1.0) ** 2)


def optimizer() -> optax.GradientTransformation:
    return optax.inject_hyperparams(optax.adam)(learning_rate=WARM.optax())


@jax.jit
def update(weights: jax.Array, state: optax.OptState, step: int) -> tuple[jax.Array, optax.OptState]:
    gradients = jax.grad(loss)(weights, step)
    updates, state = optimizer().update(gradients, state, weights)
    return optax.apply_updates(weights, updates), state


def train(
    weights: jax.Array, state: optax.OptState, steps: range
) -> tuple[jax.Array, optax.OptState, list[float]]:
    """Train for real; return the rate that optax wrote down at each update, too."""
    rates = []
    for step in steps:
        weights, state = update(weights, state, step)
        rates.append(float(state.hyperparams["learning_rate"]))
    return weights, state, rates


def test_the_loop_uses_the_rates_of_the_schedule() -> None:
    weights = jnp.ones(3)
    *_, rates = train(weights, optimizer().init(weights), range(STEPS))
    assert rates == RATES.tolist()


@pytest.mark.parametrize("stop", range(STEPS))
def test_resuming_at_any_step_equals_going_on(stop: int) -> None:
    weights = jnp.ones(3)
    whole, _, whole_rates = train(weights, optimizer().init(weights), range(STEPS))
    weights, state, rates = train(weights, optimizer().init(weights), range(stop))
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(state)]  # as a checkpoint holds them
    fresh = jax.tree.structure(optimizer().init(jnp.ones(3)))
    state = jax.tree.unflatten(fresh, [jnp.asarray(leaf) for leaf in leaves])
    weights, _, more = train(jnp.asarray(np.asarray(weights)), state, range(stop, STEPS))
    assert rates + more == whole_rates
    np.testing.assert_array_equal(weights, whole)


def test_the_update_is_the_rate_times_the_gradient() -> None:
    gradient = jnp.ones(1)
    sgd = optax.sgd(WARM.optax())
    state = sgd.init(gradient)
    for step in range(STEPS):
        updates, state = sgd.update(gradient, state)
        assert float(updates[0]) == -RATES[step]


def test_a_step_is_an_update_where_gradients_are_accumulated() -> None:
    gradient = jnp.ones(1)
    sgd = optax.MultiSteps(optax.sgd(WARM.optax()), every_k_schedule=2)
    state = sgd.init(gradient)
    moved = []
    for batch in range(2 * STEPS):
        updates, state = sgd.update(gradient, state)
        if batch % 2 == 1:
            moved.append(-float(updates[0]))
    assert moved == RATES.tolist()


def test_a_schedule_inside_a_scan() -> None:
    schedule = WARM.optax()
    _, rates = jax.lax.scan(lambda count, _: (count + 1, schedule(count)), 0, length=STEPS)
    np.testing.assert_array_equal(rates, RATES)


@settings(max_examples=25, deadline=None)
@given(schedules().filter(lambda schedule: schedule.total_steps <= 2000))
def test_traced_mapped_and_eager_values_are_those_of_the_schedule(schedule: Schedule) -> None:
    steps = np.unique(np.array([*schedule.marks(), schedule.total_steps, 3 * schedule.total_steps]))
    expected = schedule(steps).astype(np.float32)
    learning_rate = schedule.optax()
    np.testing.assert_array_equal(learning_rate(steps), expected)
    np.testing.assert_array_equal(jax.vmap(jax.jit(learning_rate))(steps), expected)
    assert [float(learning_rate(int(step))) for step in steps] == expected.tolist()


def test_it_is_made_inside_a_trace() -> None:
    made = []

    @jax.jit
    def traced(count: jax.Array) -> jax.Array:
        made.append(WARM.optax())
        return made[0](count)

    assert float(traced(4)) == RATES[4]
    assert float(made[0](5)) == RATES[5]  # nothing of the trace is left in it


def test_counts_below_zero_are_taken_for_zero() -> None:
    assert float(WARM.optax()(-3)) == RATES[0]


def test_double_precision() -> None:
    with jax.enable_x64(True):
        assert float(WARM.optax()(4)) == WARM(4)
    assert WARM.optax()(4).dtype == jnp.float32


@dataclass(frozen=True, kw_only=True)
class Own(Schedule):
    """A schedule as users write it, with what JAX cannot trace."""

    peak: float = 1.0
    total_steps: int = 6

    def __mul__(self, factor: float) -> "Own":
        return Own(peak=self.peak * factor, total_steps=self.total_steps)

    def _rates(self, steps: FloatArray) -> FloatArray:
        flat = [self.peak if step % 2 else self.peak / 2 for step in steps.ravel().tolist()]
        return np.array(flat).reshape(steps.shape)


def test_schedules_that_users_write() -> None:
    np.testing.assert_array_equal(jax.jit(Own().optax())(np.arange(8)), [0.5, 1, 0.5, 1, 0.5, 1, 1, 1])


def test_without_jax_the_command_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(MissingExtraError, match=r"^schedule\.optax\(\) needs jax, .* pip install optax$"):
        WARM.optax()
