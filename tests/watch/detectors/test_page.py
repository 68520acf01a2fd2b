"""docs/detectors.md: it says what the detectors say of themselves."""

import importlib.util
from pathlib import Path
from typing import Any, get_args

from rightrate.watch.detectors import DETECTORS
from rightrate.watch.finding import Verdict

DOCS = Path(__file__).parents[3] / "docs"


def script() -> Any:
    """Return the script that writes the page."""
    spec = importlib.util.spec_from_file_location("detectors_page", DOCS / "detectors.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_the_page_is_what_the_code_gives() -> None:
    assert (DOCS / "detectors.md").read_text(encoding="utf-8") == script().page(), (
        "run: python docs/detectors.py"
    )


def test_every_verdict_has_a_detector() -> None:
    assert set(DETECTORS) == set(get_args(Verdict))
