import gc
import logging
import multiprocessing
import os
import random
import signal
import sys
import threading
import types
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from rightrate.finder.kept import keep
from rightrate.finder.torch_state import compile_workers
from rightrate.finder.trace import untouched

ENDINGS = [None, ValueError, KeyboardInterrupt]


@contextmanager
def ended_by(error):
    """Swallow the one error that the block is about to raise."""
    if error is None:
        yield
    else:
        with pytest.raises(error):
            yield


class Data(Dataset):
    def __init__(self):
        self.generator = np.random.default_rng(0)
        self.draws = random.Random(0)

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return torch.tensor([self.generator.random(), self.draws.random()])


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 2))
        self.tied = self.body[0]
        self.calls = 0
        self.seen = [torch.zeros(2), {"mean": torch.ones(1)}]
        self.names = {"a"}
        self.body[3].bias.requires_grad_(False)

    def forward(self, x):
        self.calls += 1
        return self.body(x)


def trained():
    """A model with some gradients, hooks and modes, and an optimizer with state."""
    torch.manual_seed(0)
    model = Model()
    model.body[2].eval()
    model.register_forward_hook(lambda *a: None)
    model.body[0].weight.register_hook(lambda grad: grad)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    model(torch.randn(5, 3)).sum().backward()
    optimizer.step()
    model.body[0].bias.grad = None
    model.body[3].weight.data[0, 0] = float("nan")
    model.body[3].weight.data[0, 1] = -0.0
    return model, optimizer


def bits(value):
    """Everything there is to compare about a nest of tensors and containers, as plain data."""
    if isinstance(value, torch.Tensor):
        raw = value.detach().contiguous().numpy().tobytes()
        hooks = list((value._backward_hooks or {}).values())
        return id(value), raw, value.requires_grad, hooks, bits(value.grad) if value.is_leaf else None
    if isinstance(value, dict):
        return id(value), [(key, bits(item)) for key, item in value.items()]
    if isinstance(value, list):
        return id(value), [bits(item) for item in value]
    return (id(value), set(value)) if isinstance(value, set) else value


def model_bits(model):
    return [(type(module), bits(vars(module))) for module in model.modules()]


def spoil_model(model, optimizer):
    first, norm, drop, last = model.body
    optimizer.param_groups[0]["lr"] = 7.0
    optimizer.add_param_group({"params": [nn.Parameter(torch.zeros(1))]})
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1)
            parameter.grad = torch.ones_like(parameter)
    for state in optimizer.state.values():
        state["exp_avg"].zero_()
        state["extra"] = 1
    first.weight.data = torch.zeros(4, 3)
    last.weight.data[0, 1] = 0.0
    last.bias.requires_grad_(True)
    first.weight.requires_grad_(False)
    first.weight._backward_hooks.clear()
    norm.running_mean = torch.ones(4)
    norm.num_batches_tracked.add_(5)
    model.train()
    drop.train()
    model._forward_hooks.clear()
    model.register_forward_pre_hook(lambda *a: None)
    first.register_full_backward_hook(lambda *a: None)
    model.calls += 1
    model.new = 3
    model.seen[1]["mean"].add_(1)
    model.seen.append(4)
    model.names.add("b")
    model.body = nn.Linear(1, 1)
    model.extra = nn.Parameter(torch.zeros(3))
    optimizer.register_step_post_hook(lambda *a: None)


@pytest.mark.parametrize("error", ENDINGS)
def test_model_and_optimizer_are_what_they_were(error):
    model, optimizer = trained()
    before = model_bits(model), bits(vars(optimizer))
    with ended_by(error), untouched(model=model, optimizer=optimizer):
        spoil_model(model, optimizer)
        assert (model_bits(model), bits(vars(optimizer))) != before
        if error:
            raise error
    assert (model_bits(model), bits(vars(optimizer))) == before
    assert [module.training for module in model.body] == [True, True, False, True]


def test_gradients_keep_their_identity_and_numbers():
    model, _ = trained()
    grad = model.body[0].weight.grad
    numbers = grad.clone()
    with untouched(model=model):
        grad.zero_()
        model.zero_grad(set_to_none=True)
    assert model.body[0].weight.grad is grad
    assert torch.equal(grad, numbers)
    assert model.body[0].bias.grad is None


def test_tensors_that_did_not_change_are_not_written():
    model, optimizer = trained()
    versions = [parameter._version for parameter in model.parameters()]
    with untouched(model=model, optimizer=optimizer):
        model.body[0].bias.data.add_(1)
    assert [parameter._version for parameter in model.parameters()] == versions


def test_lazy_modules_stay_lazy():
    model = nn.Sequential(nn.LazyLinear(2))
    with untouched(model=model):
        model(torch.zeros(1, 3))
        assert type(model[0]) is nn.Linear
    assert type(model[0]) is nn.LazyLinear
    assert model[0].has_uninitialized_params()


