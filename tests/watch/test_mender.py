"""Acts: what is done, what it leaves as it was, and undoing it."""

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam, Optimizer

from rightrate.errors import ConfigError, StoreError
from rightrate.watch import Acting
from rightrate.watch.mender import Order
from rightrate.watch.snapshot import Run, Snapshot
from tests.watch.loops import INPUTS, loss_of, network, quiet, same, train, weights
from tests.watch.test_rates import SCHEDULERS


def ordered(w: Any, kind: Any, since: int = 10_000) -> None:
    w._mender.order(Order(kind=kind, reason="a test", since=since))


def slots(optimizer: Optimizer) -> list[Any]:
    return [value for state in optimizer.state.values() for value in state.values()]


def test_a_skipped_step_leaves_weights_and_step_counts_and_gives_gradients_back() -> None:
    model = network()
    optimizer = Adam(model.parameters(), lr=0.01)
    with quiet(optimizer, model=model, mode="act") as w:
        train(model, optimizer, 3, w=w)
        optimizer.zero_grad()
        loss = loss_of(model) * float("nan")
        loss.backward()
        before = [*weights(model), *[value.clone() for value in slots(optimizer)]]
        optimizer.step()
        w.observe(loss)
        assert same([*weights(model), *slots(optimizer)], before)
        assert all(tensor.grad is not None and tensor.grad.isnan().any() for tensor in model.parameters())
        train(model, optimizer, 3, w=w)
    assert w.step == 6
    assert [(act.kind, act.step) for act in w.acts] == [("skip", 3)]
    assert w.acts[0].reason == "the step was not taken: the gradient is not finite"
    assert [point.step for point in w._feed.log.curves["loss"].points()] == list(range(6))


def test_a_loss_that_is_seen_before_the_step_decides_too() -> None:
    weight = nn.Parameter(torch.ones(1))
    optimizer = SGD([weight], lr=0.1)
    with quiet(optimizer, mode="act") as w:
        for step in range(40):
            w.observe(1e3 if step == 30 else 1.0 + 0.01 * (step % 3))
            weight.grad = torch.ones(1)
            optimizer.step()
    assert [(act.kind, act.step) for act in w.acts] == [("skip", 30)]
    assert "the loss is 990 times its usual size" in w.acts[0].reason
    assert w.step == 39


def test_a_spike_of_the_gradient_is_skipped() -> None:
    weight = nn.Parameter(torch.ones(1))
    optimizer = SGD([weight], lr=0.001)
    with quiet(optimizer, mode="act") as w:
        for step in range(40):
            weight.grad = torch.full((1,), 1e4 if step == 30 else 1.0 + 0.1 * (step % 5))
            optimizer.step()
            w.observe(1.0)
    assert [(act.kind, act.step) for act in w.acts] == [("skip", 30)]


@pytest.mark.parametrize("keep", ["memory", "disk"])
@pytest.mark.parametrize("name", [*SCHEDULERS, "none"])
def test_a_roll_back_brings_everything_back(name: str, keep: str, tmp_path: Path) -> None:
    model = network()
    optimizer = Adam(model.parameters(), lr=0.1)
    scheduler = SCHEDULERS[name](optimizer) if name != "none" else None
    plateau = name == "ReduceLROnPlateau"
    folder = "memory" if keep == "memory" else str(tmp_path / "snapshots")
    acting = Acting(snapshot_steps=6, cut=0.5, keep=folder)
    with quiet(optimizer, model=model, mode="act", acting=acting) as w:
        kept: list[Any] = []
        for step in range(12):
            optimizer.zero_grad()
            loss_of(model, step).backward()
            if step == 11:
                ordered(w, "rollback", since=10)
            optimizer.step()
            if step == 5:
                at_six = weights(model), [value.clone() for value in slots(optimizer)], torch.get_rng_state()
                kept = [*at_six, dict(scheduler.state_dict()) if scheduler else None, random.getstate()]
            if scheduler is not None and step != 11:
                scheduler.step(1.0) if plateau else scheduler.step()
            w.observe(1.0)
        assert not w.notes
        assert [act.kind for act in w.acts] == ["rollback", "skip"]
        assert w.acts[0].after == {"multiplier": 0.5, "weights of step": 6}
        assert same(weights(model), kept[0])
        assert same(slots(optimizer), kept[1])
        assert torch.equal(torch.get_rng_state(), kept[2])
        assert random.getstate() == kept[4]
        if scheduler is not None:
            assert scheduler.state_dict()["_last_lr"] == kept[3]["_last_lr"]
            assert scheduler.state_dict().get("last_epoch") == kept[3].get("last_epoch")
        assert w.multiplier == 0.5
    assert keep == "memory" or list((tmp_path / "snapshots").glob("*.safetensors")) == []


