"""The code of docs/frameworks.md runs."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState, PartialState
from pytorch_lightning import Trainer as LightningTrainer
from sklearn.linear_model import SGDRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetRegressor
from tests.adapters.spies import INPUTS, TARGETS
from tests.adapters.test_find_torch import Data, Net, net_of, trainer_of
from tests.schedules.frameworks.processes import python
from torch.utils.data import DataLoader, TensorDataset

PAGE = (Path(__file__).parents[2] / "docs" / "frameworks.md").read_text(encoding="utf-8")
CODE = dict(re.findall(r"^```python (\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


def run(name: str, **names: object) -> dict:
    exec(compile(CODE[name], f"docs/frameworks.md, {name}", "exec"), names)
    return names


def test_every_piece_of_code_is_run_here() -> None:
    assert set(CODE) == {"lightning", "transformers", "keras", "skorch", "sklearn", "accelerate"}
    assert PAGE.count("```") == 2 * len(CODE)


@pytest.mark.filterwarnings("ignore:.*treespec, LeafSpec:FutureWarning")  # of Lightning's own code
@pytest.mark.filterwarnings("ignore:The .*dataloader.* does not have many workers")
@pytest.mark.filterwarnings("ignore:You passed in a `val_dataloader`")
def test_lightning(capsys) -> None:
    quiet = {
        "accelerator": "cpu",
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    names = run("lightning", module=Net(), datamodule=Data(), Trainer=LightningTrainer, quiet=quiet)
    assert names["callback"].watch.lr == pytest.approx(names["result"].lr)
    assert names["callback"].watch.step == 60


def test_transformers(tmp_path) -> None:
    names = run("transformers", trainer=trainer_of(tmp_path, disable_tqdm=True))
    assert names["callback"].watch.step == 60
    assert names["callback"].notes == []
    assert names["trainer"].args.learning_rate == names["result"].lr


def test_keras() -> None:
    code = f"""
import warnings
warnings.filterwarnings("ignore", message="__array__ implementation")
import keras, numpy as np
keras.utils.set_random_seed(0)
x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
y = x.sum(axis=1, keepdims=True)
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
model.compile(keras.optimizers.SGD(0.01), "mse")
{CODE["keras"]}
assert abs(callback.watch.lr / result.lr - 1) < 1e-6
assert callback.watch.step == 8
"""
    python("torch", "-W", "error", "-c", code)


def test_skorch() -> None:
    names = run("skorch", net=net_of(), X=INPUTS, y=TARGETS)
    assert names["callback"].watch.lr == names["result"].lr
    assert type(names["net"]) is NeuralNetRegressor


def test_sklearn() -> None:
    X, y = INPUTS.double().numpy(), TARGETS[:, 0].double().numpy()
    names = run("sklearn", pipeline=make_pipeline(StandardScaler(), SGDRegressor()), X=X, y=y)
    assert names["pipeline"].score(X, y) > 0.9
    assert np.isfinite(names["result"].lr)


def test_accelerate() -> None:
    accelerator = Accelerator(cpu=True)
    model = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loader = DataLoader(TensorDataset(INPUTS, TARGETS), batch_size=8)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    given = {"accelerator": accelerator, "model": model, "optimizer": optimizer, "loader": loader}
    names = run("accelerate", **given, torch=torch)
    assert (names["w"].step, names["w"].lr) == (8, 0.1)
    for state in (AcceleratorState, GradientState, PartialState):
        state._reset_state()
