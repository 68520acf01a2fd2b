from pathlib import Path

import pytest
import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from torch.utils.data import DataLoader

from rightrate.schedules import Cosine
from rightrate.schedules.frameworks.torch import ScheduledLR

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*treespec, LeafSpec:FutureWarning"),  # of Lightning's own code
    pytest.mark.filterwarnings("ignore:The 'train_dataloader' does not have many workers"),
    pytest.mark.filterwarnings("ignore:The dirpath has changed"),
    pytest.mark.filterwarnings("ignore:You're resuming from a checkpoint that ended before the epoch ended"),
]

STEPS = 8
WARM = Cosine(peak=0.05, total_steps=STEPS - 2, warmup_steps=2)
"""Ends two steps before the loops below do, so that they see the rate that is held."""


class Net(LightningModule):
    """Takes its data from the number of the step, as Lightning does not resume inside an epoch's order."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.inside = torch.nn.Linear(4, 1)
        self.rates: list[float] = []

    def training_step(self, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
        inputs = torch.randn(6, 4, generator=torch.Generator().manual_seed(self.global_step))
        return torch.nn.functional.mse_loss(self.inside(inputs), inputs.sum(dim=1, keepdim=True) ** 2)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        self.rates.append(optimizer.param_groups[0]["lr"])

    def configure_optimizers(self) -> dict:
        return WARM.lightning(torch.optim.Adam(self.parameters(), lr=123.0))


def train(folder: Path, resume: Path | None = None, batches: int = 3, accumulated: int = 1) -> Net:
    """Train for real, over several epochs, with a checkpoint after every step."""
    net = Net()
    keep = ModelCheckpoint(folder, "{step}", every_n_train_steps=1, save_top_k=-1)
    trainer = Trainer(
        max_steps=STEPS,
        callbacks=[keep],
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        accumulate_grad_batches=accumulated,
        default_root_dir=folder,
    )
    trainer.fit(net, DataLoader(torch.zeros(batches)), ckpt_path=str(resume) if resume else None)
    return net


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[Path, Net]:
    folder = tmp_path_factory.mktemp("whole")
    return folder, train(folder)


def test_what_configure_optimizers_returns() -> None:
    optimizer = torch.optim.Adam(Net().parameters(), lr=1.0)
    made = WARM.lightning(optimizer)
    assert made["optimizer"] is optimizer
    scheduler = made["lr_scheduler"].pop("scheduler")
    assert isinstance(scheduler, ScheduledLR)
    assert scheduler.optimizer is optimizer
    assert made["lr_scheduler"] == {"interval": "step", "frequency": 1}


def test_the_trainer_uses_the_rates_of_the_schedule(whole) -> None:
    assert whole[1].rates == [WARM(step) for step in range(STEPS)]


def test_a_step_is_an_update_where_gradients_are_accumulated(tmp_path: Path) -> None:
    net = train(tmp_path, batches=4, accumulated=2)
    assert net.rates == [WARM(step) for step in range(STEPS)]


@pytest.mark.parametrize("stop", range(1, STEPS))
def test_resuming_at_any_step_equals_going_on(whole, stop: int, tmp_path: Path) -> None:
    folder, net = whole
    again = train(tmp_path, resume=folder / f"step={stop}.ckpt")
    assert again.rates == net.rates[stop:]
    for ours, theirs in zip(again.parameters(), net.parameters(), strict=True):
        assert torch.equal(ours, theirs)
