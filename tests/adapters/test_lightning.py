import pytest
import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from tests.adapters.spies import (
    BROKEN,
    INPUTS,
    TARGETS,
    SpySGD,
    broken_from_the_start,
    curve,
    faults,
    losses,
    rates,
)
from torch.utils.data import DataLoader, TensorDataset

from rightrate.adapters.lightning import WatchCallback
from rightrate.errors import ConfigError

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*treespec, LeafSpec:FutureWarning"),  # of Lightning's own code
    pytest.mark.filterwarnings("ignore:The .*dataloader.* does not have many workers"),
    pytest.mark.filterwarnings("ignore:You're resuming from a checkpoint that ended before the epoch ended"),
    pytest.mark.filterwarnings("ignore:The dirpath has changed"),
    pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty"),
    pytest.mark.filterwarnings("ignore:Using ModelCheckpoint with manual optimization"),
]


class Net(LightningModule):
    def __init__(self, manual=False):
        super().__init__()
        torch.manual_seed(0)
        self.inside = torch.nn.Linear(4, 1)
        self.automatic_optimization = not manual
        self.told = []

    def training_step(self, batch, batch_idx):
        loss = torch.nn.functional.mse_loss(self.inside(batch[0]), batch[1])
        self.told.append(loss.item())
        if not self.automatic_optimization:
            optimizer = self.optimizers()
            optimizer.zero_grad()
            self.manual_backward(loss)
            optimizer.step()
            self.lr_schedulers().step()
        return loss

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", torch.nn.functional.mse_loss(self.inside(batch[0]), batch[1]))

    def configure_optimizers(self):
        self.spy = SpySGD(self.parameters(), lr=0.1)
        scheduler = torch.optim.lr_scheduler.ExponentialLR(self.spy, 0.9)
        return {"optimizer": self.spy, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


def train(folder, callback, net, *, steps=8, resume=None, **settings):
    keep = ModelCheckpoint(folder, "{step}", every_n_train_steps=4, save_top_k=-1)
    trainer = Trainer(
        max_steps=steps,
        callbacks=[keep, *callback],
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        default_root_dir=folder,
        **settings,
    )
    loader = DataLoader(TensorDataset(INPUTS, TARGETS), batch_size=8)
    trainer.fit(net, loader, loader, ckpt_path=resume)
    return trainer


@pytest.mark.parametrize("manual", [False, True])
def test_the_rates_and_losses_that_are_shown_are_those_that_were(tmp_path, manual) -> None:
    net, callback = Net(manual), WatchCallback(console=False)
    train(tmp_path, [callback], net)
    assert rates(callback.watch) == net.spy.applied == pytest.approx([0.1 * 0.9**k for k in range(8)])
    assert losses(callback.watch) == pytest.approx(net.told)
    assert callback.watch.settings.total_steps == 8
    assert list(curve(callback.watch, "validation")) == [8]
    assert callback.notes == []


def test_an_accumulated_loss_is_not_divided(tmp_path) -> None:
    net, callback = Net(), WatchCallback(console=False)
    train(tmp_path, [callback], net, steps=4, accumulate_grad_batches=2)
    pairs = zip(net.told[::2], net.told[1::2], strict=True)
    assert losses(callback.watch) == pytest.approx([(one + other) / 2 for one, other in pairs])


def test_weights_are_bit_for_bit_those_of_the_bare_run(tmp_path) -> None:
    bare, watched = Net(), Net()
    train(tmp_path / "bare", [], bare)
    train(tmp_path / "watched", [WatchCallback(console=False)], watched)
    assert torch.equal(bare.inside.weight, watched.inside.weight)


def test_a_resumed_run_goes_on_with_its_watcher(tmp_path) -> None:
    whole = WatchCallback(console=False)
    train(tmp_path, [whole], Net())
    again, net = WatchCallback(console=False), Net()
    train(tmp_path, [again], net, resume=str(tmp_path / "step=4.ckpt"))
    assert again.watch.step == 8
    assert list(curve(again.watch, "lr")) == list(range(8))
    assert rates(again.watch)[4:] == net.spy.applied


def test_in_act_a_run_that_goes_wrong_is_ended(tmp_path) -> None:
    class Stopping(WatchCallback):
        def on_train_batch_end(self, trainer, *arguments):
            if self.watch.step == 3:
                self.watch._mender.stopped = "enough"
            super().on_train_batch_end(trainer, *arguments)

    net, callback = Net(), Stopping(console=False, mode="act")
    train(tmp_path, [callback], net)
    assert callback.watch.step == 3


class Wild(Net):
    """One of its batches gives a gradient that is not finite, or far too large."""

    def __init__(self, factor, *, at=5, manual=False):
        super().__init__(manual)
        self.factor, self.at, self.seen = factor, at, []

    def training_step(self, batch, batch_idx):
        self.seen.append(self.inside.weight.detach().clone())
        if len(self.seen) == self.at + 1:
            batch = (batch[0] * self.factor, batch[1])
        return super().training_step(batch, batch_idx)

    def configure_optimizers(self):
        adam = torch.optim.Adam(self.parameters(), lr=0.01)
        return [adam], [{"scheduler": torch.optim.lr_scheduler.StepLR(adam, 1000), "interval": "step"}]


@pytest.mark.parametrize("manual", [False, True])
@pytest.mark.parametrize(("factor", "at"), [(float("nan"), 5), (1e4, 20)])
def test_in_act_a_step_with_a_wild_gradient_is_skipped(tmp_path, factor, at, manual) -> None:
    net, callback = Wild(factor, at=at, manual=manual), WatchCallback(console=False, mode="act")
    trainer = train(tmp_path, [callback], net, steps=at + 3, gradient_clip_val=None if manual else 1e9)
    (act,) = callback.watch.acts
    assert (act.kind, act.step) == ("skip", at)
    assert torch.equal(net.seen[at], net.seen[at + 1])
    assert not torch.equal(net.seen[at + 1], net.seen[at + 2])
    assert torch.isfinite(net.inside.weight).all()
    assert callback.watch.step == at + 2
    assert {int(state["step"]) for state in trainer.optimizers[0].state.values()} == {at + 2}
    assert callback.notes == []


def test_in_act_with_nothing_to_mend_weights_are_bit_for_bit_those_of_the_bare_run(tmp_path) -> None:
    bare, watched, callback = Net(), Net(), WatchCallback(console=False, mode="act")
    train(tmp_path / "bare", [], bare)
    train(tmp_path / "watched", [callback], watched)
    assert torch.equal(bare.inside.weight, watched.inside.weight)
    assert callback.watch.acts == []
    assert callback.notes == []


def test_a_closure_that_is_called_again_is_never_skipped(tmp_path) -> None:
    class Newton(Wild):
        def configure_optimizers(self):
            return torch.optim.LBFGS(self.parameters(), lr=0.1, max_iter=2)

    net, callback = Newton(1.0), WatchCallback(console=False, mode="act")
    train(tmp_path, [callback], net, steps=4)
    assert callback.watch.step == 4
    assert callback.watch.acts == []
    assert callback.notes == []


def test_nothing_of_the_watcher_raises_into_training(tmp_path, monkeypatch) -> None:
    bare, net, callback = Net(), Net(), WatchCallback(console=False)
    broken_from_the_start(monkeypatch, callback)
    train(tmp_path / "watched", [callback], net)
    train(tmp_path / "bare", [], bare)
    assert torch.equal(bare.inside.weight, net.inside.weight)
    assert faults(callback) == BROKEN


def test_settings_are_checked_where_they_are_written() -> None:
    with pytest.raises(ConfigError, match=r"WatchCallback\(\.\.\.\) must be given .* got 'colour'"):
        WatchCallback(colour="red")
    with pytest.raises(ConfigError, match=r"watch\(mode=\.\.\.\) must be one of .* got 'shout'"):
        WatchCallback(mode="shout")
