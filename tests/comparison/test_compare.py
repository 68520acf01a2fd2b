"""Comparisons of real models: complete, fair, resumable, without a trace."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import rightrate as rr
from rightrate.comparison.asked import lrs_of, named_schedules, rates, seeds_of
from rightrate.comparison.recording import engine_text
from rightrate.errors import ConfigError
from rightrate.population.verdict import Verdict
from rightrate.report.compare_page import compare_page
from rightrate.search.driver import Progress

SMALL = {"steps": 60, "seeds": 2, "engine": "serial"}


@pytest.fixture(scope="module")
def wine() -> rr.Comparison:
    return rr.compare(
        "wine", ["momentum", "adam"], lrs=[0.1, 0.001], schedules=["constant", "cosine"], **SMALL
    )


def test_every_combination_is_trained_for_the_full_length(wine: rr.Comparison) -> None:
    assert len(wine.trials) == 2 * 2 * 2 * 2
    assert not wine.trials.duplicated(["optimizer", "schedule", "lr", "seed"]).any()
    assert {trial.curves.judged_steps[-1] for trial in wine.record.trials} == {60}
    assert wine.cost.steps["train"] == 16 * 60


def test_runs_of_one_seed_start_alike_and_see_the_same_first_batch(wine: rr.Comparison) -> None:
    firsts = {seed: set() for seed in (0, 1)}  # type: dict[int, set[float]]
    for trial in wine.record.trials:
        firsts[trial.seed].add(trial.curves.train[0])
    assert all(len(losses) == 1 for losses in firsts.values())
    assert firsts[0] != firsts[1]


def test_metrics_are_judged_on_both_kinds_of_data(wine: rr.Comparison) -> None:
    columns = {"valid_loss", "train_loss", "valid_accuracy", "train_accuracy"}
    assert columns <= set(wine.trials.columns)
    assert (wine.trials["train_accuracy"].between(0, 1)).all()


def test_what_an_optimizer_keeps_is_measured(wine: rr.Comparison) -> None:
    momentum, adam = wine.record.facts
    assert momentum.state_bytes == pytest.approx(4.0, rel=0.01)
    assert adam.state_bytes == pytest.approx(8.0, rel=0.05)
    assert all(item.step_seconds is not None and item.step_seconds > 0 for item in (momentum, adam))


def test_results_are_plain_data_and_pages(wine: rr.Comparison, tmp_path: Path) -> None:
    data = json.loads(json.dumps(wine.to_dict(), allow_nan=False))
    assert data["status"] == wine.status
    assert len(wine.at_best) == 4
    assert list(wine.at_same.columns) == [0.001, 0.1]
    assert len(wine.to_frame()) == 8
    assert wine.message in str(wine)
    assert "<table" in wine._repr_html_()
    page = wine.save_report(tmp_path / "r.html").read_text("utf-8")
    assert all(f'id="chart-{name}"' in page for name in ("objective", "curves", "differences", "kinds"))
    assert page == compare_page(wine.record)


def test_a_report_needs_a_folder(wine: rr.Comparison, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"save_report\(path=...\) must be a file, got"):
        wine.save_report(tmp_path)
    with pytest.raises(ConfigError, match=r"save_report\(path=...\) must be in a folder that exists"):
        wine.save_report(tmp_path / "none" / "r.html")


def stop_after(count: int) -> Callable[[Progress], None]:
    """Return what presses Ctrl-C when it was called so often."""
    import signal

    seen = []

    def watch(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == count:
            signal.raise_signal(signal.SIGINT)

    return watch


def test_a_stopped_comparison_says_so_and_goes_on_to_the_same_end(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    asked: dict[str, Any] = {"lrs": [0.1, 0.01], **SMALL}
    stopped = rr.compare("wine", ["sgd", "adam"], **asked, store=tmp_path / "s.db", progress=stop_after(9))
    assert stopped.status == "interrupted"
    assert 0 < len(stopped.trials) < 8
    resumed = rr.compare("wine", ["sgd", "adam"], **asked, store=tmp_path / "s.db", say=str)
    whole = rr.compare("wine", ["sgd", "adam"], **asked)
    assert resumed.record.trials == whole.record.trials
    assert resumed.analysis.readings == whole.analysis.readings
    again = rr.compare("wine", ["sgd", "adam"], **asked, store=tmp_path / "s.db", say=str)
    assert again.record == replace(resumed.record, cost=resumed.cost.answered())
    assert "Stopping after the present step" in capfd.readouterr().err
    parts = ("find", "check", "train", "evaluate")
    assert resumed.cost.seconds["total"] == max(
        sum(resumed.cost.seconds[part] for part in parts), resumed.cost.seconds["session"]
    )
    assert resumed.cost.seconds["train"] > stopped.cost.seconds["train"] > 0


def test_functions_without_a_name_are_called_by_what_they_are() -> None:
    optimizers = [
        lambda params: torch.optim.SGD(params, lr=0.1),
        lambda params: torch.optim.SGD(params, lr=1),
    ]
    shapes = [lambda step: 1.0, lambda step: 1 - step / 9, lambda step: 0.5**step]
    result = rr.compare("wine", optimizers, lrs=0.1, schedules=shapes, seeds=1, steps=5, engine="serial")
    settings = result.record.settings
    assert settings.optimizers == ("SGD", "SGD (2)")
    assert settings.schedules == ("function", "function (2)", "function (3)")


def test_the_engine_is_that_of_an_optimizer_where_they_differ() -> None:
    sgd, adam, lion = Verdict(reason="too small"), Verdict(reason="too small"), Verdict(reason="no rule")
    assert engine_text({"sgd": sgd, "adam": adam}) == "serial: too small"
    said = engine_text({"sgd": sgd, "lion": lion, "adam": adam})
    assert said == "sgd, adam: serial: too small; lion: serial: no rule"
    assert engine_text({}) == "not decided"


def test_rates_that_find_recommends_can_be_added_to_others() -> None:
    result = rr.compare("wine", "sgd", lrs=["find/3", "find", 0.001], seeds=1, steps=300, engine="serial")
    (found,) = result.record.settings.found
    assert found.lr is not None
    assert [item.lr for item in result.analysis.readings] == pytest.approx(
        [0.001, found.lr / 3, found.lr], rel=1e-3
    )
    assert result.cost.steps["find"] > 0


def test_rates_as_they_are_asked_for() -> None:
    assert rates(lrs_of(["find*3", "find", "0.1", 0.1]), 0.01) == (0.01, 0.03, 0.1)
    assert rates(lrs_of("find"), None) == ()
    assert seeds_of(2) == (0, 1)
    assert list(named_schedules({"a": "cosine", "b": "constant"}, 10)) == ["a", "b"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lrs_of("fnd"), r"compare\(lrs=...\) must be rates above zero or 'find', got 'fnd'"),
        (lambda: lrs_of("find*x"), r"compare\(lrs=...\) must be rates above zero or 'find'"),
        (lambda: lrs_of([0.0]), r"compare\(lrs=...\) must be a finite number > 0, got 0.0"),
        (lambda: lrs_of([]), r"compare\(lrs=...\) must be at least one rate, got \[\]"),
        (lambda: lrs_of(None), r"compare\(lrs=...\) must be rates, got None"),
        (lambda: seeds_of(0), r"compare\(seeds=...\) must be an integer >= 1, got 0"),
        (lambda: seeds_of([1, 1]), r"compare\(seeds=...\) must be a number of seeds, or different seeds"),
        (lambda: named_schedules([], 9), r"compare\(schedules=...\) must be at least one schedule, got \[\]"),
        (lambda: named_schedules(["cosine", "cosine"], 9), r"must be schedules that differ, got 'cosine'"),
        (lambda: named_schedules(["cosine(5)"], 9), r"must be a schedule of 9 steps, as the run has"),
        (lambda: named_schedules(3, 9), r"compare\(schedules=...\) must be schedules, got 3"),
        (lambda: rr.compare(3), r"compare\(task\) must be a Task or the name of a built-in one, got 3"),  # type: ignore[arg-type]
        (lambda: rr.compare("wine", []), r"compare\(optimizers=...\) must be at least one optimizer"),
        (lambda: rr.compare("wine", steps=5, epochs=1), r"must be given as one of the two, got \(5, 1\)"),
        (lambda: rr.compare("wine", tolerance=0.9), r"compare\(tolerance=...\) must be .*, got 0.9"),
    ],
)
def test_mistakes(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        call()


def test_nothing_trains_is_an_outcome() -> None:
    result = rr.compare("wine", "sgd", lrs=[1e-12], **SMALL)
    assert result.status == "diverged"
    assert "Nothing trains" in result.message


def test_a_page_does_not_claim_that_two_rates_hold_the_best_between_them(wine: rr.Comparison) -> None:
    assert wine.status == "found"
    assert "Too few rates were tried to say whether a better one lies beyond them." in compare_page(
        wine.record
    )
    three = rr.compare("wine", "adam", lrs=[1e-5, 0.03, 10.0], **SMALL)
    assert three.status == "found"
    assert "The best rate lies inside those that were tried." in compare_page(three.record)
