import pytest
from tests.schedules.frameworks.processes import check


@pytest.mark.slow
def test_schedules_of_keras_are_read() -> None:
    check("torch", "program_read_keras.py")
