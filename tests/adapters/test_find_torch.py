"""`find` on objects of frameworks that train modules of torch."""

import copy

import numpy as np
import pytest
import torch
from pytorch_lightning import LightningDataModule, LightningModule
from skorch import NeuralNetRegressor
from tests.adapters.spies import INPUTS, TARGETS
from torch.utils.data import DataLoader, Dataset, TensorDataset
from transformers import PretrainedConfig, PreTrainedModel, Trainer, TrainingArguments

import rightrate as rr
from rightrate.errors import ConfigError, DataError
from rightrate.schedules import Linear
from rightrate.tasks.adapted import Asked, adapted

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*treespec, LeafSpec:FutureWarning"
)  # of Lightning's own code


def loader():
    return DataLoader(TensorDataset(INPUTS, TARGETS), batch_size=8, shuffle=True)


class Data(LightningDataModule):
    def setup(self, stage):
        self.ready = stage

    def train_dataloader(self):
        return loader()

    def val_dataloader(self):
        return loader()


class Net(LightningModule):
    def __init__(self, kind="plain"):
        super().__init__()
        torch.manual_seed(0)
        self.kind = kind
        self.first, self.last = torch.nn.Linear(4, 8), torch.nn.Linear(8, 1)

    def training_step(self, batch, batch_idx):
        loss = torch.nn.functional.mse_loss(self.last(self.first(batch[0]).tanh()), batch[1])
        self.log("loss", loss)
        return {"loss": loss}

    def configure_optimizers(self):
        groups = [{"params": self.first.parameters()}, {"params": self.last.parameters(), "lr": 0.02}]
        optimizer = torch.optim.Adam(groups, lr=0.01)
        if self.kind == "plain":
            return optimizer
        if self.kind == "several":
            return [optimizer, torch.optim.SGD(self.parameters(), lr=0.1)]
        if self.kind == "epochs":
            return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)]
        if self.kind == "unreadable":
            return [optimizer], [torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)]
        steps = self.trainer.estimated_stepping_batches
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, [0.01, 0.02], total_steps=steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


def asked(model, *data, **given):
    return adapted(Asked(model=model, train=data[0] if data else None, **given))


def test_find_takes_a_module_and_its_data_module() -> None:
    net, data = Net(), Data()
    before = copy.deepcopy(net.state_dict())
    result = rr.find(net, data, steps=60, schedule="cosine", budget=2.0)
    assert result.record.settings.task == "Net"
    assert result.record.settings.optimizer == "Adam"
    assert not hasattr(data, "ready")
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name])
    made = result.build(net)
    rates = [group["initial_lr"] for group in made["optimizer"].param_groups]
    assert rates == pytest.approx([result.lr, 2 * result.lr])
    assert made["lr_scheduler"]["interval"] == "step"
    assert f'parse("cosine(60)", lr={result.lr!r}).lightning(optimizer)' in result.code()


def test_the_schedule_of_a_module_is_that_of_the_search() -> None:
    task, *_, schedule = asked(Net("steps"), loader(), steps=40)
    shape = [schedule(step) for step in range(40)]
    assert max(shape) == pytest.approx(1.0)
    assert shape[0] == pytest.approx(0.04)
    betas = {group["betas"] for group in task.info.optimizer.param_groups}
    assert betas == {(0.9, 0.999)}
    _, *_, halving = asked(Net("epochs"), loader(), valid=loader(), epochs=4)
    assert [halving(step) for step in (0, 15, 16, 31)] == [1.0, 1.0, 0.5, 0.5]


def test_a_schedule_that_cannot_be_read_is_said() -> None:
    task, *_, schedule = asked(Net("unreadable"), loader(), steps=40)
    assert schedule == "constant"
    assert "ReduceLROnPlateau cannot be read" in task.info.notes[0]


def test_a_module_that_was_trained_is_taken_without_its_trainer() -> None:
    net = Net()
    net._trainer = object()
    task = asked(net, loader(), steps=40)[0]
    assert task.model._trainer is None
    assert net._trainer is not None


def test_what_a_search_cannot_follow_in_lightning_is_refused() -> None:
    manual = Net()
    manual.automatic_optimization = False
    with pytest.raises(ConfigError, match=r"must be a module that optimizes automatically"):
        rr.find(manual, loader())
    with pytest.raises(
        ConfigError, match=r"configure_optimizers\(\) must be of one optimizer, got '2 of them'"
    ):
        rr.find(Net("several"), loader(), steps=10)
    with pytest.raises(DataError, match=r"find\(train=\.\.\.\) must be given, as the module brings no data"):
        rr.find(Net(), steps=10)


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
        self.post_init()

    def _init_weights(self, module):
        """Leave the weights of the linear layer."""

    def forward(self, inputs, labels=None):
        return {"loss": torch.nn.functional.mse_loss(self.inside(inputs), labels)}


