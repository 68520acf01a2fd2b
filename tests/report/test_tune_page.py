"""The report of a tuning: what is drawn, what is left out, and that text stays text."""

import json
import math
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from rightrate.errors import ConfigError
from rightrate.report.charts.population import lineage_chart, progress_chart, rates_chart
from rightrate.report.charts.schedule import replay_chart, schedule_chart
from rightrate.report.tune_page import save_tune, tune_charts, tune_page, tune_snippet
from rightrate.report.tune_view import as_record, segments, slow_members
from rightrate.schedules import Cosine, Piecewise
from rightrate.search.record import Cost, Curve, Levels, Provenance, Settings
from rightrate.search.tune_record import (
    MemberRecord,
    Replay,
    RoundRecord,
    TuneAnswer,
    TuneRecord,
    TuneSettings,
    ancestry,
    rates_change,
)

NAN = math.nan


def member(lr, loss, annealed=None, weight_decay=None):
    metrics = {"loss": loss, "accuracy": 1 - loss / 3 if loss == loss else NAN}
    return MemberRecord(
        lr=lr, metrics=metrics, train=(2.0, loss), annealed=annealed, weight_decay=weight_decay
    )


def round_of(start, steps, take, *members, anneal_steps=0):
    return RoundRecord(
        start=start,
        steps=steps,
        take=take,
        members=members,
        curve_steps=(start, start + steps - 1),
        anneal_steps=anneal_steps,
    )


def tuning(rounds, answer, method="grid", **changes):
    record = TuneRecord(
        settings=TuneSettings(
            run=Settings(
                task="digits",
                description="An MLP",
                optimizer="adamw",
                schedule="constant",
                steps=30,
                budget=3.0,
                objective="loss",
                direction="min",
                notes=(),
            ),
            method=method,
            options={"members": 3, "factors": (0.8, 1.25), "ready_steps": None},
        ),
        answer=answer,
        rounds=tuple(rounds),
        replays=(),
        levels=Levels(untrained=2.3, best=answer.score),
        cost=Cost(steps={"train": 90, "anneal": 0, "replay": 0}, run_equivalents=3.0, seconds={"total": 1.0}),
        provenance=Provenance(versions={"torch": "2"}, seed=0, device="cpu", threads=1, engine="serial"),
    )
    return replace(record, **changes)


def population(**changes):
    """Three members in three rounds: the second is copied by the first, then the copy by the third."""
    rounds = (
        round_of(0, 10, None, member(0.001, 2.0), member(0.01, 1.0, 0.9), member(1.0, NAN)),
        round_of(10, 10, (1, 1, 1), member(0.0125, 0.6), member(0.01, 0.8), member(0.008, 0.9)),
        round_of(20, 10, (0, 1, 0), member(0.0125, 0.5), member(0.01, 0.7), member(0.01, 0.4)),
    )
    answer = TuneAnswer(
        status="found",
        message="The best of 3 members.",
        reasons=("One reason.",),
        lr=0.0125,
        score=0.4,
        schedule=Piecewise(until=(10, 20, 30), values=(0.01, 0.0125, 0.01)).to_dict(),
        path=((0, 1), (1, 0), (2, 2)),
    )
    replays = (
        Replay(seed=0, metrics={"loss": 0.4}, curve=Curve(steps=(0, 29), lr=(0.01, 0.01), train=(2.0, 0.4))),
        Replay(seed=1, metrics={"loss": 0.45}, curve=Curve(steps=(0, 29), lr=(0.01, 0.01), train=(2.1, 0.5))),
    )
    return tuning(rounds, answer, "pbt", **{"replays": replays, **changes})


def narrowing(**changes):
    """Halving: three members, then the best of them by their annealed copies."""
    first = (member(0.001, 2.0, 1.9), member(0.01, 1.0, 0.9), member(0.1, 1.1, 0.7))
    rounds = (
        round_of(0, 10, None, *first, anneal_steps=2),
        round_of(10, 10, (2,), member(0.1, 0.6)),
        round_of(20, 10, (0,), member(0.1, 0.3)),
    )
    answer = TuneAnswer(
        status="found",
        message="The best of 3 members.",
        lr=0.1,
        score=0.3,
        schedule=Cosine(peak=0.1, total_steps=30).to_dict(),
        path=((0, 2), (1, 0), (2, 0)),
    )
    return tuning(rounds, answer, "halving", **changes)


