"""Results as text, Markdown and JSON, in a file named after the device."""

import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from benchmarks.speed.bars import Bar
from benchmarks.speed.cases import Case
from benchmarks.speed.measure import Ratio
from benchmarks.speed.whole import Whole

__all__ = ["CONTESTANTS", "HEADER", "Results", "environment", "line", "write"]

CONTESTANTS = ("plain", "serial", "eager", "compiled", "auto", "processes", "jax")
HEADER = f"{'case':30}" + "".join(f"{name:>20}" for name in CONTESTANTS)
_FOLDER = Path(__file__).parent.parent / "results"

Results = Sequence[tuple[Case, Mapping[str, Ratio]]]


def line(case: Case, ratios: Mapping[str, Ratio]) -> str:
    """Return one line of the table: member-steps a second of the plain loop, then ratios to it."""
    return f"{case.label:30}" + "".join(f"{_cell(name, ratios.get(name)):>20}" for name in CONTESTANTS)


def _cell(name: str, ratio: Ratio | None) -> str:
    if ratio is None:
        return "-"
    if name == "plain":
        return f"{ratio.member_steps_per_second:.0f}/s"
    return f"{ratio.median:.2f} ({ratio.low:.2f}-{ratio.high:.2f})"


def environment(device: torch.device) -> dict[str, Any]:
    """Return what the numbers depend on."""
    versions = {"python": platform.python_version()}
    for package in ("rightrate", "torch", "numpy", "jax", "jaxlib"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    on_cpu = device.type == "cpu"
    return {
        "device": _processor() if on_cpu else torch.cuda.get_device_name(device),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "clock": "CPU seconds, those of worker processes included" if on_cpu else "wall seconds",
        "load_average": round(os.getloadavg()[0], 1),
        "versions": versions,
    }


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", information.read_text(), re.MULTILINE)
        if found:
            return found.group(1).strip()
    return platform.processor() or platform.machine()


def write(
    device: torch.device,
    where: Mapping[str, Any],
    how: str,
    results: Results,
    wholes: Sequence[Whole],
    bars: Sequence[Bar],
) -> Path:
    """Write `speed-cpu` or `speed-<device>` as JSON and Markdown; return the path of the latter."""
    name = (
        "cpu" if device.type == "cpu" else re.sub(r"[^a-z0-9]+", "-", str(where["device"]).lower()).strip("-")
    )
    path = _FOLDER / f"speed-{name}"
    _FOLDER.mkdir(exist_ok=True)
    rows = [
        {
            "model": case.workload.name,
            "batch_size": case.workload.batch_size,
            "optimizer": case.optimizer,
            "members": case.size,
            "ratios_to_plain": {key: asdict(value) for key, value in ratios.items()},
        }
        for case, ratios in results
    ]
    content = {
        **where,
        "repeat": how,
        "rows": rows,
        "find": [asdict(whole) for whole in wholes],
        "bars": [{**asdict(bar), "holds": bar.holds} for bar in bars],
    }
    path.with_suffix(".json").write_text(json.dumps(content, indent=1) + "\n")
    path.with_suffix(".md").write_text(_markdown(where, how, results, wholes, bars))
    return path.with_suffix(".md")


def _markdown(
    where: Mapping[str, Any], how: str, results: Results, wholes: Sequence[Whole], bars: Sequence[Bar]
) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in where["versions"].items())
    lines = [
        f"# Speed on {where['device']}",
        "",
        f"{where['cores']} cores, {where['threads']} thread, load average {where['load_average']} at first.",
        f"{versions}. Clock: {where['clock']}.",
        "",
        f"To repeat: `{how}`.",
        "",
        "Ratios are to the plain loop over the same members: above 1 is faster. Median of interleaved pairs",
        "with its 90 % bootstrap interval. `auto` is what the calibration chose for a search of 20,000",
        "member-steps. `processes` is one process a core: in CPU seconds it saves nothing; in brackets the",
        "ratio on the wall. A ratio without an interval was too slow to measure more than once.",
        "",
        "| model, batch, optimizer, members | plain, member-steps/s | serial | eager | compiled | auto"
        " | chosen | processes (wall) | jax |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [_row(case, ratios) for case, ratios in results]
    for whole in wholes:
        parts = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in whole.parts.items())
        plain = ", ".join(f"{seconds:.0f}" for seconds in whole.plain_seconds)
        found = ", ".join(f"{seconds:.0f}" for seconds in whole.find_seconds)
        lines += ["", f"`find({whole.task!r})`: {found} s; plain runs around it: {plain} s (in CPU seconds:"]
        lines += [f"{whole.cpu_ratio:.2f}x). Engine: {whole.engine}. Of the last: {parts}."]
    lines += ["", "| bar | wanted | measured | holds |", "|---|---|---|---|"]
    for bar in bars:
        holds = "yes" if bar.holds else "**no**"
        lines.append(f"| {bar.name} | {bar.sign} {bar.wanted:g} | {bar.measured()} | {holds} |")
    return "\n".join(lines) + "\n"


def _row(case: Case, ratios: Mapping[str, Ratio]) -> str:
    cells = [f"{case.workload.name}, {case.workload.batch_size}, {case.optimizer}, {case.size}"]
    for name in ("plain", "serial", "eager", "compiled", "auto"):
        cells.append(_short(name, ratios.get(name)))
    cells.append(ratios["auto"].note if "auto" in ratios else "-")
    processes = ratios.get("processes")
    cells.append(f"{processes.median:.2f} ({processes.wall:.2f})" if processes else "-")
    cells.append(_short("jax", ratios.get("jax")))
    return "| " + " | ".join(cells) + " |"


def _short(name: str, ratio: Ratio | None) -> str:
    if ratio is None:
        return "-"
    if ratio.pairs == 1 and name != "plain":
        return f"{ratio.median:.2f}"
    return _cell(name, ratio)
