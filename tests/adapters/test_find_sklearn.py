import numpy as np
import pytest
import torch
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, Perceptron, SGDClassifier, SGDRegressor
from sklearn.metrics import hinge_loss, log_loss, mean_squared_error
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import rightrate as rr
from rightrate.errors import ConfigError, DataError, EngineError
from rightrate.population.own_step import OwnStepPopulation
from rightrate.population.prepare import prepare
from rightrate.tasks.adapted import Asked, adapted

DRAWS = np.random.default_rng(0)
X = DRAWS.normal(size=(160, 5))
Y = X @ np.array([1.0, -2.0, 0.5, 0.0, 1.0])
BINARY = np.where(Y > 0, "yes", "no")
NETWORK = MLPRegressor(hidden_layer_sizes=(5,), solver="sgd", activation="identity")
CLASSES = np.digitize(Y, [-1.0, 1.0]) * 10


def task_of(estimator, targets, **given):
    return adapted(Asked(model=estimator, train=(X, targets), valid=(X, targets), **given))[0]


def population_of(estimator, targets, size=2, **given):
    task = task_of(estimator, targets, **given)
    return OwnStepPopulation(prepare(task, task.info.optimizer).setup(0), size), task


def batches_of(task, count):
    stream = prepare(task, task.info.optimizer).train.stream(0)
    return [tuple(part.numpy() for part in next(stream)) for _ in range(count)]


def test_a_member_of_sgd_takes_the_steps_of_partial_fit() -> None:
    population, task = population_of(SGDRegressor(alpha=0.01, learning_rate="constant"), Y, batch_size=16)
    population.advance(np.array([[0.01, 0.0], [0.02, 0.0], [0.005, 0.0]]))
    alone = SGDRegressor(alpha=0.01, learning_rate="constant", shuffle=False)
    for (inputs, targets), rate in zip(batches_of(task, 3), (0.01, 0.02, 0.005), strict=True):
        alone.set_params(eta0=rate).partial_fit(inputs, targets)
    judged = population.evaluate()["loss"]
    assert judged[0] == pytest.approx(mean_squared_error(Y, alone.predict(X)) / 2, rel=1e-12)
    assert judged[1] == pytest.approx((Y**2).mean() / 2, rel=1e-12)  # a rate of 0 is no step


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_member_of_a_network_takes_the_steps_of_partial_fit(solver) -> None:
    settings = {"hidden_layer_sizes": (6,), "solver": solver, "random_state": 3, "learning_rate_init": 0.01}
    population, task = population_of(MLPRegressor(**settings, batch_size=16), Y)
    told = population.advance(np.full((5, 2), 0.01))
    alone = MLPRegressor(**settings, batch_size=16, shuffle=False)
    for row, (inputs, targets) in enumerate(batches_of(task, 5)):
        alone.partial_fit(inputs, targets)
        assert told[row] == pytest.approx([alone.loss_] * 2, rel=1e-12)
    assert population.evaluate()["loss"] == pytest.approx([mean_squared_error(Y, alone.predict(X)) / 2] * 2)


@pytest.mark.parametrize(
    ("estimator", "targets"),
    [
        (SGDClassifier(), CLASSES),
        (SGDRegressor(), Y),
        (MLPClassifier((5,)), CLASSES),
        (NETWORK, Y),
    ],
)
def test_a_population_is_exact_under_splitting_and_its_forks_are_independent(estimator, targets) -> None:
    whole, _ = population_of(estimator, targets, batch_size=16)
    table = np.tile([0.001, 0.01], (20, 1))
    split, fork = whole.take([0, 1]), whole.take([1, 1])
    told = whole.advance(table)
    assert np.array_equal(np.concatenate([split.advance(table[:3]), split.advance(table[3:])]), told)
    assert np.array_equal(fork.advance(table[:, [1, 1]]), told[:, [1, 1]])
    saved = whole.state_dict()
    later = whole.advance(table)
    split.load_state_dict(saved)
    assert np.array_equal(split.advance(table), later)
    with pytest.raises(ConfigError, match=r"must be the state of a population with 2 members .* 0 members"):
        split.load_state_dict({})


@pytest.mark.parametrize("estimator", [SGDRegressor(), NETWORK])
def test_a_member_that_diverges_is_nan_from_there_on_and_keeps_its_weights(estimator) -> None:
    population, _ = population_of(estimator, Y, batch_size=16)
    told = population.advance(np.tile([1e-3, 1e200], (20, 1)))
    assert np.isfinite(told[:, 0]).all()
    first = int(np.argmax(np.isnan(told[:, 1])))
    assert np.isnan(told[first:, 1]).all()
    assert population.alive == (True, False)
    arrays = population.take([1]).state_dict()["members"]["0"]["model"]["arrays"]
    assert all(np.isfinite(array.numpy()).all() for array in arrays.values())


