"""What `find` says about models that train, do not train, do not care, or need another range."""

import sys

import numpy as np
import pytest
import torch
from tests.finder.small import BATCH, FEATURES, find, mlp, train, valid
from torch import nn

import rightrate as rr
from rightrate.population import SerialPopulation, prepare
from rightrate.search.record import Trial

cross_entropy = nn.functional.cross_entropy
mse = nn.functional.mse_loss


class Silent(nn.Module):
    """Its output does not depend on its weights."""

    def __init__(self, value=0.0):
        super().__init__()
        self.last = nn.Linear(FEATURES, 3)
        self.value = value

    def forward(self, inputs):
        return self.last(inputs) * self.value


class Explodes(nn.Module):
    """Is finite when it is judged and never when it is trained."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(FEATURES, 3)

    def forward(self, inputs):
        return self.last(inputs) / (0.0 if self.training else 1.0)


@pytest.mark.parametrize("engine", ["serial", "stacked"])
def test_a_loss_that_does_not_depend_on_the_weights(engine):
    result = find(Silent(), engine=engine)
    assert (result.status, result.lr, result.max_stable) == ("inconclusive", None, None)
    assert "No learning rate made progress" in result.message
    assert any("none ended better than the untrained level of 1.09" in reason for reason in result.reasons)


@pytest.mark.parametrize("model", [Silent(torch.inf), Explodes()], ids=["always", "in training"])
def test_a_model_that_explodes(model):
    result = find(model)
    assert (result.status, result.lr) == ("diverged", None)
    assert result.message.startswith("Nothing trains at any learning rate tried")
    assert any(reason.endswith("of them were not finite.") for reason in result.reasons)


class Deaf(torch.optim.Optimizer):
    """Takes the same steps whatever its rate."""

    def __init__(self, params, lr=1e-3):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None and group["lr"] > 0:
                    parameter.add_(parameter.grad, alpha=-0.1)


def test_a_rate_that_does_not_matter():
    result = find(optimizer=Deaf, engine="auto")
    assert result.status == "flat"
    assert result.high / result.low > 1000
    assert result.message.startswith("The rate hardly matters from ")


def linear_regression(scale):
    """Least squares on inputs of any size: the best rate of SGD goes with one over its square."""
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(300, FEATURES, generator=generator)
    targets = inputs @ torch.randn(FEATURES, 1, generator=generator)
    model = nn.Linear(FEATURES, 1, bias=False)
    nn.init.zeros_(model.weight)
    scaled = inputs * scale
    return model, (scaled[:240], targets[:240]), (scaled[240:], targets[240:])


@pytest.mark.parametrize(("scale", "low", "high"), [(1e-2, 100, 1e5), (300, 1e-8, 1e-5)])
def test_the_range_is_extended(scale, low, high):
    """The search starts with rates of 1e-5 to 10; the best one of a quadratic lies just below its cliff."""
    result = find(*linear_regression(scale), loss=mse, optimizer="sgd", steps=600)
    assert result.status in ("found", "edge")
    assert low < result.lr < high
    tried = result.trials[result.trials.kind != "range"].lr
    assert tried.max() > 10 or tried.min() < 1e-5


def test_a_best_rate_further_out_is_an_edge():
    result = find(*linear_regression(1e-4), loss=mse, optimizer="sgd", steps=600)
    assert result.status == "edge"
    assert "it may be further out" in result.message
    assert result.lr > 100


@pytest.mark.parametrize("steps", [1, 2, 7, 30, 100, 150])
def test_runs_that_are_too_short_say_so(steps):
    result = find(steps=steps)
    assert result.status == "inconclusive"
    assert sum(result.cost.steps.values()) <= steps
    sentences = [reason for reason in result.reasons if "is too short for a budget of 1" in reason]
    assert len(sentences) == 1
    advised = float(sentences[0].split("A budget of ")[1].removesuffix(" would do."))
    assert advised * steps >= 500


def test_the_advised_budget_does():
    result = find(steps=100, budget=5.0)
    assert not any("too short" in reason for reason in result.reasons)
    assert result.status == "found"


def test_a_budget_that_buys_nothing():
    result = find(budget=0.01)
    assert (result.status, result.lr) == ("inconclusive", None)
    assert result.message == "The budget is too small to measure anything."
    assert result.cost.run_equivalents == 0
    assert len(result.trials) == 0


@pytest.mark.parametrize("budget", [2.0, 3.5])
def test_from_a_budget_of_two_on_the_answer_is_confirmed_at_full_length(budget):
    result = find(budget=budget)
    whole = result.trials[result.trials.steps == 300]
    assert list(whole.kind) == ["confirm"]
    assert list(whole.lr) == [result.lr]
    assert list(whole.seed) == [1]
    assert any(
        reason.startswith(f"A confirmation at {result.lr:.3g} for 300 steps") for reason in result.reasons
    )
    assert sum(result.cost.steps.values()) <= budget * 300
    assert result.status == "found"


def test_below_a_budget_of_two_nothing_is_trained_for_the_full_length():
    assert find(budget=1.9).trials.steps.max() < 300


def test_a_confirmation_that_fails_is_not_hidden(monkeypatch):
    """All probes train, and the one run of full length does not."""
    module = sys.modules["rightrate.finder.session"]

    class Failing(module.Driver):
        def run(self, action):
            trials = super().run(action)
            if action.steps < 300:
                return trials
            return tuple(Trial(**{**vars(trial), "metrics": {"loss": np.nan}}) for trial in trials)

    monkeypatch.setattr(module, "Driver", Failing)
    result = find(budget=2.0)
    assert result.status == "inconclusive"
    assert f"A confirmation at {result.lr:.3g} for 300 steps ended at NaN." in result.reasons


@pytest.mark.parametrize("budget", [0.3, 1.0, 2.0, 2.05])
@pytest.mark.parametrize("steps", [90, 300])
def test_the_budget_is_kept(steps, budget):
    result = find(steps=steps, budget=budget)
    assert sum(result.cost.steps.values()) <= budget * steps
    assert result.cost.run_equivalents <= budget


# Losses of any size and sign


def precise(change, **settings):
    """Search in double precision under a changed loss, with an optimizer that scaling leaves alone."""
    (inputs, classes), (held, held_classes) = train(), valid()
    return find(
        mlp().double(),
        (inputs.double(), classes),
        (held.double(), held_classes),
        loss=lambda output, target: change(cross_entropy(output, target)),
        optimizer_options={"eps": 1e-30},
        **settings,
    )


@pytest.fixture(scope="module")
def unchanged():
    return precise(lambda loss: loss)


@pytest.mark.parametrize(
    "change",
    [
        lambda loss: loss - 100,
        lambda loss: loss + 1000,
        lambda loss: loss * 1e6,
        lambda loss: loss * 1e-6,
        lambda loss: loss * 2.0**20 - 3.0,
    ],
)
def test_the_size_and_sign_of_the_loss_do_not_matter(change, unchanged):
    result = precise(change)  # answers are rounded to three digits, so a last bit can move the last one
    assert result.lr == pytest.approx(unchanged.lr, rel=3e-3)
    assert result.low == pytest.approx(unchanged.low, rel=3e-3)
    assert result.high == pytest.approx(unchanged.high, rel=3e-3)
    assert (result.status, result.max_stable) == (unchanged.status, unchanged.max_stable)


def test_a_loss_scaled_by_a_power_of_two_has_the_very_same_answer(unchanged):
    # The level of having learned nothing is fitted, so only what does not depend on it is bit-identical.
    result = precise(lambda loss: loss * 2.0**20)
    ratios = np.array(result.trials.loss[1:]) / np.array(unchanged.trials.loss[1:])
    assert set(ratios) == {2.0**20}
    assert result.lr == unchanged.lr


# Models that are easily spoiled


class Shared(nn.Module):
    """The same module and the same weights in two places."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(FEATURES, FEATURES)
        self.again = self.inner
        self.last = nn.Linear(FEATURES, 3)
        self.tied = nn.Linear(FEATURES, 3)
        self.tied.weight = self.last.weight

    def forward(self, inputs):
        hidden = self.again(self.inner(inputs).relu()).relu()
        return self.last(hidden) + self.tied(hidden)


