"""The tables and the page of the replay."""

import math
from collections.abc import Sequence

from benchmarks.quality.replays.pair import CURVES, GRID, MINIBATCH, Pair
from benchmarks.quality.replays.score import FAILURE, Row, summary

__all__ = ["page", "pair_table", "summary_table"]


def summary_table(rows: Sequence[Row]) -> str:
    """Return one line a rule, range and budget, as Markdown."""
    head = (
        "rule", "rates", "budget", "loss regret: mean", "median", "worst", f"> {FAILURE:g}",
        "accuracy regret, points: mean", "median", "worst",
        "log10 distance: mean", "median", "worst", "mean signed", "cost",
    )  # fmt: skip
    lines = [
        (
            one.rule,
            one.rates or "-",
            f"{one.budget:g}",
            *(f"{value:.3f}" for value in one.regret),
            f"{one.failures}/{one.pairs}",
            *(_number(value, 1) for value in one.accuracy_regret),
            *(f"{value:.2f}" for value in one.distance),
            f"{one.high:+.2f}",
            f"{one.cost:.3f}",
        )
        for one in summary(rows)
    ]
    return _markdown(head, lines)


def pair_table(rows: Sequence[Row], budget: float) -> str:
    """Return one line a pair: what `find` answered, and the regrets of the other rules, usual range."""
    chosen = [row for row in rows if row.rates == "usual" and row.budget == budget]
    others = [name for name in dict.fromkeys(row.rule for row in chosen) if name != "find"]
    by_pair = {(row.rule, row.problem, row.optimizer): row for row in chosen}
    head = (
        "problem", "optimizer", "best rate", "find", "status", "log10 distance",
        "loss regret", "accuracy regret, points", "cost", *(f"loss regret: {name}" for name in others),
    )  # fmt: skip
    lines = [
        (
            row.problem,
            row.optimizer,
            f"{row.best_lr:.3g}",
            f"{row.lr:.3g}",
            row.status,
            f"{row.distance:+.2f}",
            f"{row.regret:.3f}",
            _number(row.accuracy_regret, 1),
            f"{row.cost:.3f}",
            *(f"{by_pair[name, row.problem, row.optimizer].regret:.3f}" for name in others),
        )
        for row in chosen
        if row.rule == "find"
    ]
    return _markdown(head, lines)


def page(pairs: Sequence[Pair], rows: Sequence[Row], budgets: Sequence[float]) -> str:
    """Return the whole page."""
    nothing = [str(pair) for pair in pairs if not pair.trains()]
    runs = sum(len(pair.lrs) + max(0, len(pair.repeated) - 1) for pair in pairs)
    parts = [
        _INTRODUCTION.format(pairs=len(pairs), runs=runs, grid=GRID, curves=CURVES, minibatch=MINIBATCH),
        "## All rules\n",
        summary_table(rows),
        f"\nPairs where nothing trains, left out of everything above: {', '.join(nothing) or 'none'}.\n",
    ]
    for budget in budgets:
        parts += [f"## Each pair, budget {budget:g}, usual range\n", pair_table(rows, budget), ""]
    return "\n".join(parts)


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def _markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[place]) for line in (head, *lines)) for place in range(len(head))]

    def joined(line: Sequence[str]) -> str:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        return f"| {' | '.join(cells)} |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([joined(head), rule, *(joined(line) for line in lines)])


_INTRODUCTION = """\
# The search, replayed on recorded training runs

    python -m benchmarks.quality.records --records PATH --write

{runs} real training runs of {pairs} pairs of problem and optimizer, trained by others at constant rates.
Nothing is trained here. Each rule asks for runs of some length at some rates, is shown what was recorded,
and names a rate; the rate's full run says what it was worth.

## How it is measured

- **One seed.** Each rate was run for its full length with one seed (42). So there is one answer a pair,
  deterministic, and no spread over seeds. A confirmation with another seed is shown the same run.
- **A prefix of a long run is the short run**, because the rate is constant.
- A rate that is asked for is the recorded rate nearest to it (five a decade), and that rate is what the
  rule is told it tried. From one epoch on, its loss is the test loss, linear between the epochs around.
  Below one epoch no test loss was recorded: the training loss stands for it, its mean over the last tenth
  of the steps, at least five (of a 400th of the run where single steps are not kept). A run that was not
  finite stays so.
- **Cost** counts the steps asked for, of every rate, divided by the length of one full run. Asking for more
  than the budget is an error. `find` pays for its range test, although its curve cannot be replayed and is
  not used for the answer. Halving continues its runs and pays for the new steps only.
- **Rules.** `find` is the default strategy and `recommend`, unchanged. `lowest probe of find` takes the
  lowest loss of its longest probes. `halving` gives each round an equal share of the budget and keeps the
  better half by the loss so far. `lowest loss` trains all its rates for an equal length. Each chooses from
  the usual range, the one `find` starts with for the optimizer (as far as it was recorded), or from all
  recorded rates. A rule that names none counts as the framework's default rate.
- **Regret** is (reached - best) / (untrained - best) of the test loss after the last epoch, in [0, 1]; best
  is the lowest point of the full runs' curve, smoothed over neighbouring rates. Between two recorded rates
  that both train the loss is interpolated; beside a cliff the nearest recorded rate counts. Untrained is
  the loss at the start or the best constant prediction, whichever is lower: log 10 for two problems of ten
  classes, 52.92 (the mean image) for mnist_vae and 3.12 (the frequencies of characters) for
  tolstoi_char_rnn, the levels at which runs of the records rest. The recorded losses of cifar10_3c3d
  contain a weight penalty, 1.29 at the start; there a search is told the start's loss as untrained, as
  short runs contain that penalty too.
- **Accuracy regret** is in percentage points, of the test accuracy after the last epoch. On fmnist_2c2d
  long runs at the most accurate rates overfit: their test loss rises while their accuracy does not fall, so
  that the two regrets disagree.
- **log10 distance** is to the rate whose full run ended at the lowest test loss.
- **Nothing trains** where the rate that was run with ten seeds is not below untrained by three standard
  errors.

## The records

They come from the public repository fsschneider/DeepOBS_Baselines (MIT) and are not kept here. Its result
files hold one run each; three tables were made of five problems (quadratic_deep, mnist_vae, fmnist_2c2d,
cifar10_3c3d, tolstoi_char_rnn), three optimizers (GradientDescentOptimizer, MomentumOptimizer with momentum
0.99, AdamOptimizer) and 36 rates from 1e-5 to 1e2:

- `{grid}`: a row a run, seed 42 of every rate and the further seeds of one. Read here: problem, optimizer,
  lr, seed, num_epochs, n_minibatch (optimizer steps of the run), final_test_loss.
- `{curves}`: a row a run of seed 42 and epoch, 0 before training. Read here: problem, optimizer, lr, epoch,
  train_loss, test_loss, test_acc (empty where a problem has none).
- `{minibatch}`: one entry a run: problem, optimizer, lr, seed, `first2000` (training loss of each of the
  first 2,000 steps, NaN after the last), `bin400_mean` (mean training loss of 400 equal parts of the run).
"""