def test_descent_is_read_from_whom_members_took() -> None:
    record = population()
    assert ancestry(record.rounds, 2, 2) == record.answer.path
    assert ancestry(record.rounds, 1, 1) == ((0, 1), (1, 1))
    assert rates_change(record.rounds)
    assert not rates_change(narrowing().rounds)
    winners = [(item.round, item.member) for item in segments(record) if item.winner]
    assert tuple(winners) == record.answer.path
    assert slow_members(record) == {1}
    assert slow_members(narrowing()) == frozenset()


def test_rounds_after_which_members_were_chosen_are_rungs() -> None:
    plain = as_record(narrowing())
    assert [(trial.rung, trial.steps, trial.lr) for trial in plain.trials] == [
        (0, 10, 0.001),
        (0, 10, 0.01),
        (0, 10, 0.1),
        (2, 30, 0.1),
    ]
    # Judged by the copy at the first rung, and as it is at the end.
    assert [trial.metrics["loss"] for trial in plain.trials] == [1.9, 0.9, 0.7, 0.3]
    assert plain.trials[-1].curve == Curve(
        steps=(0, 9, 10, 19, 20, 29), lr=(0.1,) * 6, train=(2.0, 1.1, 2.0, 0.6, 2.0, 0.3)
    )
    assert plain.answer.lr == 0.1


def test_a_population_is_shown_at_four_times() -> None:
    plain = as_record(population())
    assert {trial.rung for trial in plain.trials} == {0, 1, 2}
    assert plain.answer.lr is None


def test_what_fails_is_said_where_rates_stay() -> None:
    record = narrowing()
    first = replace(record.rounds[0], members=(*record.rounds[0].members, member(1.0, NAN)))
    cliff = as_record(replace(record, rounds=(first, *record.rounds[1:]))).answer.cliff
    assert (cliff.max_stable, cliff.lowest_failed) == (0.1, 1.0)


def test_charts_that_would_show_nothing_are_left_out() -> None:
    assert list(tune_charts(population())) == ["objective", "progress", "rates", "lineage", "replay"]
    assert list(tune_charts(narrowing())) == ["objective", "curves", "rounds", "schedule"]
    constant = replace(narrowing().answer, schedule=Piecewise(until=(30,), values=(0.1,)).to_dict())
    one = replace(narrowing(), answer=constant, rounds=narrowing().rounds[:1])
    assert list(tune_charts(one)) == ["objective", "curves"]
    assert tune_charts(replace(population(), rounds=())) == {}
    assert replay_chart(population(replays=())) is None
    assert schedule_chart(replace(narrowing(), answer=replace(narrowing().answer, schedule=None))) is None


def test_rates_are_drawn_on_a_logarithmic_axis_with_the_winner_bold() -> None:
    chart = rates_chart(population())
    assert chart["layout"]["yaxis"]["type"] == "log"
    bold = next(line for line in chart["data"] if line.get("legendgroup") == "winner")
    assert bold["x"] == [0, 10, 10, 20, 20, 30]
    assert bold["y"] == [0.01, 0.01, 0.0125, 0.0125, 0.01, 0.01]
    assert tune_charts(population())["objective"]["layout"]["xaxis"]["type"] == "log"
    assert tune_charts(narrowing())["rounds"]["layout"]["xaxis"]["type"] == "log"


def test_the_tree_leads_from_every_member_to_the_one_it_went_on_from() -> None:
    others, winner, dots = lineage_chart(population())["data"]
    assert winner["x"] == [0, 10, None, 10, 20, None, 20, 30, None]
    assert winner["y"] == [2, 2, None, 2, 1, None, 1, 3, None]
    assert others["y"].count(None) == 6
    assert dots["marker"]["symbol"].count("x-thin") == 1
    assert winner["line"]["width"] > others["line"]["width"]


def test_members_have_one_colour_and_one_group_in_all_charts() -> None:
    charts = [progress_chart(population()), rates_chart(population())]
    looks = [
        {
            line["legendgroup"]: line["line"]["color"]
            for line in chart["data"]
            if line.get("legendgroup", "").startswith("member ")
        }
        for chart in charts
    ]
    assert looks[0] == looks[1]
    assert looks[0]["member 1"] != looks[0]["member 0"]
    names = [line.get("name") for line in charts[0]["data"]]
    assert "slow members" in names
    assert "greedy members" in names


