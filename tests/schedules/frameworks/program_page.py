"""Runs the Python of docs/schedules.md: what stands after a value as a comment is what it prints."""

import ast
import re
from typing import Any

from tests.schedules.frameworks.processes import ROOT

PAGE = ROOT / "docs" / "schedules.md"


def main() -> None:
    """Print how many values were compared."""
    names: dict[str, Any] = {}
    compared = 0
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL):
        lines = block.splitlines()
        for node in ast.parse(block).body:
            _, _, said = lines[(node.end_lineno or 1) - 1].partition("  # ")
            if isinstance(node, ast.Expr) and said:
                found = str(eval(ast.unparse(node.value), names))  # noqa: S307 - the page is the project's own
                assert found == said, f"{ast.unparse(node)} gives {found}, not {said}"
                compared += 1
            else:
                exec(compile(ast.Module([node], []), str(PAGE), "exec"), names)
    print(compared)


if __name__ == "__main__":
    main()
