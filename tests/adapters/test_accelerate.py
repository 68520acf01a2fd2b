import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState, PartialState
from tests.adapters.spies import INPUTS, TARGETS, SpySGD, curve, losses, rates
from torch.utils.data import DataLoader, TensorDataset

from rightrate.adapters.accelerate import watch


@pytest.fixture(autouse=True)
def _anew():
    yield
    for state in (AcceleratorState, GradientState, PartialState):
        state._reset_state()


def run_of(accumulate=1):
    torch.manual_seed(0)
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=accumulate)
    model = torch.nn.Linear(4, 1)
    spy = SpySGD(model.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.ExponentialLR(spy, 0.9)
    loader = DataLoader(TensorDataset(INPUTS, TARGETS), batch_size=8)
    prepared = accelerator.prepare(model, spy, loader, schedule)
    return accelerator, spy, *prepared


def train(accelerator, model, optimizer, loader, schedule, w):
    told = []
    for inputs, targets in loader:
        with accelerator.accumulate(model):
            loss = torch.nn.functional.mse_loss(model(inputs), targets)
            told.append(loss.item())
            w.observe(loss)
            accelerator.backward(loss)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    return told


def test_the_rates_and_losses_that_are_shown_are_those_that_were() -> None:
    accelerator, spy, model, optimizer, loader, schedule = run_of()
    with watch(accelerator, optimizer, model=model, console=False) as w:
        told = train(accelerator, model, optimizer, loader, schedule, w)
    assert rates(w) == spy.applied == pytest.approx([0.1 * 0.9**k for k in range(8)])
    assert losses(w) == pytest.approx(told)
    assert w.notes == []


def test_held_back_steps_are_not_counted_and_losses_are_whole() -> None:
    accelerator, spy, model, optimizer, loader, schedule = run_of(accumulate=2)
    with watch(accelerator, [optimizer], console=False) as w:
        told = train(accelerator, model, optimizer, loader, schedule, w)
    assert w.step == len(spy.applied) == 4
    pairs = zip(told[::2], told[1::2], strict=True)
    assert losses(w) == pytest.approx([(one + other) / 2 for one, other in pairs])


def test_a_saved_run_goes_on_with_its_watcher(tmp_path) -> None:
    accelerator, _, model, optimizer, loader, schedule = run_of()
    with watch(accelerator, optimizer, console=False) as w:
        train(accelerator, model, optimizer, loader, schedule, w)
        accelerator.save_state(str(tmp_path))
    accelerator, spy, model, optimizer, loader, schedule = run_of()
    with watch(accelerator, optimizer, console=False) as again:
        accelerator.load_state(str(tmp_path))
        train(accelerator, model, optimizer, loader, schedule, again)
    assert list(curve(again, "lr")) == list(range(16))
    assert rates(again)[8:] == spy.applied
