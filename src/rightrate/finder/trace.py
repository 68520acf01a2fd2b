"""Leave no trace: whatever a search touches is afterwards what it was, bit for bit."""

import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch.utils.data import DataLoader

from rightrate.finder.kept import Kept, KeptAttributes
from rightrate.finder.process_state import PROCESS_GUARDS
from rightrate.finder.torch_state import compile_workers, torch_random, torch_settings
from rightrate.tasks.randomness import generators_of, private_generators

__all__ = ["data_untouched", "training_untouched", "untouched"]


@contextmanager
def untouched(
    *, model: Any = None, data: Iterable[Any] = (), optimizer: Any = None, device: str = "cpu"
) -> Iterator[None]:
    """Put everything back that changed within the `with` block, on exceptions and Ctrl-C too.

    The process: signal handlers, warning filters, logging, standard streams, environment, import path and
    modules, working directory, random states, child processes. Torch: random states, number of threads,
    default dtype and device, grad mode, deterministic, precision and autocast settings. And the caller's
    objects. Ctrl-C during the putting back waits until it is done. Caches are left alone: libraries that were
    loaded on the way stay, and so does compiled code in torch's cache folder.

    Args:
        model: A module, or anything else, which is ignored.
        data: Loaders, datasets and whatever else was passed as data.
        optimizer: An optimizer instance, or anything else, which is ignored.
        device: The device to be used; if it is a GPU, its random state is kept too.

    Example:
        >>> import torch
        >>> model = torch.nn.Linear(1, 1)
        >>> with untouched(model=model):
        ...     _ = torch.nn.init.zeros_(model.weight), model.eval(), torch.set_grad_enabled(False)
        >>> bool(model.weight != 0), model.training, torch.is_grad_enabled()
        (True, True, True)
    """
    stack = ExitStack()
    try:
        for guard in PROCESS_GUARDS:
            stack.enter_context(guard())
        stack.enter_context(torch_random(device))
        stack.enter_context(torch_settings())
        stack.enter_context(compile_workers())
        stack.enter_context(training_untouched(model, optimizer))
        stack.enter_context(data_untouched(data))
        yield
    finally:
        with _interrupts_wait():
            stack.close()


@contextmanager
def training_untouched(model: Any, optimizer: Any) -> Iterator[None]:
    """Keep a module and an optimizer.

    Of the module: parameters, buffers, gradients, modes, hooks and all other attributes of all submodules.
    Of the optimizer: groups, state, hooks, and the parameters it holds.
    """
    memo: dict[int, Kept] = {}
    owners: list[Any] = [*model.modules()] if isinstance(model, torch.nn.Module) else []
    owners += [optimizer] if isinstance(optimizer, torch.optim.Optimizer) else []
    with _restored([KeptAttributes(owner, memo) for owner in owners]):
        yield


@contextmanager
def data_untouched(data: Iterable[Any]) -> Iterator[None]:
    """Keep the attributes of loaders and samplers, and the random generators of these and of datasets."""
    kept: list[Kept] = []
    generators: list[Any] = []
    for item in data:
        owners = [item]
        if isinstance(item, DataLoader):
            batches = item.batch_sampler
            owners += [item.sampler, batches, getattr(batches, "sampler", None)]
            kept += [KeptAttributes(owner, {}, deep=False) for owner in owners if owner is not None]
        for owner in owners:
            generators += generators_of(owner)
    with _restored(kept), private_generators(generators):
        yield


@contextmanager
def _restored(kept: list[Kept]) -> Iterator[None]:
    try:
        yield
    finally:
        for one in kept:
            one.restore()


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Hold Ctrl-C back for the length of a `with` block, and let it come through afterwards."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is None:
        yield
        return
    came: list[int] = []

    def collect(number: int, frame: Any) -> None:
        came.append(number)

    before = signal.signal(signal.SIGINT, collect)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is collect:
            signal.signal(signal.SIGINT, before)
    if came:
        signal.raise_signal(signal.SIGINT)