def rates_alone(model, result):
    """Return what the members of the first rung reached, and what each reaches trained alone."""
    task = rr.Task(
        model=model, train=train(), valid=valid(), loss=cross_entropy, training=rr.Training(batch_size=BATCH)
    )
    first = [trial for trial in result.record.trials if trial.rung == 0]
    reached = []
    for trial in first:
        alone = SerialPopulation(prepare(task, "adamw").setup(0), 1)
        alone.advance(np.full((trial.steps, 1), trial.lr))
        reached.append(alone.evaluate()["loss"][0])
    return [trial.metrics["loss"] for trial in first], reached


@pytest.mark.parametrize("engine", ["serial", "auto"])
@pytest.mark.parametrize(
    "build",
    [Shared, lambda: nn.Sequential(nn.ReLU(inplace=True), mlp())],
    ids=["shared", "in place"],
)
def test_members_do_not_spoil_each_other(build, engine):
    torch.manual_seed(0)
    model = build()
    result = find(model, engine=engine)
    assert result.lr is not None
    together, alone = rates_alone(model, result)
    assert together == pytest.approx(alone, rel=1e-3)


def test_tied_weights_stay_tied():
    torch.manual_seed(0)
    model = Shared()
    find(model, steps=60)
    assert model.tied.weight is model.last.weight
    assert model.again is model.inner
