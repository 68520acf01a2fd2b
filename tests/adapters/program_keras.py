"""Keras, on the backend that the environment names: run by `test_keras.py`, in a process for each."""

import keras
import numpy as np
import pytest
import torch
from keras import ops
from tests.adapters.spies import BROKEN, INPUTS, TARGETS, broken_from_the_start, curve, faults, losses, rates

import rightrate as rr
from rightrate.adapters.keras import WatchCallback
from rightrate.errors import ConfigError, DataError, ModelError
from rightrate.population.own_step import OwnStepPopulation
from rightrate.population.prepare import prepare
from rightrate.schedules import Cosine
from rightrate.tasks.adapted import Asked, adapted

pytestmark = [
    # Of Keras's own code, where NumPy is newer than it.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword"),
]

X, Y = INPUTS.numpy(), TARGETS.numpy()


@keras.saving.register_keras_serializable()
class Spy(keras.optimizers.Optimizer):
    """Plain gradient descent that writes down the rate inside its update."""

    def __init__(self, learning_rate=0.1, name="spy", **settings):
        super().__init__(learning_rate=learning_rate, name=name, **settings)

    def build(self, variables):
        if not self.built:
            super().build(variables)
            self.applied = self.add_variable((64,), name="applied")

    def update_step(self, gradient, variable, learning_rate):
        here = ops.cast(ops.arange(64) == ops.cast(self.iterations, "int32"), "float32")
        self.applied.assign(self.applied * (1 - here) + here * learning_rate)
        self.assign_sub(variable, ops.cast(learning_rate, variable.dtype) * gradient)


def model_of(optimizer=None, layers=()):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), *layers, keras.layers.Dense(1)])
    model.compile(optimizer or Spy(Cosine(peak=0.1, total_steps=12).keras()), "mse", metrics=["mae"])
    return model


def fit(model, *callbacks, epochs=2, **settings):
    x, y = X[:50], Y[:50]  # the last batch is smaller than the others
    given = {"batch_size": 8, "epochs": epochs, "shuffle": False, "verbose": 0, **settings}
    return model.fit(x, y, callbacks=list(callbacks), **given)


def array(variable):
    return np.array(ops.convert_to_numpy(variable.value))


def alone():
    """Return the losses of the batches, from a loop of one's own."""
    model = model_of()
    told = []
    for _ in range(2):
        for start in range(0, 50, 8):
            model.reset_metrics()
            here = slice(start, min(50, start + 8))
            logs = model.train_on_batch(X[here], Y[here], return_dict=True)
            told.append(float(logs["loss"]))
    return told


def test_the_rates_and_losses_that_are_shown_are_those_that_were():
    model, callback = model_of(), WatchCallback(console=False)
    history = fit(model, callback, validation_data=(X[50:], Y[50:]))
    applied = array(model.optimizer.applied)[:14]
    assert rates(callback.watch) == pytest.approx(applied, rel=1e-6)
    assert applied[3] == pytest.approx(Cosine(peak=0.1, total_steps=12)(3), rel=1e-6)
    assert losses(callback.watch) == pytest.approx(alone(), rel=1e-4)
    assert list(curve(callback.watch, "validation").values()) == pytest.approx(history.history["val_loss"])
    assert callback.watch.settings.total_steps == 14
    assert callback.notes == []


def test_a_rate_that_is_set_on_the_way_is_shown():
    model, callback = model_of(Spy(0.1)), WatchCallback(console=False)
    later = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.1 if epoch == 0 else 0.02)
    fit(model, later, callback)
    assert rates(callback.watch) == pytest.approx(array(model.optimizer.applied)[:14], rel=1e-6)
    assert rates(callback.watch) == pytest.approx([0.1] * 7 + [0.02] * 7, rel=1e-6)


