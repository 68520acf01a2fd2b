"""Imports point down the layers only."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src"

LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors",),
    ("_check",),
    ("schedules",),
    ("optimizers", "tasks"),
    ("population",),
    ("store",),
    ("search",),
    ("report",),
    ("finder", "descent", "watch"),
    ("comparison", "tuner"),
    ("testing", "adapters", "cli"),
    ("__init__", "__main__"),
)
"""From the lowest to the highest; names side by side do not know each other."""

RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
ROOT_NAMES = {"__version__"}
"""What a module may take from the package's top, which is otherwise for users."""


def modules(src: Path) -> Iterator[tuple[str, Path]]:
    """Yield the dotted name and the path of every module of the package."""
    for path in sorted((src / "rightrate").rglob("*.py")):
        parts = path.relative_to(src).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 2 else parts), path


def imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield each `rightrate` name that is imported anywhere, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level:
            names = ["rightrate.relative import"]
        elif isinstance(node, ast.ImportFrom) and node.module == "rightrate":
            names = [f"rightrate.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "import_module":
            names = [arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)]
        else:
            continue
        yield from ((name, node.lineno) for name in names if name.split(".")[0] == "rightrate")


def violations(module: str, source: str) -> list[str]:
    """Return one sentence for each import of `module` that does not point down."""
    layer = module.split(".")[1]
    if layer not in RANK:
        return [f"{module}: {layer!r} has no layer; give it one in LAYERS"]
    if layer == "__init__":
        return []
    found = []
    for name, line in imported(ast.parse(source)):
        target = name.split(".")[1] if "." in name else "rightrate itself"
        if target == layer or target in ROOT_NAMES:
            continue
        if target not in RANK:
            found.append(f"{module}:{line} imports {name}, which has no layer")
        elif RANK[target] >= RANK[layer]:
            found.append(f"{module}:{line} imports {name}, which does not lie below {layer!r}")
    return found


def test_every_import_points_down() -> None:
    found = [
        line for name, path in modules(SRC) for line in violations(name, path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


def test_the_package_is_seen() -> None:
    names = {name for name, _ in modules(SRC)}
    assert {"rightrate.__init__", "rightrate.errors", "rightrate.schedules.cosine"} <= names
    assert list(imported(ast.parse("from rightrate import _check\nimport rightrate.errors"))) == [
        ("rightrate._check", 1),
        ("rightrate.errors", 2),
    ]


@pytest.mark.parametrize(
    ("module", "source", "reason"),
    [
        ("rightrate.search.probe", "from rightrate.report import page", "does not lie below 'search'"),
        ("rightrate.search.probe", "from rightrate import finder", "does not lie below 'search'"),
        ("rightrate.tasks.task", "import rightrate.optimizers.catalogue", "does not lie below 'tasks'"),
        ("rightrate.tasks.task", "def f():\n    import rightrate.cli.app", "tasks.task:2 imports"),
        ("rightrate.tasks.task", "import_module('rightrate.cli')", "does not lie below 'tasks'"),
        ("rightrate.tasks.task", "import rightrate as rr", "imports rightrate, which has no layer"),
        ("rightrate.tasks.task", "from rightrate import find", "which has no layer"),
        ("rightrate.errors", "from rightrate import _check", "does not lie below 'errors'"),
        ("rightrate.tasks.task", "from . import digits", "rightrate.relative import"),
        ("rightrate.utils", "", "'utils' has no layer"),
    ],
)
def test_a_violation_is_found(module: str, source: str, reason: str) -> None:
    (found,) = violations(module, source)
    assert reason in found


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("rightrate.finder.find", "from rightrate.report import page"),
        ("rightrate.report.page", "from rightrate.search.record import Record"),
        ("rightrate.population.stacked", "from rightrate.population.protocol import Population"),
        ("rightrate.cli.app", "from rightrate import __version__"),
        ("rightrate.tasks.task", "import torch\nfrom rightrate.errors import TaskError"),
        ("rightrate.__init__", "from rightrate.cli import app"),
    ],
)
def test_what_points_down_passes(module: str, source: str) -> None:
    assert violations(module, source) == []