def test_replays_stand_beside_the_original() -> None:
    names = [line["name"] for line in replay_chart(population())["data"]]
    assert names == [
        "in the population",
        "from scratch, the same seed: 0.4",
        "from scratch, seed 1: 0.45",
    ]


def test_the_page_says_what_there_is() -> None:
    page = tune_page(population())
    assert "population-based training" in page
    assert "Who went on from whom" in page
    assert "members 3; factors 0.8, 1.25" in page
    assert "from rightrate.schedules import parse" in page
    assert page == tune_page(population())
    assert "Learning curves" not in page
    assert "Who went on from whom" not in tune_page(narrowing())


def test_only_what_varied_is_shown() -> None:
    page = tune_page(population())
    assert "weight decay" not in page
    assert "annealed copy" in page
    rounds = population().rounds
    decays = replace(
        rounds[0], members=tuple(replace(m, weight_decay=0.1 * k) for k, m in enumerate(rounds[0].members))
    )
    assert '<th class="n">weight decay</th>' in tune_page(replace(population(), rounds=(decays, *rounds[1:])))
    only = replace(narrowing(), rounds=narrowing().rounds[:1])
    assert '<th class="n">round</th>' not in tune_page(only)
    assert '<th class="n">round</th>' in page


def test_a_page_without_anything_to_draw() -> None:
    answer = TuneAnswer(status="interrupted", message="Stopped before any member trained.")
    page = tune_page(tuning((), answer))
    assert "No round was finished" in page
    assert "There is no learning rate to use." in page
    assert "no winner" in tune_snippet(tuning((), answer))


def test_hostile_text_stays_text() -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>%{x}"
    record = population()
    run = replace(record.settings.run, task=evil, description=evil, objective="loss", notes=(evil,))
    answer = replace(record.answer, message=evil, reasons=(evil,))
    settings = replace(record.settings, run=run, method=evil, options={evil: evil})
    hostile = replace(record, settings=settings, answer=answer)
    for text in (tune_page(hostile), tune_snippet(hostile)):
        assert "<script>alert" not in text
        assert "<img src=x" not in text


def test_the_page_forbids_requests_and_foreign_scripts() -> None:
    page = tune_page(population())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert "default-src &#39;none&#39;" in policy
    assert policy.count("sha256-") == 3
    body = re.sub(r"<script\b.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r'(?:src|href)="(?!data:)', body)


def test_a_report_is_written_whole(tmp_path: Path) -> None:
    file = save_tune(population(), tmp_path / "report.html")
    assert file.read_text(encoding="utf-8") == tune_page(population())
    assert list(tmp_path.iterdir()) == [file]
    with pytest.raises(ConfigError, match=r"save_report\(path=\.\.\.\) must be a file, got"):
        save_tune(population(), tmp_path)
    with pytest.raises(ConfigError, match=r"save_report\(path=\.\.\.\) must be in a folder that exists, got"):
        save_tune(population(), tmp_path / "no" / "report.html")


def test_a_report_that_cannot_be_written(tmp_path: Path, monkeypatch) -> None:
    def full(*arguments, **options) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    message = r"save_report\(path=\.\.\.\) must be a file that can be written, .* No space left on device\."
    with pytest.raises(ConfigError, match=message):
        save_tune(population(), tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_a_snippet_for_notebooks() -> None:
    snippet = tune_snippet(population())
    assert snippet.startswith("<div>")
    assert "data:image/svg+xml" in snippet
    assert "One reason." in snippet


def test_a_record_is_json_and_comes_back() -> None:
    record = population()
    plain = json.loads(json.dumps(record.to_dict(), allow_nan=False))
    assert plain["rounds"][0]["members"][2]["metrics"]["loss"] is None
    again = [RoundRecord.from_dict(json.loads(json.dumps(done.to_dict()))) for done in record.rounds]
    assert repr(again) == repr(list(record.rounds))
    replay = record.replays[0]
    from dataclasses import asdict

    assert Replay.from_dict(json.loads(json.dumps(asdict(replay)))) == replay
