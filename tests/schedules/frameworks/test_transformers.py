from pathlib import Path

import pytest
import torch
from transformers import Trainer, TrainerCallback, TrainingArguments

from rightrate.schedules import Cosine
from rightrate.schedules.frameworks.torch import ScheduledLR

STEPS = 8
WARM = Cosine(peak=0.05, total_steps=STEPS - 2, warmup_steps=2)
"""Ends two steps before the loops below do, so that they see the rate that is held."""


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.inside = torch.nn.Linear(4, 1)

    def forward(self, inputs: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": torch.nn.functional.mse_loss(self.inside(inputs).squeeze(-1), labels)}


class Rates(TrainerCallback):
    """Writes down the rate each optimizer step has used."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def on_optimizer_step(self, args, state, control, optimizer=None, **_: object) -> None:
        self.seen.append(optimizer.param_groups[0]["lr"])


def data() -> list[dict[str, torch.Tensor]]:
    inputs = torch.randn(12, 4, generator=torch.Generator().manual_seed(0))
    return [{"inputs": row, "labels": row.sum() ** 2} for row in inputs]


def train(folder: Path, resume: Path | None = None) -> tuple[Net, list[float], list[float]]:
    """Train for real, two batches an update; return the model, the rates used and those in the log."""
    net, rates = Net(), Rates()
    both = WARM.transformers(torch.optim.AdamW(net.parameters(), lr=123.0))
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=STEPS,
        per_device_train_batch_size=2,
        gradient_accumulation_steps=2,
        save_steps=1,
        logging_steps=1,
        report_to="none",
        use_cpu=True,
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    trainer = Trainer(net, arguments, train_dataset=data(), optimizers=both, callbacks=[rates])
    trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    logged = [entry["learning_rate"] for entry in trainer.state.log_history if "learning_rate" in entry]
    return net, rates.seen, logged


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[Path, Net, list[float], list[float]]:
    folder = tmp_path_factory.mktemp("whole")
    return folder, *train(folder)


def test_the_optimizer_and_a_scheduler_come_back() -> None:
    optimizer = torch.optim.AdamW(Net().parameters(), lr=1.0)
    mine, scheduler = WARM.transformers(optimizer)
    assert mine is optimizer
    assert isinstance(scheduler, ScheduledLR)
    assert scheduler.optimizer is optimizer


def test_the_trainer_uses_the_rates_of_the_schedule(whole) -> None:
    *_, used, logged = whole
    assert used == [WARM(step) for step in range(STEPS)]
    assert logged == used


@pytest.mark.parametrize("stop", range(1, STEPS))
def test_resuming_at_any_step_equals_going_on(whole, stop: int, tmp_path: Path) -> None:
    folder, net, used, _ = whole
    again, rates, _ = train(tmp_path, resume=folder / f"checkpoint-{stop}")
    assert rates == used[stop:]
    for ours, theirs in zip(again.parameters(), net.parameters(), strict=True):
        assert torch.equal(ours, theirs)
