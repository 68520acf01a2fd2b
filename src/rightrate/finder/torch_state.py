"""What a search must leave as it was in torch: random states, settings, and compile workers."""

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.utils._device  # its CURRENT_DEVICE alone tells "cpu" from "none chosen"
from torch.utils import deterministic

__all__ = ["compile_workers", "torch_random", "torch_settings"]

Read = Callable[[], Any]
Write = Callable[[Any], object]

_UNREADABLE = object()


@contextmanager
def torch_random(device: str) -> Iterator[None]:
    """Keep torch's random states: the CPU's, and those of GPUs if they are in use or `device` is one."""
    if torch.device(device).type == "cuda" and torch.cuda.is_available():
        torch.cuda.init()  # type: ignore[no-untyped-call]
    cpu = torch.default_generator.get_state()
    in_use: bool = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    gpus = torch.cuda.get_rng_state_all() if in_use else []
    try:
        yield
    finally:
        torch.default_generator.set_state(cpu)
        if gpus:
            torch.cuda.set_rng_state_all(gpus)


@contextmanager
def torch_settings() -> Iterator[None]:
    """Keep torch's global settings; each is written only if it changed.

    The number of threads between operations is left alone: torch allows it to be set only once.
    """
    settings = _settings()
    before = [_value(read) for read, _ in settings]
    try:
        yield
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some settings are deprecated; they are restored all the same
            for (read, write), value in zip(settings, before, strict=True):
                if value is not _UNREADABLE and _value(read) != value:
                    write(value)


@contextmanager
def compile_workers() -> Iterator[None]:
    """Shut down the worker processes of torch's compiler, unless there were some before."""
    had = bool(_compile_pools())
    try:
        yield
    finally:
        if not had and _compile_pools():
            sys.modules["torch._inductor.async_compile"].shutdown_compile_workers()


def _compile_pools() -> list[Any]:
    return list(getattr(sys.modules.get("torch._inductor.async_compile"), "_pool_set", ()))


def _value(read: Read) -> Any:
    try:
        return read()
    except RuntimeError:  # torch refuses to read a setting through its old name when the new one was used
        return _UNREADABLE


def _attribute(owner: Any, name: str) -> tuple[Read, Write]:
    return lambda: getattr(owner, name), lambda value: setattr(owner, name, value)


def _settings() -> list[tuple[Read, Write]]:
    backends: Any = torch.backends
    cuda, cudnn = backends.cuda, backends.cudnn
    pairs: list[tuple[Read, Write]] = [
        (torch.get_default_dtype, torch.set_default_dtype),
        (lambda: torch.utils._device.CURRENT_DEVICE, torch.set_default_device),
        (torch.is_grad_enabled, torch.set_grad_enabled),
        (torch.get_num_threads, torch.set_num_threads),
        (_deterministic, lambda pair: torch.use_deterministic_algorithms(pair[0], warn_only=pair[1])),
        _attribute(deterministic, "fill_uninitialized_memory"),
        (_anomaly, lambda pair: torch.autograd.set_detect_anomaly(*pair)),
        (torch.is_autocast_cache_enabled, torch.set_autocast_cache_enabled),
        (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
        (cuda.flash_sdp_enabled, cuda.enable_flash_sdp),
        (cuda.math_sdp_enabled, cuda.enable_math_sdp),
        (cuda.mem_efficient_sdp_enabled, cuda.enable_mem_efficient_sdp),
        *(_attribute(cuda.matmul, name) for name in ("allow_tf32", "allow_fp16_reduced_precision_reduction")),
        *(_attribute(cudnn, name) for name in ("enabled", "benchmark", "deterministic", "allow_tf32")),
    ]
    for device in ("cpu", "cuda"):
        pairs += [_autocast(device), _autocast_dtype(device)]
    # The names that replaced the above, where this torch has them.
    precise = (backends, cuda.matmul, cudnn, *_children(cudnn), backends.mkldnn, *_children(backends.mkldnn))
    pairs += [_attribute(owner, "fp32_precision") for owner in precise if hasattr(owner, "fp32_precision")]
    return pairs


def _children(backend: Any) -> list[Any]:
    return [getattr(backend, name) for name in ("conv", "rnn", "matmul") if hasattr(backend, name)]


def _deterministic() -> tuple[bool, bool]:
    return torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()


def _anomaly() -> tuple[bool, bool]:
    return torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()


def _autocast(device: str) -> tuple[Read, Write]:
    return lambda: torch.is_autocast_enabled(device), lambda on: torch.set_autocast_enabled(device, on)


def _autocast_dtype(device: str) -> tuple[Read, Write]:
    return lambda: torch.get_autocast_dtype(device), lambda dtype: torch.set_autocast_dtype(device, dtype)
