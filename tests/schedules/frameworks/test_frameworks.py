import subprocess
import sys

import pytest

from rightrate.schedules.frameworks import keras


def test_no_framework_is_loaded_before_it_is_used() -> None:
    program = """
import sys
import rightrate
from rightrate.schedules import Cosine, from_keras, from_torch
import rightrate.schedules.frameworks.keras, rightrate.schedules.frameworks.optax
Cosine(total_steps=3)(1)
heavy = {"torch", "keras", "tensorflow", "jax", "optax", "transformers", "pytorch_lightning", "lightning"}
print(sorted(heavy & set(sys.modules)))"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match=r"frameworks\.keras' has no attribute 'Nothing'$"):
        keras.Nothing  # noqa: B018
