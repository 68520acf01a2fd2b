"""Keras takes one backend a process and is slow to load, so that each runs in a process of its own."""

import pytest
from tests.schedules.frameworks.processes import python

PROGRAMS = ["tests/adapters/program_keras.py", "tests/adapters/acting_keras.py"]


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_a_backend(backend: str) -> None:
    said = python(backend, "-m", "pytest", "-q", "-m", "adapters", "-p", "no:cacheprovider", *PROGRAMS)
    assert " passed" in said
    assert " skipped" not in said