@given(
    st.recursive(
        st.integers() | st.builds(lambda x: torch.tensor([x]), st.floats(width=32)) | st.sets(st.integers()),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.integers(), inner, max_size=3),
        max_leaves=8,
    )
)
def test_nests_of_containers_come_back(nest):
    before = bits(nest)
    kept = keep(nest)

    def spoil(value):
        inner = list(value.values()) if isinstance(value, dict) else value
        if isinstance(value, torch.Tensor):
            value.add_(1)
        elif isinstance(inner, list):
            for item in inner:
                spoil(item)
        if isinstance(value, dict | list | set):
            value.clear()

    spoil(nest)
    assert bits(kept.restore()) == before


def test_cycles_and_shared_tensors():
    tensor = torch.zeros(2)
    nest = {"a": [tensor], "b": tensor}
    nest["self"] = nest
    nest["a"].append(nest["a"])
    kept = keep(nest)
    tensor.add_(1)
    nest["a"].clear()
    del nest["self"]
    kept.restore()
    assert nest["self"] is nest
    assert nest["a"][0] is nest["b"] is tensor
    assert nest["a"][1] is nest["a"]
    assert (tensor == 0).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.complex64, torch.bool, torch.int8, torch.float64])
def test_tensors_of_any_dtype(dtype):
    tensor = torch.tensor([0, 1]).to(dtype)
    kept = keep(tensor)
    tensor.fill_(1)
    kept.restore()
    assert tensor.tolist() == [0, 1]


def test_tensors_without_numbers():
    for tensor in (torch.empty(2, device="meta"), torch.eye(2).to_sparse()):
        assert keep(tensor).restore() is tensor


@pytest.mark.parametrize("error", ENDINGS)
def test_loaders_samplers_and_generators(error):
    generator = torch.Generator().manual_seed(3)
    dataset = Data()
    loader = DataLoader(dataset, batch_size=2, shuffle=True, generator=generator)
    plain = TensorDataset(torch.zeros(4))
    before = (
        generator.get_state().tolist(),
        dataset.generator.bit_generator.state,
        dataset.draws.getstate(),
        dict(vars(loader)),
        dict(vars(loader.sampler)),
    )
    with ended_by(error), untouched(data=[loader, plain, (torch.zeros(3),), None]):
        list(loader)
        loader._iterator = iter(loader)
        loader.sampler.generator = None
        loader.batch_sampler.batch_size = 3
        if error:
            raise error
    assert before == (
        generator.get_state().tolist(),
        dataset.generator.bit_generator.state,
        dataset.draws.getstate(),
        dict(vars(loader)),
        dict(vars(loader.sampler)),
    )
    assert loader.batch_sampler.batch_size == 2