def trainer_of(folder, optimizers=(None, None), data=True, **settings):
    args = TrainingArguments(
        str(folder),
        **{"max_steps": 60, **settings},
        per_device_train_batch_size=8,
        weight_decay=0.1,
        report_to=[],
        use_cpu=True,
        dataloader_pin_memory=False,
    )
    rows = Rows() if data else None
    return Trainer(
        Model(PretrainedConfig()), args, train_dataset=rows, eval_dataset=Rows(), optimizers=optimizers
    )


def test_find_takes_a_trainer(tmp_path) -> None:
    trainer = trainer_of(tmp_path, warmup_steps=6)
    before = copy.deepcopy(trainer.model.state_dict())
    result = rr.find(trainer)
    assert trainer.optimizer is None
    assert trainer.lr_scheduler is None
    for name, value in trainer.model.state_dict().items():
        assert torch.equal(value, before[name])
    assert result.record.settings.steps == 60
    assert result.record.settings.optimizer == "AdamW"
    assert result.record.settings.schedule == "the Trainer's linear"
    assert result.code() == f"TrainingArguments(learning_rate={result.lr!r})"
    assert result.build(trainer).learning_rate == result.lr
    assert result.build(trainer).max_steps == 60
    optimizer, _ = result.build(trainer.model)
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.1, 0.0]


def test_a_trainers_task_is_what_it_trains(tmp_path) -> None:
    task, *_, schedule = asked(
        trainer_of(tmp_path, gradient_accumulation_steps=2, max_steps=-1, num_train_epochs=3)
    )
    assert task.info.steps == 12
    assert task.training.accumulate == 2
    assert task.training.clip_norm == 1.0
    assert [schedule(step) for step in range(12)] == pytest.approx(Linear(total_steps=12)(np.arange(12)))
    model = Model(PretrainedConfig())
    own = torch.optim.SGD(model.parameters(), lr=0.1)
    trainer = trainer_of(tmp_path, optimizers=(own, None))
    trainer.model = model
    assert type(asked(trainer)[0].info.optimizer) is torch.optim.SGD


def test_what_a_search_cannot_follow_in_a_trainer_is_refused(tmp_path) -> None:
    with pytest.raises(DataError, match=r"find\(train=\.\.\.\) must be left out beside a Trainer"):
        rr.find(trainer_of(tmp_path), (INPUTS, TARGETS))
    with pytest.raises(DataError, match=r"Trainer\(train_dataset=\.\.\.\) must be given, got None"):
        rr.find(trainer_of(tmp_path, data=False))
    trainer = trainer_of(tmp_path)
    trainer.args.fp16 = True
    with pytest.raises(ConfigError, match=r"TrainingArguments\(fp16=\.\.\.\) must be False, got True"):
        rr.find(trainer)


def net_of(**settings):
    given = {"module__in_features": 4, "module__out_features": 1, "optimizer": torch.optim.SGD, "verbose": 0}
    return NeuralNetRegressor(torch.nn.Linear, **given, optimizer__momentum=0.5, batch_size=16, **settings)


def test_find_takes_a_net_of_skorch() -> None:
    net, state = net_of(), torch.get_rng_state()
    result = rr.find(net, (INPUTS, TARGETS), (INPUTS, TARGETS), steps=60, schedule="linear")
    assert torch.equal(torch.get_rng_state(), state)
    assert not net.initialized_
    assert f'ScheduledLR, schedule=parse("linear(60)", lr={result.lr!r})' in result.code()
    trained = result.build(net).fit(INPUTS, TARGETS)
    assert trained.lr == result.lr
    assert trained.history[-1, "valid_loss"] < 0.5
    assert net.lr != result.lr


def test_a_net_that_was_trained_starts_from_its_weights() -> None:
    net = net_of(max_epochs=1).fit(INPUTS, TARGETS)
    task = asked(net, (INPUTS, TARGETS))[0]
    assert torch.equal(task.model.weight, net.module_.weight)
    assert task.info.optimizer.defaults["momentum"] == 0.5
    with pytest.raises(DataError, match=r"find\(train=\.\.\.\) must be given beside a net"):
        rr.find(net)
    whole = asked(net_of().set_params(batch_size=-1), (INPUTS, TARGETS))[0]
    assert whole.training.batch_size == 64
