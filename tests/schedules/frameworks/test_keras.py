import sys
from pathlib import Path

import pytest
from tests.schedules.frameworks.processes import check, python

from rightrate.errors import MissingExtraError
from rightrate.schedules import Linear
from rightrate.schedules.frameworks import keras as home


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_a_backend(backend: str) -> None:
    check(backend, "program_keras.py")


@pytest.mark.slow
def test_a_saved_model_is_loaded_in_another_process(tmp_path: Path) -> None:
    path = str(tmp_path / "model.keras")
    save = f"""
import keras
from rightrate.schedules import Cosine
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model.compile(keras.optimizers.SGD(Cosine(peak=0.3, total_steps=9).keras()), "mse")
model.save({path!r})"""
    load = f"""
import keras
from rightrate.schedules.frameworks.keras import ScheduledRate
learning_rate = keras.models.load_model({path!r}).optimizer._learning_rate
assert type(learning_rate) is ScheduledRate
print(learning_rate.schedule)"""
    python("jax", "-c", save)
    assert (
        python("jax", "-c", load).splitlines()[-1]
        == "Cosine(peak=0.3, total_steps=9, warmup_steps=0, floor=0.0)"
    )


def test_without_keras_the_command_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    home._scheduled_rate.cache_clear()
    with pytest.raises(MissingExtraError, match=r"^schedule\.keras\(\) needs keras, .* pip install keras$"):
        Linear(total_steps=3).keras()


@pytest.mark.slow
def test_without_the_backend_the_command_is_named() -> None:
    program = """
import sys
sys.modules["tensorflow"] = None
from rightrate.errors import MissingExtraError
from rightrate.schedules import Linear
try:
    Linear(total_steps=3).keras()
except MissingExtraError as error:
    print(error)"""
    assert python("tensorflow", "-c", program).strip() == (
        "schedule.keras() needs tensorflow, the backend of Keras, which is not installed. Install it with: "
        "pip install tensorflow, or choose another with the environment variable KERAS_BACKEND."
    )


def test_a_keras_that_breaks_is_not_called_missing(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "keras.py").write_text("import what_it_needs\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    home._scheduled_rate.cache_clear()
    with pytest.raises(ModuleNotFoundError, match="what_it_needs") as caught:
        Linear(total_steps=3).keras()
    assert not isinstance(caught.value, MissingExtraError)
