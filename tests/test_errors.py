import pickle

import pytest

from rightrate import errors
from rightrate.errors import ConfigError, describe

KINDS = [
    ("ConfigError", ValueError),
    ("DataError", ValueError),
    ("ModelError", ValueError),
    ("TaskError", ValueError),
    ("UnsupportedOptimizerError", ConfigError),
    ("EngineError", RuntimeError),
    ("NoAnswerError", RuntimeError),
    ("MissingExtraError", ImportError),
    ("StoreError", RuntimeError),
    ("HeldError", RuntimeError),
]


@pytest.mark.parametrize(("name", "base"), KINDS)
def test_each_error_is_ours_and_of_a_known_kind(name: str, base: type[Exception]) -> None:
    error = getattr(errors, name)
    assert issubclass(error, errors.RightrateError)
    assert issubclass(error, base)
    assert str(pickle.loads(pickle.dumps(error("what happened")))) == "what happened"


def test_no_error_is_left_out() -> None:
    classes = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert classes == {name for name, _ in KINDS} | {"RightrateError"}
    assert set(errors.__all__) == classes | {"describe"}


def test_describe_says_what_is_allowed_and_what_came() -> None:
    assert describe("f(x=...)", "a number", "a") == "f(x=...) must be a number, got 'a'."
    assert describe("f(x=...)", "a number", None, "Leave it out.").endswith("got None. Leave it out.")


@pytest.mark.parametrize(("length", "shortened"), [(118, False), (119, True), (10_000, True)])
def test_describe_shortens_long_values(length: int, shortened: bool) -> None:
    message = describe("f(x=...)", "short", "a" * length)
    shown = message.removeprefix("f(x=...) must be short, got ").removesuffix(".")
    assert len(shown) == 120
    assert shown.endswith("...") is shortened
