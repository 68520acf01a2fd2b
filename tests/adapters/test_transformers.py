import pytest
import torch
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
from torch.utils.data import Dataset
from transformers import PretrainedConfig, PreTrainedModel, Trainer, TrainingArguments

from rightrate.adapters.transformers import WatchCallback


class Rows(Dataset):
    def __len__(self):
        return len(INPUTS)

    def __getitem__(self, index):
        return {"inputs": INPUTS[index], "labels": TARGETS[index]}


class Model(PreTrainedModel):
    config_class = PretrainedConfig

    def __init__(self, config):
        super().__init__(config)
        torch.manual_seed(0)
        self.inside = torch.nn.Linear(4, 1)
        self.told = []
        self.post_init()

    def _init_weights(self, module):
        """Leave the weights of the linear layer."""

    def forward(self, inputs, labels=None):
        loss = torch.nn.functional.mse_loss(self.inside(inputs), labels)
        if self.training:
            self.told.append(loss.item())
        return {"loss": loss}


def trainer_of(folder, *, watched=True, **settings):
    model = Model(PretrainedConfig())
    spy = SpySGD(model.parameters(), lr=0.1)
    args = TrainingArguments(
        str(folder),
        **{"max_steps": 8, **settings},
        per_device_train_batch_size=8,
        save_steps=4,
        logging_steps=5,
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    schedule = torch.optim.lr_scheduler.ExponentialLR(spy, 0.9)
    trainer = Trainer(model, args, train_dataset=Rows(), eval_dataset=Rows(), optimizers=(spy, schedule))
    callback = WatchCallback(trainer, console=False)
    if watched:
        trainer.add_callback(callback)
    return trainer, spy, callback


def test_the_rates_and_losses_that_are_shown_are_those_that_were(tmp_path) -> None:
    trainer, spy, callback = trainer_of(tmp_path, eval_strategy="steps", eval_steps=4)
    trainer.train()
    assert rates(callback.watch) == spy.applied == pytest.approx([0.1 * 0.9**k for k in range(8)])
    assert losses(callback.watch) == pytest.approx(trainer.model.told)
    assert callback.watch.settings.total_steps == 8
    assert list(curve(callback.watch, "validation")) == [4, 8]
    assert callback.notes == []
    assert "training_step" not in vars(trainer)


def test_an_accumulated_loss_is_that_of_the_whole_step(tmp_path) -> None:
    trainer, _, callback = trainer_of(tmp_path, gradient_accumulation_steps=2, max_steps=4)
    trainer.train()
    told = trainer.model.told
    pairs = zip(told[::2], told[1::2], strict=True)
    assert losses(callback.watch) == pytest.approx([(one + other) / 2 for one, other in pairs])


def test_weights_are_bit_for_bit_those_of_the_bare_run(tmp_path) -> None:
    runs = [trainer_of(tmp_path / str(watched), watched=watched)[0] for watched in (True, False)]
    for trainer in runs:
        trainer.train()
    assert torch.equal(runs[0].model.inside.weight, runs[1].model.inside.weight)


def test_a_resumed_run_goes_on_with_its_watcher(tmp_path) -> None:
    trainer_of(tmp_path)[0].train()
    again, spy, callback = trainer_of(tmp_path)
    again.train(resume_from_checkpoint=str(tmp_path / "checkpoint-4"))
    assert list(curve(callback.watch, "lr")) == list(range(8))
    assert rates(callback.watch)[4:] == spy.applied
    assert len(spy.applied) == 4


def test_a_run_that_is_to_stop_stops(tmp_path, monkeypatch) -> None:
    trainer, _, callback = trainer_of(tmp_path)
    monkeypatch.setattr(type(callback._attached), "should_stop", property(lambda self: self.watch.step == 3))
    trainer.train()
    assert callback.watch.step == 3


def test_nothing_of_the_watcher_raises_into_training(tmp_path, monkeypatch) -> None:
    bare, _, _ = trainer_of(tmp_path / "bare", watched=False)
    trainer, _, callback = trainer_of(tmp_path / "watched")
    broken_from_the_start(monkeypatch, callback)
    for one in (bare, trainer):
        one.train()
    assert torch.equal(bare.model.inside.weight, trainer.model.inside.weight)
    assert faults(callback) == BROKEN
