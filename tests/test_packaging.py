"""What is installed is pinned, and what the package needs at run time is packed."""

import tomllib
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "rightrate"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def pins() -> dict[str, str]:
    """Return name -> version of the constraints file."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if not line.startswith("#"))
    return {canonicalize_name(name): pinned for name, pinned in pairs}


def installed_below(name: str, extras: set[str], seen: set[str]) -> None:
    """Add to `seen` every distribution that `name` with `extras` needs here, as far as it is installed."""
    for line in requires(name) or ():
        requirement = Requirement(line)
        wanted = requirement.marker is None or any(
            requirement.marker.evaluate({"extra": extra}) for extra in (extras or {""})
        )
        key = canonicalize_name(requirement.name)
        if wanted and key not in seen and is_installed(key):
            seen.add(key)
            installed_below(key, requirement.extras, seen)


def is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def test_every_needed_package_is_pinned_to_what_is_installed() -> None:
    needed: set[str] = set()
    installed_below("rightrate", {"", *PROJECT["project"]["optional-dependencies"]}, needed)
    assert {"torch", "joblib", "threadpoolctl", "iniconfig", "setuptools"} <= needed
    installed = {name: version(name).partition("+")[0] for name in needed}
    pinned = pins()
    assert installed == {name: pinned.get(name, "not pinned") for name in needed}


@pytest.mark.parametrize("group", ["dependencies", *PROJECT["project"]["optional-dependencies"], "build"])
def test_every_named_package_is_pinned_within_its_bounds(group: str) -> None:
    named = {
        "dependencies": PROJECT["project"]["dependencies"],
        "build": PROJECT["build-system"]["requires"],
        **PROJECT["project"]["optional-dependencies"],
    }[group]
    for line in named:
        requirement = Requirement(line)
        assert requirement.specifier.contains(pins()[canonicalize_name(requirement.name)]), line


def test_every_file_of_the_package_is_packed() -> None:
    globs = PROJECT["tool"]["setuptools"]["package-data"]["rightrate"]
    packed = {path for glob in globs for path in PACKAGE.glob(glob)}
    files = {path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert PACKAGE / "py.typed" in packed
    assert files <= packed


def test_every_folder_with_code_is_a_package() -> None:
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").is_file()] == []
