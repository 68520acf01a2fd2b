"""After `find`, however it ends, everything is what it was."""

import gc
import glob
import logging
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import threading
import warnings

import numpy as np
import pytest
import torch
from tests.finder.small import BATCH, find, train, valid
from torch import nn
from torch.utils.data import DataLoader, Dataset, RandomSampler


class Drawing(Dataset):
    """Adds noise of its own and of each global generator to a sample."""

    def __init__(self, inputs, classes):
        self.inputs, self.classes = inputs, classes
        self.torch = torch.Generator().manual_seed(1)
        self.numpy = np.random.default_rng(2)
        self.python = random.Random(3)

    def __len__(self):
        return len(self.classes)

    def __getitem__(self, index):
        noise = self.numpy.normal() + self.python.random() + random.random() + np.random.normal()
        drawn = torch.randn(6, generator=self.torch) + torch.randn(6)
        return self.inputs[index] + 0.001 * (noise + drawn), self.classes[index]


class Model(nn.Module):
    """Changes itself and the process while it runs, and may raise."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 8)
        self.norm = nn.BatchNorm1d(8)
        self.drop = nn.Dropout(0.1)
        self.last = nn.Linear(8, 3)
        self.frozen = nn.Linear(8, 8)
        self.frozen.requires_grad_(False)
        self.register_buffer("calls", torch.zeros(()))
        self.error = None
        self.after = 0

    def forward(self, inputs):
        self.calls += 1
        random.random(), np.random.random(), torch.rand(1)
        if self.error is not None and self.calls > self.after:
            raise self.error
        return self.last(self.drop(self.norm(self.frozen(self.first(inputs)).relu())))


def tensor_bits(value):
    return None if value is None else (id(value), value.dtype, value.detach().numpy().tobytes())


def model_state(model):
    return {
        "parameters": [(name, tensor_bits(p)) for name, p in model.named_parameters()],
        "grads": [tensor_bits(p.grad) for p in model.parameters()],
        "requires_grad": [p.requires_grad for p in model.parameters()],
        "buffers": [(name, tensor_bits(b)) for name, b in model.named_buffers()],
        "modes": [part.training for part in model.modules()],
        "hooks": [
            [list(value.items()) for name, value in sorted(vars(part).items()) if name.endswith("_hooks")]
            for part in model.modules()
        ],
        "attributes": [sorted(vars(part)) for part in model.modules()],
    }


def optimizer_state(optimizer):
    slots = [
        (name, tensor_bits(value)) for state in optimizer.state.values() for name, value in state.items()
    ]
    groups = [{**group, "params": [id(p) for p in group["params"]]} for group in optimizer.param_groups]
    return {"slots": slots, "groups": groups}


def data_state(*loaders):
    state = {}
    for index, loader in enumerate(loaders):
        dataset, generator = loader.dataset, loader.generator
        state |= {
            f"loader {index}": dict(vars(loader)),
            f"loader {index} generator": generator and generator.get_state().tolist(),
            f"sampler {index}": dict(vars(loader.sampler)),
            f"sampler {index} generator": (
                getattr(loader.sampler, "generator", None) and loader.sampler.generator.get_state().tolist()
            ),
            f"iterator {index}": id(loader._iterator),
            f"dataset {index}": (
                dataset.torch.get_state().tolist(),
                dataset.numpy.bit_generator.state,
                dataset.python.getstate(),
                tensor_bits(dataset.inputs),
            ),
        }
    return state


def torch_state():
    return {
        "torch random": torch.get_rng_state().tolist(),
        "threads": torch.get_num_threads(),
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "grad mode": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "deterministic": (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
            torch.backends.cudnn.deterministic,
            torch.backends.cudnn.benchmark,
        ),
        "tf32": (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32),
        "precision": torch.get_float32_matmul_precision(),
        "anomaly": torch.is_anomaly_enabled(),
        "autocast": (torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")),
    }


def process_state():
    loggers = [logging.root, *(x for x in logging.root.manager.loggerDict.values() if hasattr(x, "handlers"))]
    return {
        "python random": random.getstate(),
        "numpy random": repr(np.random.get_state()),
        "numpy errors": np.geterr(),
        "warnings": (list(warnings.filters), warnings.showwarning),
        "directory": os.getcwd(),
        "environment": dict(os.environ),
        "path": (id(sys.path), list(sys.path)),
        "modules": {name: id(module) for name, module in sys.modules.items()},
        "streams": (sys.stdout, sys.stderr, sys.excepthook, threading.excepthook),
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "children": sorted(child.pid for child in multiprocessing.active_children()),
        "thread names": sorted(thread.name for thread in threading.enumerate()),
        "logging": [(x.name, x.level, x.disabled, list(x.handlers), list(x.filters)) for x in loggers],
        "garbage": (gc.isenabled(), gc.get_threshold()),
        "temporary files": sorted(glob.glob(f"{tempfile.gettempdir()}/**", recursive=True)),
    }


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A folder of our own for temporary files: other programs write to the shared one."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)


def failing_loss(calls=60):
    left = [calls]

    def loss(output, target):
        left[0] -= 1
        if left[0] < 0:
            raise ZeroDivisionError("in the middle")
        return nn.functional.cross_entropy(output, target)

    return loss


def stop_soon(state):
    if state.spent > 20:
        os.kill(os.getpid(), signal.SIGINT)


ENDINGS = {
    "success": {},
    "stacked": {"engine": "stacked"},
    "loss raises": {"loss": failing_loss(), "raises": ZeroDivisionError},
    "forward raises": {"error": KeyboardInterrupt(), "raises": KeyboardInterrupt},
    "interrupted": {"progress": stop_soon},
    "misuse": {"schedule": "cosin", "raises": ValueError},
}


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.usefixtures("temporary")
def test_everything_is_what_it_was(ending, monkeypatch):
    settings = dict(ENDINGS[ending])
    raises = settings.pop("raises", None)
    model, optimizer = trained_model()
    model.error, model.after = settings.pop("error", None), 4
    loaders = iterated_loaders()
    before = {}

    def everything():
        return {
            **model_state(model),
            **optimizer_state(optimizer),
            **data_state(*loaders),
            **torch_state(),
            **process_state(),
        }

    def ask():
        return find(model, *loaders, optimizer=optimizer, batch_size=..., steps=60, **settings)

    find(steps=60, engine=settings.get("engine", "serial"))  # libraries that are loaded lazily stay loaded
    try:
        before = everything()
        if raises is None:
            result = ask()
            assert (result.status == "interrupted") == (ending == "interrupted")
        else:
            with pytest.raises(raises):
                ask()
        after = everything()
        assert {name for name in before if before[name] != after[name]} == set()
        # The loader goes on where it was, with the workers it had.
        assert len(list(loaders[0])) == 240 // BATCH
    finally:
        loaders[0]._iterator._shutdown_workers()


def trained_model():
    """A model in the middle of training: gradients, hooks, mixed modes, an optimizer with state."""
    torch.manual_seed(0)
    model = Model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    model(torch.randn(9, 6)).sum().backward()
    optimizer.step()
    model.last.bias.grad = None
    model.norm.eval()
    model.first.register_forward_hook(lambda *_: None)
    model.last.weight.register_hook(lambda grad: grad)
    return model, optimizer


def iterated_loaders():
    """A training loader whose persistent workers are running, and a validation loader."""
    data = Drawing(*train())
    sampler = RandomSampler(data, generator=torch.Generator().manual_seed(4))
    generator = torch.Generator().manual_seed(5)
    loader = DataLoader(
        data,
        batch_size=BATCH,
        sampler=sampler,
        generator=generator,
        num_workers=1,
        persistent_workers=True,
    )
    list(loader)
    return loader, DataLoader(Drawing(*valid()), batch_size=BATCH)


class CountingLoss(nn.Module):
    """A loss with a memory of its own."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, output, target):
        self.calls += 1
        return nn.functional.cross_entropy(output, target)


def test_a_loss_with_state_is_what_it_was():
    loss = CountingLoss()
    find(loss=loss, steps=60)
    assert loss.calls == 0


def test_tensors_passed_as_data_are_what_they_were():
    class InPlace(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = nn.Linear(6, 3)

        def forward(self, inputs):
            return self.last(inputs.mul_(0.5))

    data, held = train(), valid()
    find(InPlace(), data, held, steps=60)
    assert all(map(torch.equal, (*data, *held), (*train(), *valid())))
