"""The tools that are compared: each asks one real package for a learning rate."""

import functools
from collections.abc import Mapping, Sequence

from benchmarks.quality.tools.tool import Tool

__all__ = ["named_tools", "tools"]


@functools.cache
def tools() -> Mapping[str, Tool]:
    """Return every tool by name. Their packages are imported here, so that only those who ask need them."""
    from benchmarks.quality.tools import free, grids, optuna_tool, ray_tool
    from benchmarks.quality.tools.fastai import Fastai
    from benchmarks.quality.tools.finds import Find
    from benchmarks.quality.tools.ignite import Ignite
    from benchmarks.quality.tools.lightning import Lightning
    from benchmarks.quality.tools.lr_finder import TorchLRFinder

    every: tuple[Tool, ...] = (
        Find(budget=1.0),
        Find(budget=0.25),
        *grids.TOOLS,
        *optuna_tool.TOOLS,
        Fastai(),
        Lightning(),
        TorchLRFinder(),
        Ignite(),
        *free.TOOLS,
        *ray_tool.TOOLS,
    )
    return {_name(tool): tool for tool in every}


def _name(tool: Tool) -> str:
    return tool.rows[0].replace(" 1x", "") if len(tool.rows) > 1 else tool.rows[0]


def named_tools(wanted: Sequence[str]) -> Mapping[str, Tool]:
    """Return the tools whose name starts with one of those wanted, all if none is."""
    found = {
        name: tool
        for name, tool in tools().items()
        if not wanted or any(name.lower().startswith(start.lower()) for start in wanted)
    }
    if not found:
        raise SystemExit(f"There is no tool {', '.join(wanted)}; there are: {', '.join(tools())}.")
    return found
