import re
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console
from tests.cli.records import RECORD, answered

from rightrate.cli.answer import show
from rightrate.cli.console import console_for
from rightrate.search.record import Cliff, GoodRange, Record

HOSTILE = "\x1b[2J\x1b]0;title\x07[red]bold[/red] \r\n:smile:"


def plain(record: Record) -> str:
    stream = StringIO()
    show(record, console_for(stream))
    return stream.getvalue()


def on_terminal(record: Record, width: int = 100) -> str:
    stream = StringIO()
    console = Console(
        file=stream, force_terminal=True, color_system="standard", width=width, markup=False, emoji=False
    )
    show(record, console)
    return stream.getvalue()


def test_plain_lines() -> None:
    assert plain(RECORD) == (
        "digits, sgd(momentum=0.9), cosine, 2,000 steps\n"
        "learning rate  0.0123\n"
        "status         found: Use a learning rate of 0.0123.\n"
        "good range     0.005 to 0.02, costs at most 2 % of what there is to gain\n"
        "edge           0.1 still trained, 0.2 failed (in 1,500 steps, cosine)\n"
        "cost           1,860 training steps, the price of 0.93 training runs; 1 min 23 s in all\n"
        "engine         serial: forced\n"
        "\n"
        "Why:\n"
        "- It was measured.\n"
        "- Twice.\n"
        "\n"
        "To use it:\n"
        "\n"
        "import math\n"
        "\n"
        "import torch\n"
        "\n"
        "lr = 0.0123\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)\n"
        "\n"
        "total_steps = 2000\n"
        "\n"
        "\n"
        "def shape(step):\n"
        "    progress = min(step, total_steps - 1) / total_steps\n"
        "    return 0.5 * (1 + math.cos(math.pi * progress))\n"
        "\n"
        "\n"
        "scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, shape)\n"
        "\n"
        "# after every optimizer.step():\n"
        "# scheduler.step()\n"
    )


@pytest.mark.parametrize(
    ("cliff", "expected"),
    [
        (Cliff(), "not measured"),
        (Cliff(note="The warm-up was shortened."), "The warm-up was shortened."),
        (
            Cliff(max_stable=1.0, steps=20, schedule="linear"),
            "1 still trained, nothing failed (in 20 steps, linear)",
        ),
        (Cliff(lowest_failed=1e-4, steps=20, schedule="linear"), "1e-4 failed (in 20 steps, linear)"),
        (
            Cliff(max_stable=1.0, lowest_failed=2.0, steps=20, schedule="linear", note="Once."),
            "1 still trained, 2 failed (in 20 steps, linear). Once.",
        ),
    ],
)
def test_the_edge_says_what_was_measured(cliff: Cliff, expected: str) -> None:
    assert f"edge           {expected}\n" in plain(answered(cliff=cliff))


def test_without_an_answer() -> None:
    shown = plain(
        answered(lr=None, good=GoodRange(), status="diverged", message="Nothing trains.", reasons=())
    )
    assert "learning rate  none\nstatus         diverged: Nothing trains.\nedge" in shown
    assert "Why" not in shown
    assert "To use it" not in shown
    assert "To use it" not in on_terminal(answered(lr=None, status="diverged"))


def test_a_metric_is_named() -> None:
    settings = replace(RECORD.settings, objective="accuracy", direction="max")
    assert "2,000 steps, judged by accuracy\n" in plain(replace(RECORD, settings=settings))


@pytest.mark.parametrize("status", ["found", "edge", "flat", "inconclusive", "interrupted", "diverged"])
def test_on_a_terminal_each_status_has_a_colour(status: str) -> None:
    shown = on_terminal(answered(status=status))
    assert f"m{status}: Use a learning rate" in shown
    assert "\x1b[1" in shown


def test_a_narrow_terminal_loses_nothing() -> None:
    reason = "a sentence that is longer than the terminal is wide, so that it has to be folded"
    shown = on_terminal(answered(reasons=(reason,)), width=40)
    assert [word for word in reason.split() if word not in shown] == []


def test_code_on_a_terminal_can_be_pasted() -> None:
    shown = re.sub(r"\x1b\[[0-9;]*m", "", on_terminal(RECORD, width=40))
    code = shown[shown.index("import math") :]
    assert "\noptimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)\n" in code
    compile(code, "pasted", "exec")


def hostile() -> Record:
    record = answered(reasons=(HOSTILE,), message=HOSTILE)
    settings = replace(RECORD.settings, task=HOSTILE, optimizer=HOSTILE, schedule=HOSTILE)
    return replace(record, settings=settings, provenance=replace(RECORD.provenance, engine=HOSTILE))


def test_hostile_text_is_shown_and_does_nothing() -> None:
    shown = plain(hostile())
    assert set(shown) & set("\x1b\x07\r") == set()
    assert "\\x1b[2J" in shown
    assert "[red]bold[/red] \\r\\n:smile:" in shown


def test_hostile_text_does_nothing_on_a_terminal() -> None:
    shown = on_terminal(hostile(), width=200)
    assert "\x1b[2J" not in shown
    assert "\x1b]" not in shown
    assert "[red]bold[/red]" in shown
    assert ":smile:" in shown