def process_state():
    logger, root = logging.getLogger("rightrate.test"), logging.root
    numpy = np.random.get_state()
    return {
        "python random": random.getstate(),
        "numpy random": (numpy[1].tobytes(), numpy[2:]),
        "torch random": torch.get_rng_state().tolist(),
        "numpy errors": np.geterr(),
        "filters": list(warnings.filters),
        "showwarning": warnings.showwarning,
        "directory": os.getcwd(),
        "environment": dict(os.environ),
        "path": (id(sys.path), list(sys.path)),
        "modules": [sys.modules.get(name) for name in ("json", "ast", "rightrate_test_module")],
        "loggers": [
            (x.level, x.disabled, x.propagate, list(x.handlers), list(x.filters)) for x in (logger, root)
        ],
        "handler levels": [handler.level for handler in root.handlers],
        "logging off": root.manager.disable,
        "signals": [signal.getsignal(number) for number in signal.valid_signals()],
        "streams": (sys.stdout, sys.stderr, sys.excepthook, threading.excepthook),
        "garbage": (gc.isenabled(), gc.get_threshold()),
        "children": multiprocessing.active_children(),
        "dtype": torch.get_default_dtype(),
        "device": torch.utils._device.CURRENT_DEVICE,
        "grad": torch.is_grad_enabled(),
        "threads": torch.get_num_threads(),
        "interop": torch.get_num_interop_threads(),
        "deterministic": (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
            torch.utils.deterministic.fill_uninitialized_memory,
        ),
        "anomaly": torch.is_anomaly_enabled(),
        "matmul": torch.get_float32_matmul_precision(),
        "tf32": (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32),
        "cudnn": (
            torch.backends.cudnn.benchmark,
            torch.backends.cudnn.deterministic,
            torch.backends.cudnn.enabled,
        ),
        "flash": torch.backends.cuda.flash_sdp_enabled(),
        "autocast": (torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")),
    }


def spoil_process(folder):
    (folder / "rightrate_test_module.py").write_text("value = 1\n")
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    np.seterr(all="raise")
    warnings.simplefilter("ignore")
    warnings.showwarning = print
    os.chdir(folder)
    os.environ["RIGHTRATE_TEST"] = "new"
    os.environ["RIGHTRATE_OLD"] = "changed"
    os.environ.pop("RIGHTRATE_GONE")
    sys.path.insert(0, str(folder))
    import rightrate_test_module

    assert rightrate_test_module.value == 1
    sys.modules["json"] = types.ModuleType("json")
    del sys.modules["ast"]
    for logger in (logging.getLogger("rightrate.test"), logging.root):
        logger.setLevel(1)
        logger.disabled = True
        logger.propagate = False
        logger.addFilter(print)
        for handler in logger.handlers:
            handler.setLevel(3)
        logger.addHandler(logging.NullHandler())
    logging.disable(50)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    sys.stdout = sys.stderr = sys.__stderr__
    sys.excepthook = threading.excepthook = print
    gc.disable()
    gc.set_threshold(5)
    multiprocessing.get_context("fork").Process(target=signal.pause, daemon=True).start()
    spoil_torch()


def spoil_torch():
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    torch.set_grad_enabled(False)
    torch.set_num_threads(torch.get_num_threads() + 1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.autograd.set_detect_anomaly(True)
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.enabled = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.enable_flash_sdp(False)
    torch.set_autocast_enabled("cpu", True)
    torch.set_autocast_dtype("cpu", torch.float16)


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.setenv("RIGHTRATE_OLD", "old")
    monkeypatch.setenv("RIGHTRATE_GONE", "there")


@pytest.mark.parametrize("error", ENDINGS)
@pytest.mark.usefixtures("environment")
def test_the_process_is_what_it_was(error, tmp_path):
    logging.getLogger("rightrate.test")
    before = process_state()
    with ended_by(error), untouched():
        spoil_process(tmp_path)
        if error:
            raise error
    after = process_state()
    assert {name for name in before if before[name] != after[name]} == set()


def test_the_check_above_sees_every_change(tmp_path, environment):
    logging.getLogger("rightrate.test")
    before = process_state()
    with untouched():
        spoil_process(tmp_path)
        during = process_state()
    assert {name for name in before if before[name] == during[name]} == {"interop"}


def test_the_new_names_of_precision_settings_come_back():
    matmul = torch.backends.cuda.matmul
    before = matmul.fp32_precision
    with untouched():
        matmul.fp32_precision = "tf32"
    assert matmul.fp32_precision == before
    assert torch.get_float32_matmul_precision() == "highest"


def test_precision_settings_that_cannot_be_read_are_left_alone():
    matmul = torch.backends.cuda.matmul
    with untouched():
        matmul.fp32_precision = "tf32"
        with pytest.raises(RuntimeError):
            torch.get_float32_matmul_precision()
        with untouched():
            torch.set_default_dtype(torch.float64)
        assert torch.get_default_dtype() == torch.float32
        assert matmul.fp32_precision == "tf32"


def test_a_working_directory_that_is_gone(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with untouched():
        os.chdir(tmp_path)
    assert os.getcwd() == str(tmp_path)


def test_libraries_loaded_on_the_way_stay(monkeypatch):
    monkeypatch.delitem(sys.modules, "this", raising=False)
    monkeypatch.setattr(sys, "stdout", None)
    with untouched():
        import this
    assert sys.modules["this"] is this


def test_ctrl_c_waits_until_everything_is_put_back(monkeypatch):
    presses = []
    model = nn.Linear(1, 1)

    class Pressing(dict):
        """A child attribute that gets Ctrl-C pressed while it is being put back."""

        def clear(self):
            os.kill(os.getpid(), signal.SIGINT)
            presses.append("pressed")
            super().clear()

    model.pressing = Pressing(a=1)
    weight = model.weight.clone()

    def spoil():
        with untouched(model=model), torch.no_grad():
            model.pressing["b"] = 2
            model.weight.add_(1)

    with pytest.raises(KeyboardInterrupt):
        spoil()
    assert presses == ["pressed"]
    assert model.pressing == {"a": 1}
    assert torch.equal(model.weight, weight)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_outside_the_main_thread():
    model = nn.Linear(1, 1)
    weight = model.weight.clone()

    def work():
        with untouched(model=model), torch.no_grad():
            model.weight.add_(1)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert torch.equal(model.weight, weight)


@pytest.mark.parametrize(("running", "stopped"), [(False, True), (True, False)])
def test_compile_workers_are_shut_down_unless_they_ran_before(monkeypatch, running, stopped):
    calls = []
    module = types.SimpleNamespace(
        _pool_set={"old"} if running else set(), shutdown_compile_workers=lambda: calls.append(1)
    )
    monkeypatch.setitem(sys.modules, "torch._inductor.async_compile", module)
    with compile_workers():
        module._pool_set.add("new")
    assert bool(calls) is stopped


def test_other_things_than_modules_and_optimizers_are_ignored():
    with untouched(model=lambda: None, optimizer="adamw", data=[None, "digits"]):
        pass