def test_the_start_is_gone_back_to_where_nothing_later_is_good_and_the_cut_is_twofold() -> None:
    model = network()
    first = weights(model)
    optimizer = SGD(model.parameters(), lr=0.1)
    with quiet(optimizer, mode="act", acting=Acting(cut=0.5, snapshot_steps=5)) as w:
        train(model, optimizer, 12, w=w)
        ordered(w, "rollback", since=3)
        loss_of(model).backward()
        optimizer.step()
    trained = [tensor.detach() for tensor in model.parameters()]
    assert same(
        trained,
        [
            tensor
            for name, tensor in zip(model.state_dict(), first, strict=True)
            if name in dict(model.named_parameters())
        ],
    )
    assert w.acts[0].after["multiplier"] == 0.25
    assert w.step == 12


def test_going_back_twice_soon_goes_further_back() -> None:
    model = network()
    optimizer = SGD(model.parameters(), lr=0.1)
    with quiet(optimizer, mode="act", acting=Acting(snapshot_steps=10)) as w:
        train(model, optimizer, 35, w=w)
        for _ in range(2):
            ordered(w, "rollback")
            train(model, optimizer, 2, w=w)
        back = [act.after["weights of step"] for act in w.acts if act.kind == "rollback"]
    assert back == [30, 20]


def test_steps_around_a_failure_are_passed_over() -> None:
    model = network()
    optimizer = SGD(model.parameters(), lr=0.1)
    with quiet(optimizer, mode="act", acting=Acting(skip_steps=3)) as w:
        train(model, optimizer, 5, w=w)
        ordered(w, "rollback")
        train(model, optimizer, 6, w=w)
    assert [act.kind for act in w.acts] == ["rollback", *["skip"] * 4]
    assert w.step == 7


def test_after_the_last_rescue_it_stops() -> None:
    model = network()
    optimizer = SGD(model.parameters(), lr=0.1)
    with quiet(optimizer, mode="act", acting=Acting(rescues=2)) as w:
        for _ in range(4):
            ordered(w, "rollback")
            train(model, optimizer, 30, w=w)
    assert [act.kind for act in w.acts if act.kind != "skip"] == ["rollback", "rollback", "stop"]
    assert w.should_stop
    assert w.stop_reason == "a test; all 2 rescues are spent"


def test_every_act_can_be_undone() -> None:
    model = network()
    optimizer = SGD(model.parameters(), lr=0.1)
    with quiet(optimizer, model=model, mode="act", acting=Acting(cut=0.5, lower=0.1, snapshot_steps=5)) as w:
        train(model, optimizer, 12, w=w)
        assert w.undo() is None
        ordered(w, "lower")
        train(model, optimizer, 1, w=w)
        assert w.multiplier == pytest.approx(0.1)
        assert w.undo() is not None
        assert w.multiplier == 1.0
        ordered(w, "stop")
        train(model, optimizer, 1, w=w)
        assert w.should_stop
        undone = w.undo()
        assert undone is not None
        assert undone.kind == "undo"
        assert not w.should_stop
        broken = weights(model)
        optimizer.zero_grad()
        ordered(w, "rollback")
        optimizer.step()
        assert w.multiplier == 0.5
        assert not same(weights(model), broken)
        w.undo()
        assert w.multiplier == 1.0
        assert same(weights(model), broken)
    assert [act.kind for act in w.acts] == ["lower", "undo", "stop", "undo", "rollback", "skip", "undo"]


