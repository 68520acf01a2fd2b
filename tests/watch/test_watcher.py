"""The promises: it never breaks a run, changes nothing it need not, and counts what was applied."""

import json
import logging
import random
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim import LBFGS, SGD, Adam

import rightrate as rr
from rightrate.errors import ConfigError
from rightrate.watch import Acting, Measure, TrainingStoppedError, Watch
from tests.watch.loops import loss_of, network, quiet, same, train, weights


def random_states() -> tuple[Any, ...]:
    return torch.get_rng_state().tolist(), random.getstate(), str(np.random.get_state())


@pytest.mark.parametrize("mode", ["observe", "advise", "act"])
@pytest.mark.parametrize("before", [False, True])
def test_weights_and_random_states_are_those_of_the_bare_loop(mode: Any, before: bool) -> None:
    ends = []
    for watched in (False, True):
        model = network()
        optimizer = Adam(model.parameters(), lr=1e-3)
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 150)
        if watched:
            with quiet(optimizer, model=model, mode=mode, total_steps=150) as w:
                train(model, optimizer, 150, w=w, scheduler=scheduler, before=before)
            assert (w.acts, w.notes, w.step) == ([], [], 150)
        else:
            train(model, optimizer, 150, scheduler=scheduler)
        slots = [value for state in optimizer.state.values() for value in state.values()]
        ends.append(([*weights(model), *slots], random_states()))
    assert same(ends[0][0], ends[1][0])
    assert ends[0][1] == ends[1][1]


def test_it_leaves_no_trace_behind() -> None:
    model = network()
    optimizer = SGD(model.parameters(), lr=0.1)
    before = (
        set(vars(optimizer)),
        set(optimizer.param_groups[0]),
    )
    with quiet(optimizer, model=model, mode="act") as w:
        assert optimizer._optimizer_step_pre_hooks
        train(model, optimizer, 5, w=w)
    w.close()
    assert not optimizer._optimizer_step_pre_hooks
    assert not optimizer._optimizer_step_post_hooks
    assert (set(vars(optimizer)), set(optimizer.param_groups[0])) == before
    train(model, optimizer, 5)
    assert w.step == 5


