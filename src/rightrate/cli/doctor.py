"""`rightrate doctor`: what this machine has, and what is missing."""

import importlib
import importlib.metadata
import os
import platform
import re
import shutil
import sys
import sysconfig
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from rich.table import Table
from rich.text import Text

from rightrate.cli.console import console_for, printable
from rightrate.cli.files import write_json

__all__ = ["Check", "checks", "doctor"]

_REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)\s*([^;]*)(?:;\s*(.*))?$")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([^'\"]+)['\"]")
_DEVELOPMENT = "dev"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at.

    Args:
        name: What it is.
        state: "ok", "optional" (missing, and everything works without) or "missing".
        found: What was found.
        advice: What to do, or nothing.
    """

    name: str
    state: Literal["ok", "optional", "missing"]
    found: str
    advice: str = ""


def doctor(*, json: str | None) -> int:
    """Print all checks; return 0, or 1 if something is missing that `rightrate` cannot do without."""
    done = checks()
    if json is not None:
        write_json(json, [asdict(check) for check in done])
    else:
        _show(done)
    return int(any(check.state == "missing" for check in done))


def checks() -> tuple[Check, ...]:
    """Look at everything."""
    own = importlib.metadata.version("rightrate")
    here = (
        Check(name="rightrate", state="ok", found=own),
        Check(name="python", state="ok", found=f"{platform.python_version()} on {platform.platform()}"),
    )
    return (*here, *_packages(), *_torch(), _compiler(), *_extras())


def _packages() -> list[Check]:
    return [_package(name, wanted) for name, wanted, extra in _requirements() if not extra]


def _package(name: str, wanted: str) -> Check:
    command = f'pip install "{name}{wanted}"'
    try:
        found = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Check(name=name, state="missing", found="not installed", advice=command)
    if not _satisfies(found, wanted):
        return Check(name=name, state="missing", found=f"{found}, but {wanted} is needed", advice=command)
    return Check(name=name, state="ok", found=found)


def _extras() -> list[Check]:
    """Return a check for each optional extra, except the one for developers of this project."""
    members: dict[str, list[str]] = {}
    for name, _, extra in _requirements():
        if extra and extra != _DEVELOPMENT:
            members.setdefault(extra, []).append(name)
    found = []
    for extra, names in members.items():
        absent = [name for name in names if not _installed(name)]
        state: Literal["ok", "optional"] = "optional" if absent else "ok"
        text = f"{', '.join(absent)} not installed" if absent else "installed"
        advice = f'pip install "rightrate[{extra}]"' if absent else ""
        found.append(Check(name=f"extra [{extra}]", state=state, found=text, advice=advice))
    return found


def _requirements() -> list[tuple[str, str, str]]:
    """Return (name, wanted versions, extra or "") of everything the package names as a dependency."""
    listed = []
    for line in importlib.metadata.requires("rightrate") or []:
        if (match := _REQUIREMENT.match(line)) is not None:
            extra = _EXTRA.search(match[3] or "")
            listed.append((match[1], match[2].strip(), extra[1] if extra else ""))
    return listed


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _satisfies(found: str, wanted: str) -> bool:
    """Whether a version is at least, or below, what `>=1.2,<2` says."""
    for bound in wanted.split(","):
        if bound.startswith(">=") and _numbers(found) < _numbers(bound[2:]):
            return False
        if bound.startswith("<") and not bound.startswith("<=") and _numbers(found) >= _numbers(bound[1:]):
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version without trailing zeros, so that 2 and 2.0 are equal."""
    leading = re.match(r"\d+(?:\.\d+)*", version.strip())
    numbers = [int(part) for part in leading[0].split(".")] if leading else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def _torch() -> list[Check]:
    """Return whether torch computes, on which device, with how many threads."""
    try:
        torch = importlib.import_module("torch")
        value = torch.ones(2, requires_grad=True)
        (value * value).sum().backward()
        right = bool((value.grad == 2).all())
    except (ImportError, OSError, RuntimeError) as error:
        text = f"it does not work: {error}"
        return [Check(name="torch computes", state="missing", found=text, advice="pip install torch")]
    if not right:
        return [Check(name="torch computes", state="missing", found="a gradient is wrong")]
    threads = f"{torch.get_num_threads()} of {os.cpu_count()} cores (OMP_NUM_THREADS sets it)"
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu; no GPU that torch can use"
    return [
        Check(name="device", state="ok", found=device),
        Check(name="threads", state="ok", found=threads),
    ]


def _compiler() -> Check:
    """Return whether torch.compile has what it needs on the CPU: a C++ compiler and Python's headers."""
    name = "torch.compile"
    wanted = [part for part in (os.environ.get("CXX"), "g++", "clang++") if part]
    compiler = next((path for part in wanted if (path := shutil.which(part))), None)
    if compiler is None:
        text = "no C++ compiler; training goes uncompiled"
        return Check(name=name, state="optional", found=text, advice="apt-get install g++, or set CXX")
    if not (Path(sysconfig.get_path("include")) / "Python.h").is_file():
        text = f"{compiler}, but no Python.h; training may go uncompiled"
        return Check(name=name, state="optional", found=text, advice="apt-get install python3-dev")
    return Check(name=name, state="ok", found=compiler)


def _show(done: tuple[Check, ...]) -> None:
    console = console_for(sys.stdout)
    missing = [check.name for check in done if check.state == "missing"]
    verdict = f"Missing: {', '.join(missing)}." if missing else "All that is needed is here."
    if not console.is_terminal:
        for check in done:
            advice = f" ({check.advice})" if check.advice else ""
            line = printable(f"{check.state:<8}  {check.name}: {check.found}{advice}")
            sys.stdout.write(f"{line}\n")
        sys.stdout.write(f"{verdict}\n")
        return
    colours = {"ok": "green", "optional": "yellow", "missing": "red"}
    table = Table.grid(padding=(0, 2))
    for check in done:
        state = Text(check.state, style=colours[check.state])
        found = Text(printable(check.found), overflow="fold")
        table.add_row(state, Text(check.name), found, Text(check.advice, style="bold"))
    console.print(table)
    console.print(Text(verdict, style="red" if missing else "green"))
