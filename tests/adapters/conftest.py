"""Tests of the adapters: they import other people's frameworks, so `make test` leaves them out unread."""

from pathlib import Path

import pytest

_HERE = Path(__file__).parent


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return (
        True if config.option.markexpr == "not adapters" and collection_path.is_relative_to(_HERE) else None
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.adapters)