class Broken:
    """Fails at whatever it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        def fails(*args: Any, **kwargs: Any) -> Any:
            self.asked += 1
            raise RuntimeError(f"{name} is broken")

        return fails

    def __len__(self) -> int:
        raise RuntimeError("its length is broken")


def parts() -> dict[str, Callable[[Watch, Any], None]]:
    """Return, for each part of a watcher, what puts a broken one in its place."""

    def of(owner: Callable[[Watch], Any], name: str) -> Callable[[Watch, Any], None]:
        return lambda w, broken: setattr(owner(w), name, broken)

    stepping, feed = (lambda w: w._stepping), (lambda w: w._feed)
    return {
        "rows": of(stepping, "rows"),
        "editors": of(stepping, "editors"),
        "sampler": of(stepping, "_sampler"),
        "mender of the steps": of(stepping, "_mender"),
        "the gate": lambda w, broken: setattr(w._mender._skips, "_gate", broken),
        "the shelf": lambda w, broken: setattr(w._mender, "_shelf", broken),
        "the judge": of(feed, "judge"),
        "the log": of(feed, "log"),
        "a sink": lambda w, broken: feed(w).add_sink(broken),
    }


@pytest.mark.parametrize("part", parts())
def test_no_fault_reaches_training_and_each_is_noted_once(
    part: str, caplog: pytest.LogCaptureFixture
) -> None:
    plain = network()
    expected = train(plain, SGD(plain.parameters(), lr=0.1), 70)
    model = network()
    optimizer = SGD(model.parameters(), lr=0.1)
    broken = Broken()
    with caplog.at_level(logging.WARNING, "rightrate.watch"):
        with quiet(optimizer, model=model, mode="act") as w:
            parts()[part](w, broken)
            found = train(model, optimizer, 70, w=w)
            w.validate(0.5)
        assert broken.asked > 0
    assert same(found, expected)
    assert optimizer.param_groups[0]["lr"] == 0.1
    assert w.notes
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == len(set(said)) == len(w.notes)
    assert any("is broken" in note.text for note in w.notes)


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        (torch.ones(2), "a loss is one number, this one has 2"),
        ("much", "could not convert string to float"),
        (None, "float"),
    ],
)
def test_a_loss_that_is_none_is_noted(loss: object, reason: str) -> None:
    with quiet(None) as w:
        w.observe(loss)
        w.observe(loss)
        w.validate(loss if not isinstance(loss, Tensor) else "much")
        w.record(step=0, loss=0.1, lr="high")  # type: ignore[arg-type]
    assert reason in w.notes[0].text
    assert [note.place for note in w.notes] == ["observe", "validate", "record"]


def test_an_error_whose_text_fails_is_noted_too() -> None:
    class NastyError(Exception):
        def __str__(self) -> str:
            raise ValueError

    class Loss:
        def __float__(self) -> float:
            raise NastyError

    with quiet(None) as w:
        w.observe(Loss())
    assert w.notes[0].text == "NastyError: its text cannot be shown (ValueError)"


def test_accumulated_batches_count_once_with_their_mean() -> None:
    weight = nn.Parameter(torch.zeros(1))
    optimizer = SGD([weight], lr=0.1)
    with quiet(optimizer) as w:
        for step in range(8):
            for loss in (1.0, 2.0, 3.0):
                w.observe(loss + step)
            weight.grad = torch.ones(1)
            optimizer.step()
    assert w.step == 8
    assert [point.mean for point in w._feed.log.curves["loss"].points()] == [2.0 + step for step in range(8)]


def test_losses_without_a_step_are_noted_and_not_kept_for_ever() -> None:
    optimizer = SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    with quiet(optimizer) as w:
        for _ in range(3000):
            w.observe(1.0)
        (note,) = w.notes
        assert note.text.startswith(
            "RuntimeError: 1,024 losses were observed without a step of the optimizer"
        )
        assert len(w._stepping.rows._open) == 1024
        optimizer.step()
        w.observe(3.0)
    assert w.step == 1


@pytest.mark.parametrize("before", [False, True])
def test_a_loss_stands_at_its_step(before: bool) -> None:
    weight = nn.Parameter(torch.zeros(1))
    optimizer = SGD([weight], lr=0.1)
    with quiet(optimizer) as w:
        for step in range(40):
            if before:
                w.observe(float(step))
            weight.grad = torch.ones(1)
            optimizer.step()
            if not before:
                w.observe(float(step))
    assert [(p.step, p.mean) for p in w._feed.log.curves["loss"].points()] == [(s, s) for s in range(40)]


def test_two_optimizers_and_several_groups() -> None:
    one, two = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    three = nn.Parameter(torch.ones(2))
    first = SGD([{"params": [one]}, {"params": [three], "lr": 0.01}], lr=0.1)
    second = Adam([two], lr=0.2)
    rows = []
    with quiet([first, second]) as w:
        take = w._feed.take
        w._feed.take = lambda taken: (rows.extend(row.rates for row, _ in taken), take(taken))  # type: ignore[assignment]
        for step in range(12):
            for optimizer in (first, second) if step % 2 == 0 else (first,):
                optimizer.zero_grad()
                (one.sum() * two.sum() * three.sum()).backward()
                optimizer.step()
            w.observe(1.0)
    assert w.step == 12
    assert rows == [(0.1, 0.01, 0.2)] * 12
    assert not w.notes


def test_a_closure_is_evaluated_as_often_as_without() -> None:
    ends = []
    for watched in (False, True):
        model = nn.Linear(8, 3)
        with torch.no_grad():
            for tensor in model.parameters():
                tensor.fill_(0.01)
        optimizer = LBFGS(model.parameters(), lr=0.5, max_iter=4)
        calls = []

        def closure(model: nn.Module = model, optimizer: Any = optimizer, calls: list[int] = calls) -> Tensor:
            calls.append(1)
            optimizer.zero_grad()
            loss = loss_of(model)
            loss.backward()
            return loss

        w = quiet(optimizer, model=model, mode="act", measure=Measure(gradients_every=2))
        if watched:
            with w:
                for _ in range(4):
                    w.observe(optimizer.step(closure))
            assert (w.step, w.acts, w.notes) == (4, [], [])
            assert w._feed.log.curves["gradient_norm"].points()
        else:
            for _ in range(4):
                optimizer.step(closure)
        ends.append((weights(model), len(calls)))
    assert ends[0][1] == ends[1][1]
    assert same(ends[0][0], ends[1][0])


@pytest.mark.parametrize("fused", [False, True])
def test_a_step_that_the_scaler_left_out_does_not_count(fused: bool) -> None:
    weight = nn.Parameter(torch.ones(4))
    optimizer = Adam([weight], lr=0.1, fused=fused)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    with quiet(optimizer) as w:
        for step in range(10):
            optimizer.zero_grad()
            factor = float("inf") if step in (3, 4) else 1.0
            scaler.scale((weight * factor).sum()).backward()
            scaler.step(optimizer)
            scaler.update()
            w.observe(1.0)
    assert w.step == 8
    assert int(optimizer.state[weight]["step"]) == 8
    assert not w.notes


def test_gradients_under_a_fused_optimizer_are_those_without_the_scale() -> None:
    weight = nn.Parameter(torch.ones(4))
    optimizer = Adam([weight], lr=0.1, fused=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    with quiet(optimizer) as w:
        for _ in range(2):
            optimizer.zero_grad()
            scaler.scale(weight.sum()).backward()
            scaler.step(optimizer)
            scaler.update()
            w.observe(1.0)
    assert [point.mean for point in w._feed.log.curves["gradient_norm"].points()] == [2.0, 2.0]


def test_a_step_of_a_class_that_calls_its_parent_counts_once() -> None:
    class Child(SGD):
        def step(self, closure: Any = None) -> Any:
            return super().step(closure)

    SGD([nn.Parameter(torch.ones(1))], lr=0.1)  # from here on the parent's step has hooks, too
    model = network()
    optimizer = Child(model.parameters(), lr=0.1)
    with quiet(optimizer) as w:
        train(model, optimizer, 7, w=w)
    assert w.step == 7


@pytest.mark.slow
def test_a_compiled_model_is_watched_like_another() -> None:
    model = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 3))
    optimizer = SGD(model.parameters(), lr=0.1)
    compiled = torch.compile(model, backend="eager")
    with quiet(optimizer, model=compiled, mode="act", total_steps=40) as w:
        train(compiled, optimizer, 40, w=w)  # type: ignore[arg-type]
    assert (w.step, w.notes, w.acts) == (40, [], [])


def test_bounded_memory_over_a_million_steps() -> None:
    w = quiet(None)
    w._feed.judge.look = lambda block: []  # type: ignore[method-assign,assignment]
    with w:
        for step in range(1_000_000):
            w.record(step=step, loss=1.0 / (step + 1), lr=0.1)
    assert len(json.dumps(w.view().to_dict())) < 200_000
    assert len(json.dumps(w.state_dict())) < 200_000
    assert len(w._feed.log.curves["loss"].points()) <= 513
    assert w.step == 1_000_000


def test_what_it_remembers_of_a_broken_run_is_bounded() -> None:
    weight = nn.Parameter(torch.zeros(1))
    optimizer = SGD([weight], lr=0.1)
    with quiet(optimizer, mode="act", acting=Acting(rescues=1)) as w:
        for step in range(3000):
            optimizer.param_groups[0]["lr"] = 0.1 + 1e-6 * step
            weight.grad = torch.full((1,), float("nan"))
            optimizer.step()
            w.observe(float("nan"))
    assert len(w.acts) == 1000
    assert len(w.edits) == 200
    assert w.should_stop
    assert sys.getsizeof(json.dumps(w.state_dict())) < 1_000_000


def test_resumed_state_is_plain_json() -> None:
    model = network()
    optimizer = SGD(model.parameters(), lr=0.1)
    with quiet(optimizer, total_steps=80) as w:
        train(model, optimizer, 40, w=w)
        state: Mapping[str, Any] = json.loads(json.dumps(w.state_dict()))
    again = quiet(optimizer, total_steps=80)
    again.load_state_dict(state)
    with again:
        train(model, optimizer, 40, w=again)
    assert again.step == 80
    assert [point.step for point in again._feed.log.curves["loss"].points()] == list(range(80))


def test_a_state_of_something_else_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"load_state_dict\(state\) must be what state_dict\(\) returned"):
        quiet(None).load_state_dict({"epoch": 3})


def test_stopping_is_a_flag_or_an_exception_if_asked() -> None:
    for stop in ("flag", "raise"):
        weight = nn.Parameter(torch.zeros(1))
        optimizer = SGD([weight], lr=0.1)
        with quiet(optimizer, mode="act", acting=Acting(rescues=0, stop=stop)) as w:
            raised = 0
            for _ in range(10):
                weight.grad = torch.full((1,), float("nan"))
                optimizer.step()
                try:
                    w.observe(1.0)
                except TrainingStoppedError as error:
                    raised += 1
                    assert "all 0 rescues are spent" in str(error)  # noqa: PT017
        assert w.should_stop
        assert bool(raised) is (stop == "raise")


def test_the_verb_is_there_whatever_was_imported_before() -> None:
    import rightrate.watch.rows
    from rightrate.watch import watch

    assert callable(rr.watch)
    assert callable(rightrate.watch)
    assert isinstance(rr.watch(None, console=False), Watch)
    assert isinstance(watch(None, console=False), Watch)
