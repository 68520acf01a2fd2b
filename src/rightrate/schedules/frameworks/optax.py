"""A schedule in optax."""

from collections.abc import Callable
from typing import Any

from rightrate.schedules.base import Schedule
from rightrate.schedules.frameworks.table import needed, table

__all__ = ["in_optax"]


def in_optax(schedule: Schedule) -> Callable[[Any], Any]:
    """Return a function from the count of updates to the rate: the `learning_rate` of an optax optimizer.

    It is a function of the count alone, so that an optimizer state resumes at its own count, and it can be
    traced by `jax.jit`, `jax.vmap` and `jax.lax.scan`. The rates are looked up in a table of all steps that
    holds them in float32, or in float64 where `jax_enable_x64` is set as the function is made. optax's own
    schedules arrive at their end value at `count == transition_steps`, one step after the last of the run,
    and its warm-up starts at `init_value`, which is 0 in its recipes.

    Args:
        schedule: Where the rates come from. Its `total_steps` is a count of updates; under
            `optax.MultiSteps` micro-batches do not count.

    Returns:
        A function of an integer count or an array of them. The last rate is held; counts below 0 are 0.

    Raises:
        MissingExtraError: If JAX is not installed.
        ConfigError: If the run is too long for a table.
    """
    jax = needed("jax", "pip install optax", of="schedule.optax()")
    jnp = jax.numpy
    with jax.ensure_compile_time_eval():
        rates = jnp.asarray(table(schedule))

    def learning_rate(count: Any) -> Any:
        index = jnp.clip(jnp.asarray(count), 0, len(rates) - 1)
        return rates[index.astype(int)]

    return learning_rate
