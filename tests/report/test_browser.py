"""The page in a real browser: it draws, asks for nothing, and hostile text stays text."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from rightrate import report
from rightrate.report.preview import Preview
from rightrate.schedules import parse
from rightrate.search.record import Fit, Levels, Record

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None and not os.environ.get("CI"), reason="no Chromium is installed"),
]

EVIL = (
    "</script><script>document.title='pwned'</script>",
    "<img src=x onerror=document.title='pwned'>",
    "<img src='http://evil.invalid/a.png'>",
    "<svg onload=document.title='pwned'>",
    "<a href=\"javascript:document.title='pwned'\">click</a>",
    "<b>bold</b>",
    "{{7*7}} {% raw %} %{x} &lt; & \" ' `",
    "<!--",
    "]]> \u2028 \u202e\x00",
)


@dataclass(frozen=True)
class Seen:
    dom: str
    console: list[str]
    requests: list[str]

    @property
    def body(self) -> str:
        """What was rendered, without the scripts and their data."""
        return re.sub(r"<script\b.*?</script>", "", self.dom, flags=re.DOTALL)

    @property
    def elements(self) -> list[tuple[str, dict[str, str | None]]]:
        """Every element with its attributes."""
        reader = Elements()
        reader.feed(self.dom)
        return reader.found


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture
def browse(tmp_path: Path) -> Callable[..., Seen]:
    def run(text: str, *flags: str) -> Seen:
        if CHROMIUM is None:
            pytest.fail("CI needs a Chromium: install Debian's package chromium")
        page, log = tmp_path / "page.html", tmp_path / "net.json"
        page.write_text(text, encoding="utf-8")
        command = [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--log-net-log={log}",
            "--enable-logging=stderr",
            "--virtual-time-budget=5000",
            "--dump-dom",
            *flags,
            page.as_uri(),
        ]
        done = subprocess.run(command, capture_output=True, timeout=120, check=True)
        console = [line for line in done.stderr.decode(errors="replace").splitlines() if "CONSOLE" in line]
        return Seen(dom=done.stdout.decode(errors="replace"), console=console, requests=requests(log))

    return run


def requests(log: Path) -> list[str]:
    """Every address a file:// page asked for or looked up, from Chromium's own record of its network.

    Chromium's own housekeeping (updates, the time) is in the record too, under other isolation keys.
    """
    found = []
    for event in json.loads(log.read_text(errors="replace"))["events"]:
        params = event.get("params", {})
        key = str(params.get("network_isolation_key") or params.get("network_anonymization_key"))
        address = str(params.get("url") or params.get("host"))
        if key.startswith("file:") and not address.startswith(("file:", "data:", "blob:")):
            found.append(address)
    return found


def evil_record(make_record: Callable[..., Record]) -> Record:
    record = make_record()
    text = " ".join(EVIL)
    trials = tuple(
        replace(trial, metrics={text: trial.metrics["loss"], **trial.metrics}) if trial.metrics else trial
        for trial in record.trials
    )
    return replace(
        record,
        settings=replace(
            record.settings,
            task=text,
            description=text,
            optimizer=text,
            schedule=text,
            objective=text,
            notes=(text,),
        ),
        answer=replace(
            record.answer,
            message=text,
            reasons=EVIL,
            cliff=replace(record.answer.cliff, note=text, schedule=text),
        ),
        cost=replace(record.cost, steps={text: 3, **record.cost.steps}, seconds={text: 1.0, "total": 2.0}),
        provenance=replace(record.provenance, engine=text, device=text, versions={text: text}),
        trials=trials,
    )


def test_browser_sees_what_it_must_not(browse: Callable[..., Seen]) -> None:
    """The instruments work: a page that does the forbidden things is caught at each of them."""
    bad = "<title>fine</title><img src='http://evil.invalid/a.png' onerror=document.title='pwned'>"
    seen = browse(f"<meta charset=utf-8>{bad}<script>console.error('oops'); undefined_name()</script>")
    assert "<title>pwned</title>" in seen.dom
    assert "http://evil.invalid/a.png" in seen.requests
    assert sum("oops" in line or "undefined_name" in line for line in seen.console) == 2


def test_hostile_text_stays_text(browse: Callable[..., Seen], make_record: Callable[..., Record]) -> None:
    seen = browse(report.page(evil_record(make_record)))
    title = re.search(r"<title>(.*?)</title>", seen.dom, re.DOTALL)
    assert title is not None
    assert title[1].startswith("Learning rate of &lt;/script&gt;")
    assert seen.console == []
    assert seen.requests == []
    assert "{{7*7}}" in seen.body
    elements = seen.elements
    assert sum(tag == "script" for tag, _ in elements) == 3
    assert not [tag for tag, _ in elements if tag in ("a", "b")]
    assert {(attributes["src"] or "")[:10] for tag, attributes in elements if tag == "img"} == {"data:image"}
    assert not [name for _, attributes in elements for name in attributes if name.startswith("on")]
    label = re.search(r'class="ytitle"[^>]*>(.*?)</text>', seen.body, re.DOTALL)
    assert label is not None
    shown = re.sub(r"</?tspan[^>]*>", "", label[1])
    assert "&lt;b&gt;bold&lt;/b&gt;" in shown
    assert "%{x}" in shown


def test_charts_are_drawn_without_a_network(
    browse: Callable[..., Seen], make_record: Callable[..., Record]
) -> None:
    seen = browse(report.page(make_record()))
    assert seen.console == []
    assert seen.requests == []
    drawn = {a.get("id") for _, a in seen.elements if "js-plotly-plot" in (a.get("class") or "")}
    assert drawn == {f"chart-{name}" for name in ("objective", "curves", "rounds", "overfit", "range")}
    assert "</b>" not in seen.body
    for text in (
        "recommended",
        "still trains at 0.21",
        "training fails",
        "untrained: 2.3",
        "range test says",
    ):
        assert text in seen.body
    assert seen.body.count('class="traces"') > 7


@pytest.mark.parametrize("status", ["diverged", "interrupted", "negative"])
def test_odd_records_are_drawn(
    status: str, browse: Callable[..., Seen], make_record: Callable[..., Record]
) -> None:
    record = make_record()
    if status == "diverged":
        trials = tuple(replace(trial, metrics={"loss": float("nan")}) for trial in record.trials)
        answer = {"lr": None, "status": "diverged", "message": "Nothing trains."}
        record = make_record(trials=trials, fit=Fit(), answer=answer, levels=Levels(untrained=2.3))
    elif status == "interrupted":
        answer = {"lr": None, "status": "interrupted", "message": "Stopped."}
        record = make_record(trials=(), fit=Fit(), answer=answer, levels=Levels(untrained=float("nan")))
    else:
        trials = tuple(
            replace(trial, metrics={"loss": trial.metrics["loss"] - 5}) if trial.metrics else trial
            for trial in record.trials
        )
        record = make_record(trials=trials, fit=Fit(), levels=Levels(untrained=-2.7, best=-4.8))
    seen = browse(report.page(record))
    assert seen.console == []
    assert f"{record.answer.message}</p>" in seen.body
    assert seen.body.count("js-plotly-plot") == (0 if status == "interrupted" else 5)


CLICKS = """
const press = (chart, text) => [...document.querySelectorAll(`.switches[data-for="${chart}"] button`)]
  .find((button) => button.textContent === text).click();
