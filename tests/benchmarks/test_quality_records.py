"""The replay on recorded runs: what a prefix reached, that the budget is kept, what it says when misused."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks.quality import records
from benchmarks.quality.replays.pair import CURVES, GRID, MINIBATCH, Pair, read_pairs
from benchmarks.quality.replays.rules import RULES, Tape, space_of
from benchmarks.quality.replays.score import replay, summary

EPOCHS, EPOCH_STEPS = 20, 40
STEPS = EPOCHS * EPOCH_STEPS
LRS = tuple(float(lr) for lr in np.geomspace(1e-5, 10, 31))
CLIFF = 0.3


def loss_after(lr: float, steps: np.ndarray, *, trains: bool) -> np.ndarray:
    """Fall from 2 the faster the higher the rate, to a floor that grows with it; NaN above the cliff."""
    if lr > CLIFF:
        return np.where(steps > 0, np.nan, 2.0)
    if not trains:
        return np.full(len(steps), 2.0)
    return 0.5 + 1.5 * np.exp(-0.5 * lr * steps) + 0.5 * lr * (steps > 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write records of a problem that trains under SGD and does not under Adam."""
    runs, curves, rows = [], [], []
    for optimizer, trains in (("GradientDescentOptimizer", True), ("AdamOptimizer", False)):
        for lr in LRS:
            losses = loss_after(lr, np.arange(STEPS + 1), trains=trains)
            epochs = losses[::EPOCH_STEPS]
            runs.append(("made", optimizer, lr, 42, EPOCHS, STEPS, epochs[-1]))
            curves += [
                (
                    "made",
                    optimizer,
                    float(f"{lr:.6g}"),
                    epoch,
                    loss - 0.1,
                    loss,
                    1 - np.nan_to_num(loss, nan=2.0) / 2,
                )
                for epoch, loss in enumerate(epochs)
            ]
            rows.append((optimizer, lr, losses[:-1]))
        runs += [
            ("made", optimizer, LRS[20], seed, EPOCHS, STEPS, 0.55 if trains else 2.0) for seed in (43, 44)
        ]
    names = ["problem", "optimizer", "lr", "seed", "num_epochs", "n_minibatch", "final_test_loss"]
    pd.DataFrame(runs, columns=names).to_csv(tmp_path / GRID, index=False)
    names = ["problem", "optimizer", "lr", "epoch", "train_loss", "test_loss", "test_acc"]
    pd.DataFrame(curves, columns=names).to_csv(tmp_path / CURVES, index=False)
    first = np.full((len(rows), 2000), np.nan, dtype=np.float32)
    first[:, :STEPS] = [losses for _, _, losses in rows]
    np.savez(
        tmp_path / MINIBATCH,
        problem=np.array(["made"] * len(rows)),
        optimizer=np.array([optimizer for optimizer, _, _ in rows]),
        lr=np.array([lr for _, lr, _ in rows]),
        seed=np.full(len(rows), 42),
        first2000=first,
        bin400_mean=first[:, :STEPS].reshape(len(rows), 400, -1).mean(axis=2),
    )
    return tmp_path


@pytest.fixture
def pair(folder: Path) -> Pair:
    return next(pair for pair in read_pairs(folder) if pair.optimizer == "sgd")