def test_losses_are_those_of_scikit_learn() -> None:
    for loss, expected in (
        ("hinge", lambda y, scores: hinge_loss(y, scores)),
        ("log_loss", lambda y, scores: log_loss(y, 1 / (1 + np.exp(-scores)))),
    ):
        task = task_of(SGDClassifier(loss=loss), BINARY)
        alone = SGDClassifier(loss=loss, shuffle=False).partial_fit(X, BINARY, classes=["no", "yes"])
        scores = alone.decision_function(X)
        targets = torch.from_numpy(np.searchsorted(["no", "yes"], BINARY))
        found = task.loss(torch.from_numpy(scores[:, None]), targets)
        assert found.item() == pytest.approx(expected(BINARY, scores), rel=1e-9)


@pytest.mark.parametrize(
    ("loss", "margin", "expected"),
    [
        ("squared_hinge", -1.0, 4.0),
        ("perceptron", -1.0, 1.0),
        ("modified_huber", -2.0, 8.0),
        ("modified_huber", 0.5, 0.25),
        ("huber", 3.0, 0.1 * 2 - 0.005),
        ("epsilon_insensitive", 3.0, 1.9),
        ("squared_epsilon_insensitive", 3.0, 1.9**2),
        ("squared_error", 3.0, 2.0),
    ],
)
def test_losses_by_hand(loss, margin, expected) -> None:
    task = task_of(SGDClassifier(loss=loss, epsilon=0.1), BINARY)  # of the class "yes", whose sign is 1
    found = task.loss(torch.tensor([[margin]], dtype=torch.float64), torch.tensor([1]))
    assert found.item() == pytest.approx(expected, rel=1e-12)


def test_find_answers_in_the_parameters_of_the_estimator() -> None:
    estimator = make_pipeline(StandardScaler(), SGDClassifier())
    result = rr.find(estimator, (X, BINARY), (X, BINARY), steps=60)
    expected = (
        f"estimator.set_params(sgdclassifier__eta0={result.lr!r}, sgdclassifier__learning_rate='constant')"
    )
    assert result.code() == expected
    assert any("makes up its rates by itself" in reason for reason in result.reasons)
    trained = result.build(estimator).fit(X, BINARY)
    assert trained[-1].eta0 == result.lr
    assert trained.score(X, BINARY) > 0.95
    assert estimator[-1].eta0 != result.lr
    assert not hasattr(estimator[-1], "coef_")


def test_a_network_is_asked_about_its_accuracy() -> None:
    estimator = MLPClassifier((8,), max_iter=30, batch_size=40)
    result = rr.find(estimator, (X, CLASSES), (X, CLASSES), objective="accuracy:max")
    assert result.record.settings.steps == 120
    assert result.code() == f"estimator.set_params(learning_rate_init={result.lr!r})"
    assert result.build(estimator).learning_rate_init == result.lr


@pytest.mark.parametrize(
    ("estimator", "sentence"),
    [
        (GradientBoostingRegressor(), "shrinkage"),
        (HistGradientBoostingClassifier(), "shrinkage"),
        (AdaBoostClassifier(), "shrinkage"),
        (RandomForestClassifier(), "not trained by steps along a gradient"),
        (LogisticRegression(), "SGDClassifier"),
        (Perceptron(), "only scales the weights"),
        (MLPClassifier(solver="lbfgs"), "line search"),
    ],
)
def test_an_estimator_without_a_learning_rate_gets_a_sentence(estimator, sentence) -> None:
    with pytest.raises(ConfigError, match=rf"must be an estimator with a learning rate, got .*{sentence}"):
        rr.find(estimator, (X, CLASSES))


def test_what_a_search_cannot_follow_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"SGDRegressor\(average=\.\.\.\) must be False, got True"):
        rr.find(SGDRegressor(average=True), (X, Y))
    with pytest.raises(ConfigError, match=r"find\(schedule=.* must be left out, or 'constant', got 'cosine'"):
        rr.find(SGDRegressor(), (X, Y), schedule="cosine")
    with pytest.raises(DataError, match=r"find\(train=\.\.\.\) must be a pair \(X, y\)"):
        rr.find(SGDRegressor(), X)
    with pytest.raises(DataError, match=r"of equal length, got '160 samples and 3 targets"):
        rr.find(SGDRegressor(), (X, Y[:3]))
    with pytest.raises(DataError, match=r"must be X of shape \(samples, features\), got \(160,\)"):
        rr.find(SGDRegressor(), (Y, Y))
    with pytest.raises(DataError, match=r"must be targets of two classes or more, got \['yes'\]"):
        rr.find(SGDClassifier(), (X, np.full(160, "yes")))
    with pytest.raises(DataError, match=r"of classes that the training data have, got .*maybe"):
        rr.find(SGDClassifier(), (X, BINARY), (X, np.full(160, "maybe")))
    with pytest.raises(EngineError, match=r"engine='stacked'\) cannot train SGDRegressor"):
        rr.find(SGDRegressor(), (X, Y), steps=30, engine="stacked")
    with pytest.raises(ConfigError, match=r"find\(training=\.\.\.\) must be a batch size alone"):
        rr.find(SGDRegressor(), (X, Y), steps=30, training=rr.Training(clip_norm=1.0))