const place = (name) => document.getElementById("chart-" + name);
press("objective", "log");
press("curves", "Round 1: 62 steps");
document.querySelector(".sortable th").click();
const rows = [...document.querySelectorAll(".sortable tbody tr")]
  .map((row) => Number(row.cells[0].dataset.value));
const curves = place("curves")._fullData.filter((line) => line.visible === true);
document.body.dataset.facts = JSON.stringify({
  axis: place("objective")._fullLayout.yaxis.type,
  curves: curves.length,
  names: curves.filter((line) => line.showlegend).length,
  sorted: rows.every((lr, row) => row === 0 || rows[row - 1] <= lr),
  hover: curves[0].hovertemplate,
  copy: document.querySelector(".copy").hidden,
});
"""


def test_switches_legend_and_sorting_work(
    browse: Callable[..., Seen], make_record: Callable[..., Record]
) -> None:
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", report.page(make_record()))
    seen = browse(page.replace("</body>", f"<script>{CLICKS}</script></body>"))
    assert seen.console == []
    facts = re.search(r'data-facts="([^"]*)"', seen.dom)
    assert facts is not None
    found = json.loads(facts[1].replace("&quot;", '"').replace("&lt;", "<").replace("&gt;", ">"))
    assert found["axis"] == "log"
    assert found["curves"] == found["names"] == 23
    assert found["sorted"] is True
    assert found["copy"] is False
    assert found["hover"].startswith("lr 1e-5")


def test_policy_stops_a_script_that_is_not_the_pages_own(
    browse: Callable[..., Seen], make_record: Callable[..., Record]
) -> None:
    page = report.page(make_record()).replace("</body>", "<script>document.title='pwned'</script></body>")
    seen = browse(page)
    assert "<title>pwned</title>" not in seen.dom
    assert any("Content Security Policy" in line for line in seen.console)


def test_a_preview_of_schedules_draws_and_asks_for_nothing(browse: Callable[..., Seen]) -> None:
    shapes = (parse("warmup(4) + cosine(8)"), parse("wsd(12, cooldown_steps=4, cooldown='1-sqrt')"))
    seen = browse(Preview(shapes=shapes, lr=3e-4).page())
    assert seen.console == []
    assert seen.requests == []
    assert seen.body.count('class="scatterlayer') == 1
    assert sum("js-line" in (attributes.get("class") or "") for _, attributes in seen.elements) >= 2
    assert '<button type="button" aria-pressed="true">linear</button>' in seen.body
    seen = browse(Preview(shapes=shapes, lr=3e-4).page("log"))
    assert seen.console == []
    assert '<button type="button" aria-pressed="true">log</button>' in seen.body