def test_a_skipped_step_can_be_taken_after_all() -> None:
    weight = nn.Parameter(torch.ones(1))
    optimizer = SGD([weight], lr=0.5)
    with quiet(optimizer, mode="act") as w:
        for step in range(31):
            weight.grad = torch.full((1,), 1e4 if step == 30 else 0.0001)
            optimizer.step()
            w.observe(1.0)
        value = weight.item()
        weight.grad = None
        assert w.undo() is not None
        assert weight.item() == pytest.approx(value - 0.5e4)
        assert weight.grad is None
        assert w.step == 31


def test_a_closure_is_never_skipped() -> None:
    model = nn.Linear(8, 3)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=2)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(INPUTS), torch.zeros(64, 3))
        loss.backward()
        return loss

    with quiet(optimizer, mode="act") as w:
        for _ in range(3):
            w.observe(optimizer.step(closure))
        ordered(w, "rollback")
        optimizer.step(closure)
    assert [act.kind for act in w.acts] == ["rollback"]
    assert not w.notes


def test_a_snapshot_that_is_gone_changes_nothing_and_is_noted(tmp_path: Path) -> None:
    model = network()
    optimizer = SGD(model.parameters(), lr=0.1)
    with quiet(optimizer, mode="act", acting=Acting(keep=str(tmp_path / "gone"))) as w:
        train(model, optimizer, 3, w=w)
        for path in (tmp_path / "gone").iterdir():
            path.unlink()
        ordered(w, "rollback")
        train(model, optimizer, 3, w=w)
    assert any("The snapshot of step 0 is gone" in note.text for note in w.notes)
    assert w.multiplier == 1.0