def test_a_prefix_is_the_training_loss_below_an_epoch_and_the_test_loss_above(pair: Pair) -> None:
    place = pair.nearest(0.011)
    assert pair.lrs[place] == pytest.approx(0.01)
    short = loss_after(pair.lrs[place], np.arange(30), trains=True)
    assert pair.value(place, 30) == pytest.approx(short[-5:].mean(), rel=1e-6)
    assert pair.value(place, EPOCH_STEPS) == pytest.approx(pair.losses[place, 1])
    assert pair.seen(place, EPOCH_STEPS) == pytest.approx(pair.losses[place, 1] - 0.1)
    assert math.isnan(pair.seen(place, 30))
    halfway = (pair.losses[place, 3] + pair.losses[place, 4]) / 2
    assert pair.value(place, EPOCH_STEPS * 7 // 2) == pytest.approx(halfway)
    assert math.isnan(pair.value(pair.nearest(1.0), 30))
    assert math.isnan(pair.value(pair.nearest(1.0), STEPS))
    with pytest.raises(ValueError, match=r"steps must be in \[1, 800\], got 801"):
        pair.value(place, STEPS + 1)


def test_a_tape_counts_what_is_asked_and_refuses_more_than_the_allowance(pair: Pair) -> None:
    tape = Tape(pair, 100)
    tape.train(0, 60)
    tape.train(0, 90, trained=60)
    assert tape.spent == 90
    with pytest.raises(ValueError, match="101 steps were asked for, 100 may be spent"):
        tape.train(1, 11)


def test_halving_and_the_lowest_loss_spend_what_they_can(pair: Pair) -> None:
    space = space_of(pair, 1.0, low=LRS[0], high=LRS[-1])
    assert RULES["lowest loss"](pair, space).spent == 31 * (STEPS // 31)
    rounds = [31, 16, 8, 4, 2]
    assert RULES["halving"](pair, space).spent == sum(alive * (STEPS // (5 * alive)) for alive in rounds)


@pytest.mark.parametrize("budget", [1.0, 0.25, 0.02])
@pytest.mark.parametrize("rates", ["usual", "all"])
def test_no_rule_spends_more_than_the_budget(pair: Pair, budget: float, rates: str) -> None:
    for rule in RULES:
        row = replay(pair, rule, budget, rates)
        assert 0 < row.spent <= budget * STEPS
        assert 0 <= row.regret <= 1
        assert row.cost == row.spent / STEPS


def test_find_stays_below_the_cliff_and_near_the_best_rate(pair: Pair) -> None:
    row = replay(pair, "find", 1.0, "usual")
    assert row.lr < CLIFF
    assert row.regret < 0.1
    assert row.accuracy_regret is not None
    assert row.distance == pytest.approx(math.log10(row.lr / row.best_lr))
    (one,) = summary([row, replay(pair, "find", 1.0, "usual")])
    assert (one.pairs, one.failures) == (2, 0)
    assert one.regret == pytest.approx((row.regret,) * 3)


def test_the_command_prints_and_leaves_out_what_does_not_train(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "_RESULTS", tmp_path / "results")
    records.main(["--records", str(folder), "--write"])
    printed = capsys.readouterr().out
    assert "Left out because nothing trains: made adam." in printed
    assert "| find" in printed
    page = (tmp_path / "results" / "records.md").read_text()
    assert "66 real training runs of 2 pairs" in page.replace("\n", " ")
    table = pd.read_csv(tmp_path / "results" / "records.csv")
    assert len(table) == len(records.RANGES) * len(records.BUDGETS) * len(RULES) + 2
    assert (table.spent <= table.budget * STEPS).all()
    assert set(table.optimizer) == {"sgd"}


def test_missing_records_end_with_a_sentence(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="Say where the records are: --records PATH"):
        records.main([])
    with pytest.raises(SystemExit, match=f"There is no {GRID} in .*nowhere"):
        records.main(["--records", str(tmp_path / "nowhere")])
    pd.read_csv(folder / GRID).drop(columns="num_epochs").to_csv(folder / GRID, index=False)
    with pytest.raises(SystemExit, match=f"{GRID} has no num_epochs; it needs problem"):
        records.main(["--records", str(folder)])
    (folder / MINIBATCH).unlink()
    with pytest.raises(SystemExit, match=f"There is no {MINIBATCH} in"):
        records.main(["--records", str(folder)])


def test_files_of_different_runs_are_refused(folder: Path) -> None:
    curves = pd.read_csv(folder / CURVES)
    curves[curves.lr > 2e-5].to_csv(folder / CURVES, index=False)
    with pytest.raises(SystemExit, match="The three files do not hold the same runs of made AdamOptimizer"):
        records.main(["--records", str(folder)])
