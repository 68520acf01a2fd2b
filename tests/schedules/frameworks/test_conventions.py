"""The page on schedules says what the libraries do."""

import pytest
from tests.schedules.frameworks import conventions
from tests.schedules.frameworks.conventions import LIBRARIES, QUESTIONS, Answers
from tests.schedules.frameworks.processes import ROOT, python

PAGE = ROOT / "docs" / "schedules.md"
HALF, LATE = (2 + 2**0.5) / 4, (2 - 2**0.5) / 4
"""(1 + cos(pi / 4)) / 2 and (1 + cos(3 pi / 4)) / 2."""
COSINE = [1.0, HALF, 0.5, LATE]
NONE = None

EXPECTED: dict[str, dict[str, list[float | None] | None]] = {
    "boundary": {
        "torch": [1.0, 0.1, 0.1],
        "Keras": [1.0, 1.0, 0.1],
        "optax": [1.0, 0.1, 0.1],
        "transformers": NONE,
        "rightrate": [1.0, 0.1, 0.1],
    },
    "warm-up": {
        "torch": [1 / 3, 5 / 9, 7 / 9, 1.0],
        "Keras": [0.0, 1 / 3, 2 / 3, 1.0],
        "optax": [0.0, 1 / 3, 2 / 3, 1.0],
        "transformers": [0.0, 1 / 3, 2 / 3, 1.0],
        "rightrate": [0.25, 0.5, 0.75, 1.0],
    },
    "start": dict.fromkeys(LIBRARIES, COSINE),
    "after": {
        "torch": [0.0, LATE, 0.5],
        "Keras": [0.0, 0.0, 0.0],
        "optax": [0.0, 0.0, 0.0],
        "transformers": [0.0, LATE, 0.5],
        "rightrate": [LATE, LATE, LATE],
    },
    # A cosine of 6 steps after the warm-up is at 3/4, 1/2, ..., one of 4 steps at 1/2, ...
    "total": {
        "torch": [1.0, 0.75, 0.5, 0.25, (2 - 3**0.5) / 4, 0.0],
        "Keras": [1.0, 0.75, 0.5, 0.25, (2 - 3**0.5) / 4, 0.0],
        "optax": [1.0, 0.5, LATE, 0.0, 0.0, 0.0],
        "transformers": [1.0, 0.5, LATE, 0.0, LATE, 0.5],
        "rightrate": [1.0, 0.5, LATE, LATE, LATE, LATE],
    },
    # Down from step 2 to step 9 along half a cosine; optax's goes from 3 to 10.
    "cycle": {
        "torch": [0.04, 0.049519367986526286, 4e-6, 0.049519367986526286, NONE],
        "Keras": NONE,
        "optax": [0.04, 0.18825834605023697, 0.049519367986526286, 4e-6, 4e-6],
        "transformers": NONE,
        "rightrate": [0.04, 0.049519367986526286, 4e-6, 4e-6, 4e-6],
    },
    "exponential": {
        "torch": [0.1**1.75, 0.01, 0.001],
        "Keras": [0.1**1.75, 0.01, 0.001],
        "optax": [0.1**1.75, 0.01, 0.001],
        "transformers": NONE,
        "rightrate": [0.1**1.75, 0.1**1.75, 0.1**1.75],
    },
}


def agree(found: list[float | None] | None, expected: list[float | None] | None) -> bool:
    if found is None or expected is None:
        return found is expected
    if [rate is None for rate in found] != [rate is None for rate in expected]:
        return False
    known = [(rate, wanted) for rate, wanted in zip(found, expected, strict=True) if wanted is not None]
    # optax and Keras compute in float32.
    return all(rate == pytest.approx(wanted, rel=2e-5, abs=1e-7) for rate, wanted in known)


@pytest.mark.slow
def test_the_page_says_what_the_libraries_do() -> None:
    measured = conventions.answers()
    wrong = {
        (question, library): measured[library].get(question)
        for question in QUESTIONS
        for library in LIBRARIES
        if not agree(measured[library].get(question), EXPECTED[question][library])
    }
    assert wrong == {}
    table = PAGE.read_text(encoding="utf-8").split("<!-- conventions -->\n", 1)[1]
    assert table.startswith(conventions.conventions(measured) + "\n<!-- end -->"), (
        "run: python -m docs.schedules"
    )


@pytest.mark.parametrize(
    ("found", "expected", "same"),
    [
        ([1.0, 0.1], [1.0, 0.1], True),
        ([1.0, 0.1 + 1e-6], [1.0, 0.1], True),
        ([1.0, 0.11], [1.0, 0.1], False),
        ([1.0, None], [1.0, None], True),
        ([1.0, 0.1], [1.0, None], False),
        (None, None, True),
        ([1.0], None, False),
        (None, [1.0], False),
    ],
)
def test_agreement(found: list[float | None] | None, expected: list[float | None] | None, same: bool) -> None:
    assert agree(found, expected) is same


def test_a_table_shows_what_it_is_given() -> None:
    measured: dict[str, Answers] = {library: {} for library in LIBRARIES}
    measured["optax"] = {"boundary": [1.0, 1e-17, None]}
    line = conventions.conventions(measured).splitlines()[2]
    none = "has none | has none"
    assert line == f"| A drop to a tenth at step 3 | 2, 3, 4 | {none} | 1, 0, refused | {none} |"


@pytest.mark.slow
def test_the_examples_of_the_page_give_what_it_says() -> None:
    said = python("torch", "-m", "tests.schedules.frameworks.program_page")
    assert int(said.splitlines()[-1]) == 17