def test_a_snapshot_changes_nothing() -> None:
    model = network()
    optimizer = Adam(model.parameters(), lr=0.1)
    train(model, optimizer, 2)
    before = weights(model), torch.get_rng_state()
    Snapshot(Run(optimizers=(optimizer,), model=model), 2)
    assert same(weights(model), before[0])
    assert torch.equal(torch.get_rng_state(), before[1])


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"rescues": -1}, r"Acting\(rescues=\.\.\.\) must be an integer >= 0, got -1"),
        ({"cut": 0.0}, r"Acting\(cut=\.\.\.\) must be a finite number in \(0, 1\], got 0\.0"),
        ({"lower": 1.5}, r"Acting\(lower=\.\.\.\) must be .* got 1\.5"),
        ({"snapshot_steps": 0}, r"Acting\(snapshot_steps=\.\.\.\) must be an integer >= 1, got 0"),
        ({"skip_steps": -2}, r"Acting\(skip_steps=\.\.\.\) must be an integer >= 0, got -2"),
        ({"stop": "exit"}, r"Acting\(stop=\.\.\.\) must be one of 'flag', 'raise', got 'exit'"),
    ],
)
def test_what_cannot_be_asked(given: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        Acting(**given)


class Numbers:
    """A run that no framework knows: one number."""

    def __init__(self) -> None:
        self.number = 0.0

    def state(self) -> Mapping[str, float]:
        return {"number": self.number}

    def put_back(self, state: Mapping[str, float]) -> None:
        self.number = state["number"]


def test_what_an_adapter_trains_is_rolled_back_and_lowered() -> None:
    run = Numbers()
    with quiet(None, mode="act", acting=Acting(cut=0.5, lower=0.1, snapshot_steps=4)) as w:
        mender = w.mends(run, lambda: False)
        assert mender is not None
        for step in range(12):
            mender.carry_out(step)
            run.number += 1.0
            w.record(step=step, loss=1.0, lr=0.1)
            mender.after_step(step + 1)
        ordered(w, "rollback", since=12)
        assert mender.carry_out(12)
        assert (run.number, w.multiplier) == (8.0, 0.5)
        ordered(w, "lower")
        assert not mender.carry_out(12)
        assert w.multiplier == pytest.approx(0.05)
    assert [act.kind for act in w.acts] == ["rollback", "lower"]


@pytest.mark.parametrize("mode", ["observe", "advise"])
def test_what_an_adapter_trains_is_left_alone_in_other_modes(mode: Literal["observe", "advise"]) -> None:
    with quiet(None, mode=mode) as w:
        assert w.mends(Numbers(), lambda: False) is None


@pytest.mark.parametrize(("kind", "kept"), [(torch.optim.Adam, True), (torch.optim.LBFGS, False)])
def test_a_step_is_skipped_inside_of_its_closure(kind: type[torch.optim.Optimizer], kept: bool) -> None:
    weight = torch.ones(2, requires_grad=True)
    optimizer = kind([weight], lr=0.1)  # type: ignore[call-arg]

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = weight.sum() * torch.nan
        loss.backward()  # type: ignore[no-untyped-call]
        w.gradients_are_there(optimizer)
        return loss

    with quiet(optimizer, mode="act") as w:
        optimizer.step(closure)
        assert torch.equal(weight, torch.ones(2)) is kept
        assert (w.step, [act.kind for act in w.acts]) == ((0, ["skip"]) if kept else (1, []))
        assert weight.grad is not None
        assert torch.isnan(weight.grad).all()
        w.gradients_are_there(optimizer)  # outside of a step it does nothing
        assert weight.grad is not None


def test_a_skip_is_undone_though_the_loop_zeroes_gradients_in_place() -> None:
    weight = nn.Parameter(torch.ones(1))
    optimizer = SGD([weight], lr=0.5)
    with quiet(optimizer, mode="act") as w:
        for step in range(31):
            weight.grad = torch.full((1,), 1e4 if step == 30 else 0.0001)
            optimizer.step()
            w.observe(1.0)
        value = weight.item()
        optimizer.zero_grad(set_to_none=False)
        assert w.undo() is not None
        assert weight.item() == pytest.approx(value - 0.5e4)


def test_a_step_with_a_gradient_that_is_not_finite_is_never_taken_after_all() -> None:
    weight = nn.Parameter(torch.ones(1))
    optimizer = SGD([weight], lr=0.5)
    with quiet(optimizer, mode="act") as w:
        weight.grad = torch.full((1,), float("nan"))
        optimizer.step()
        w.observe(1.0)
        assert [act.kind for act in w.acts] == ["skip"]
        assert w.undo() is None
    assert weight.item() == 1.0


def test_a_folder_that_cannot_hold_snapshots_is_said_on_entering(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    w = quiet(
        SGD([nn.Parameter(torch.ones(1))], lr=0.5), mode="act", acting=Acting(keep=str(tmp_path / "file"))
    )
    with pytest.raises(StoreError, match=r"Acting\(keep=...\) must be .*a folder that can be written to"), w:
        pytest.fail("it was entered")


def test_steps_are_skipped_where_snapshots_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weight = nn.Parameter(torch.ones(1))
    optimizer = SGD([weight], lr=0.5)
    monkeypatch.setattr("rightrate.watch.shelf.OnDisk", lambda snapshot, folder: 1 / 0)
    with quiet(optimizer, mode="act", acting=Acting(keep=str(tmp_path))) as w:
        for gradient in (0.0, 0.0, float("nan"), 0.0):
            weight.grad = torch.full((1,), gradient)
            optimizer.step()
            w.observe(1.0)
    assert [(act.kind, act.step) for act in w.acts] == [("skip", 2)]
    assert weight.item() == 1.0
    assert [note.text for note in w.notes] == ["ZeroDivisionError: division by zero"]


def test_what_was_observed_before_a_roll_back_is_not_held_against_the_run_after_it() -> None:
    model = network()
    optimizer = SGD(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 1_000)
    with quiet(optimizer, model=model, mode="act", total_steps=1_000, acting=Acting(snapshot_steps=64)) as w:
        train(model, optimizer, 100, w=w, scheduler=scheduler)
        ordered(w, "rollback", since=80)
        train(model, optimizer, 200, w=w, scheduler=scheduler)
    assert [act.after["weights of step"] for act in w.acts if act.kind == "rollback"] == [0]
    assert [one.verdict for one in w.findings if one.verdict == "scheduler_misplaced"] == []
    assert [point.step for point in w._feed.log.curves["loss"].points()] == list(range(299))


def test_of_several_optimizers_only_what_is_not_finite_is_acted_on() -> None:
    weights_ = [nn.Parameter(torch.ones(1)) for _ in range(2)]
    optimizers = [SGD([weight], lr=0.0) for weight in weights_]
    with quiet(optimizers, mode="act", total_steps=640, chance_loss=2.0) as w:
        for step in range(640):
            for weight, optimizer in zip(weights_, optimizers, strict=True):
                weight.grad = torch.ones(1)
                optimizer.step()
            w.observe(2.0 - 1.5 * min(step, 640 - step) / 320)  # a discriminator that is fooled in the end
    assert w.acts == []
    assert w.multiplier == 1.0
    assert {one.confidence < 0.5 for one in w.findings} == {True}


def test_optimizers_that_share_one_loss_are_acted_on() -> None:
    weights_ = [nn.Parameter(torch.ones(1)) for _ in range(2)]
    optimizers = [SGD([weight], lr=0.1) for weight in weights_]
    with quiet(optimizers, mode="act", total_steps=640, adversarial=False) as w:
        for step in range(320):
            for weight, optimizer in zip(weights_, optimizers, strict=True):
                weight.grad = torch.ones(1)
                optimizer.step()
            w.observe(2.0 if step > 160 else 2.0 - 1.5 * step / 160)  # what was learned is lost
    assert w.acts[0].kind == "rollback"
    assert w.multiplier < 1.0


@pytest.mark.parametrize("modes", [("act", "observe"), ("observe", "act"), ("act", "act")])
def test_two_watchers_of_one_optimizer_do_not_both_act(modes: tuple[str, str]) -> None:
    optimizer = SGD([nn.Parameter(torch.ones(1))], lr=0.5)
    first, second = (quiet(optimizer, mode=mode) for mode in modes)
    with first, pytest.raises(ConfigError, match=r"not watched yet.* got 'a watched SGD'\. Close the other"):
        second.__enter__()
    with second:  # the first one is closed
        optimizer.step()
    assert second.step == 1


def test_two_watchers_that_only_look_see_the_same() -> None:
    optimizer = SGD([weight := nn.Parameter(torch.ones(1))], lr=0.5)
    with quiet(optimizer) as one, quiet(optimizer, mode="advise") as other:
        weight.grad = torch.ones(1)
        optimizer.step()
        one.observe(1.0)
        other.observe(1.0)
    assert (one.step, one.lr) == (other.step, other.lr) == (1, 0.5)


def test_edits_are_remembered_over_a_restart() -> None:
    optimizer = SGD([nn.Parameter(torch.ones(1))], lr=0.5)
    with quiet(optimizer) as w:
        for lr in (0.5, 0.4, 0.4):
            optimizer.param_groups[0]["lr"] = lr
            optimizer.step()
            w.observe(1.0)
    other = quiet(optimizer)
    other.load_state_dict(json.loads(json.dumps(w.state_dict())))
    assert other.edits == w.edits
    assert [(edit.step, edit.after) for edit in w.edits] == [(1, 0.4)]


def test_the_loss_of_a_step_that_one_of_two_optimizers_skipped_is_left_out() -> None:
    one, other = (nn.Parameter(torch.ones(1)) for _ in range(2))
    optimizers = SGD([one], lr=0.1), SGD([other], lr=0.1)
    with quiet(list(optimizers), mode="act") as w:
        for step in range(40):
            broken = 20 <= step < 22
            one.grad, other.grad = torch.full((1,), float("nan") if broken else 0.1), torch.ones(1)
            for optimizer in optimizers:
                optimizer.step()
            w.observe(float("nan") if broken else 1.0)
    assert [act.kind for act in w.acts] == ["skip", "skip"]
    assert w.multiplier == 1.0
    assert w.step == 40
    assert [point.step for point in w._feed.log.curves["loss"].points()] == [*range(20), *range(22, 40)]