def test_several_steps_in_one_execution_are_one_mean_and_all_counted():
    together = 1 if keras.backend.backend() == "torch" else 3  # on torch Keras takes nothing else

    def run(*callbacks):
        model = model_of(keras.optimizers.SGD(0.1))
        model.compile(model.optimizer, "mse", steps_per_execution=together)
        fit(model, *callbacks)
        return array(model.layers[0].kernel)

    callback = WatchCallback(console=False)
    assert np.array_equal(run(), run(callback))
    assert callback.watch.step == 14
    assert rates(callback.watch) == pytest.approx([0.1] * (14 if together == 1 else 6))
    assert callback.notes == []


def test_weights_are_those_of_the_bare_run():
    bare, watched = model_of(), model_of()
    fit(bare)
    fit(watched, WatchCallback(console=False))
    assert np.array_equal(array(bare.layers[0].kernel), array(watched.layers[0].kernel))


def test_a_resumed_run_goes_on_with_its_watcher(tmp_path):
    model, first = model_of(Spy(0.1)), WatchCallback(console=False)
    fit(model, first, epochs=1)
    path = tmp_path / "model.keras"
    model.save(path)
    again = keras.models.load_model(path, custom_objects={"Spy": Spy})
    second = WatchCallback(console=False)
    second.load_state_dict(first.state_dict())
    fit(again, second, epochs=1)
    assert list(curve(second.watch, "lr")) == list(range(14))


def test_a_run_that_is_to_stop_stops(monkeypatch):
    model, callback = model_of(), WatchCallback(console=False)
    monkeypatch.setattr(type(callback._attached), "should_stop", property(lambda self: self.watch.step == 3))
    fit(model, callback)
    assert callback.watch.step == 3


def test_nothing_of_the_watcher_raises_into_training(monkeypatch):
    bare, watched, callback = model_of(), model_of(), WatchCallback(console=False)
    broken_from_the_start(monkeypatch, callback)
    fit(bare)
    fit(watched, callback)
    assert np.array_equal(array(bare.layers[0].kernel), array(watched.layers[0].kernel))
    assert faults(callback) == BROKEN


# find


def population_of(model, size=2):
    task = adapted(Asked(model=model, train=(X, Y), valid=(X, Y), batch_size=16))[0]
    return OwnStepPopulation(prepare(task, task.info.optimizer).setup(0), size), task


def test_a_member_takes_the_steps_that_the_model_takes_itself():
    batch_norm = [keras.layers.Dense(3), keras.layers.BatchNormalization(), keras.layers.Dropout(0.2)]
    model = model_of(keras.optimizers.Adam(0.01), batch_norm)
    population, task = population_of(model)
    table = np.array([[0.01, 0.0], [0.05, 0.001], [0.02, 0.01]])
    trained = population.advance(table)
    alone = model_of(keras.optimizers.Adam(0.01), batch_norm)
    alone.set_weights(model.get_weights())
    stream = prepare(task, task.info.optimizer).train.stream(0)
    for row, rate in enumerate(table[:, 0]):
        x, y = (part.numpy() for part in next(stream))
        alone.optimizer.learning_rate.assign(rate)
        alone.reset_metrics()
        loss = float(alone.train_on_batch(x, y, return_dict=True)["loss"])
        assert trained[row, 0] == pytest.approx(loss, rel=1e-5)
    judged = float(keras.losses.MeanSquaredError()(Y, alone.predict_on_batch(X)))
    assert population.evaluate()["loss"][0] == pytest.approx(judged, rel=1e-4)


def test_a_population_is_exact_under_splitting_and_its_forks_are_independent():
    whole, _ = population_of(model_of(keras.optimizers.Adam(0.01)))
    table = np.array([[0.01, 0.3]] * 20)
    split = whole.take([0, 1])
    before = split.take([0, 1])
    told = whole.advance(table)
    assert np.array_equal(np.concatenate([split.advance(table[:7]), split.advance(table[7:])]), told)
    assert np.array_equal(before.advance(table), told)
    saved = whole.state_dict()
    expected = whole.advance(table)
    before.load_state_dict(saved)
    assert np.array_equal(before.advance(table), expected)


def test_a_member_that_diverges_is_nan_from_there_on_and_keeps_its_weights():
    population, _ = population_of(model_of(Spy(0.1)))
    table = np.tile([0.01, 1e30], (6, 1))
    told = population.advance(table)
    assert np.isfinite(told[:, 0]).all()
    first = int(np.argmax(~np.isfinite(told[:, 1])))
    assert first >= 1
    assert np.isnan(told[first:, 1]).all()
    assert population.alive == (True, False)


def test_find_answers_in_the_terms_of_keras():
    model = model_of(keras.optimizers.SGD(0.01))
    weights = [value.copy() for value in model.get_weights()]
    result = rr.find(model, (X, Y), (X, Y), steps=64, schedule="linear")
    assert result.lr > 0
    assert result.record.settings.optimizer == "keras.SGD"
    assert "framework's own training step" in result.provenance.engine
    line = f'model.optimizer.learning_rate = parse("linear(64)", lr={result.lr!r}).keras()'
    assert result.code().endswith(line)
    built = result.build(model)
    model.compile(built, "mse")
    assert float(ops.convert_to_numpy(built.learning_rate)) == pytest.approx(result.lr, rel=1e-6)
    for before, after in zip(weights, model.get_weights(), strict=True):
        assert np.array_equal(before, after)


def test_the_schedule_a_model_was_compiled_with_is_that_of_the_search():
    decay = keras.optimizers.schedules.CosineDecay(0.3, 40)
    task, *_, schedule = adapted(Asked(model=model_of(keras.optimizers.SGD(decay)), train=(X, Y)))
    assert schedule == Cosine(peak=1.0, total_steps=40)
    assert "{schedule}" in task.info.setting


@pytest.mark.parametrize(
    ("loss", "last"),
    [
        ("sparse_categorical_crossentropy", "softmax"),
        (keras.losses.SparseCategoricalCrossentropy(from_logits=True), None),
    ],
)
def test_losses_are_those_of_keras_and_have_its_gradients(loss, last):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation=last)])
    model.compile("sgd", loss)
    classes = np.arange(64) % 3
    task = adapted(Asked(model=model, train=(X, classes), valid=(X, classes)))[0]
    scores = task.model(torch.from_numpy(X)).requires_grad_()
    value = task.loss(scores, torch.from_numpy(classes))
    plain = torch.nn.functional.cross_entropy(scores, torch.from_numpy(classes))
    assert value.item() == pytest.approx(plain.item(), rel=1e-5)
    (slope,), (expected,) = torch.autograd.grad(value, scores), torch.autograd.grad(plain, scores)
    assert torch.allclose(slope, expected, atol=1e-6)
    assert value.item() == pytest.approx(model.test_on_batch(X, classes), rel=1e-5)


def test_a_model_that_cannot_be_copied_is_refused():
    class Unknown(keras.layers.Dense):
        pass

    model = model_of(layers=[Unknown(2)])
    with pytest.raises(ModelError, match=r"find\(model=\.\.\.\) must be a Keras model that can be saved and"):
        rr.find(model, (X, Y))


def test_what_a_search_cannot_follow_is_refused():
    bare = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    with pytest.raises(ConfigError, match=r"find\(model=\.\.\.\) must be a compiled Keras model"):
        rr.find(bare, (X, Y))
    with pytest.raises(DataError, match=r"find\(train=\.\.\.\) must be given beside a Keras model"):
        rr.find(model_of())
    with pytest.raises(ConfigError, match=r"find\(optimizer=\.\.\.\) must be left out .* got 'adam'"):
        rr.find(model_of(), (X, Y), (X, Y), optimizer="adam", steps=10, schedule="constant")
    with pytest.raises(DataError, match=r"must be a pair \(x, y\) of arrays"):
        rr.find(model_of(), (X, Y, Y))
