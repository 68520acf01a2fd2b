"""The same models in JAX: `vmap` over members, `scan` over steps, optimizers written out."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.speed.cases import Case, rates
from benchmarks.speed.measure import Contestant

__all__ = ["contestant"]

Params = dict[str, Any]
_BETA1, _BETA2, _EPS, _DECAY, _MOMENTUM = 0.9, 0.999, 1e-8, 0.01, 0.9
_HEADS = 2


def contestant(case: Case, *, on_cpu: bool) -> Contestant:
    """Return K members trained by one compiled scan.

    Raises:
        ImportError: If JAX is not installed.
    """
    if on_cpu:
        os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax
    import torch

    inputs, targets = (jax.numpy.asarray(t.numpy()) for t in case.workload.data(torch.device("cpu")))
    start, apply = _MODELS[case.workload.name]
    size, batch = case.size, case.workload.batch_size
    params = jax.vmap(start)(jax.random.split(jax.random.key(0), size))
    lr = jax.numpy.asarray(rates(size), dtype=jax.numpy.float32)
    update = _adamw if case.optimizer == "adamw" else _sgd

    def loss(params: Params, rows: Any) -> Any:
        logits = jax.nn.log_softmax(apply(params, inputs[rows]))
        return -jax.numpy.take_along_axis(logits, targets[rows][:, None], 1).mean()

    def member(params: Params, slots: Params, lr: Any, rows: Any) -> tuple[Params, Params, Any]:
        value, grads = jax.value_and_grad(loss)(params, rows)
        return *update(params, slots, grads, lr), value

    def step(state: tuple[Params, Params], rows: Any) -> tuple[tuple[Params, Params], Any]:
        params, slots, value = jax.vmap(member, in_axes=(0, 0, 0, None))(*state, lr, rows)
        return (params, slots), value

    zeros = jax.tree.map(jax.numpy.zeros_like, params)
    state = (params, {"m": zeros, "v": zeros, "count": jax.numpy.zeros(size)})
    scan = jax.jit(lambda state, order: jax.lax.scan(step, state, order))
    draw = np.random.default_rng(0)
    held = [state]

    def run(steps: int) -> None:
        per_epoch = len(inputs) // batch
        epochs = [draw.permutation(len(inputs)) for _ in range(-(-steps // per_epoch))]
        order = np.concatenate([epoch[: per_epoch * batch].reshape(per_epoch, batch) for epoch in epochs])[
            :steps
        ]
        held[0], losses = scan(held[0], jax.numpy.asarray(order))
        losses.block_until_ready()

    return Contestant(run=run, close=held.clear, note=f"jax {jax.__version__}, vmap and scan")


def _sgd(params: Params, slots: Params, grads: Params, lr: Any) -> tuple[Params, Params]:
    import jax

    moved = jax.tree.map(lambda m, g: _MOMENTUM * m + g, slots["m"], grads)
    return jax.tree.map(lambda p, m: p - lr * m, params, moved), {**slots, "m": moved}


def _adamw(params: Params, slots: Params, grads: Params, lr: Any) -> tuple[Params, Params]:
    import jax

    count = slots["count"] + 1
    first = jax.tree.map(lambda m, g: _BETA1 * m + (1 - _BETA1) * g, slots["m"], grads)
    second = jax.tree.map(lambda v, g: _BETA2 * v + (1 - _BETA2) * g * g, slots["v"], grads)

    def moved(p: Any, m: Any, v: Any) -> Any:
        root = jax.numpy.sqrt(v / (1 - _BETA2**count)) + _EPS
        return p * (1 - lr * _DECAY) - lr * (m / (1 - _BETA1**count)) / root

    return jax.tree.map(moved, params, first, second), {"m": first, "v": second, "count": count}


def _linear(key: Any, inputs: int, outputs: int) -> Params:
    import jax

    bound = inputs**-0.5
    weight = jax.random.uniform(key, (inputs, outputs), minval=-bound, maxval=bound)
    return {"w": weight, "b": jax.numpy.zeros(outputs)}


def _apply(layer: Params, x: Any) -> Any:
    return x @ layer["w"] + layer["b"]


def _mlp(key: Any) -> Params:
    import jax

    keys = jax.random.split(key, 3)
    return {str(i): _linear(keys[i], 64, width) for i, width in enumerate((64, 64, 10))}


def _apply_mlp(params: Params, x: Any) -> Any:
    import jax

    for name in ("0", "1"):
        x = jax.nn.relu(_apply(params[name], x))
    return _apply(params["2"], x)


def _cnn(key: Any) -> Params:
    import jax

    keys = jax.random.split(key, 3)
    first = 0.3 * jax.random.normal(keys[0], (3, 3, 1, 8))
    second = 0.1 * jax.random.normal(keys[1], (3, 3, 8, 16))
    norms = {f"{kind}{i}": fill(width) for i, width in ((0, 8), (1, 16)) for kind, fill in _norm_parts()}
    return {"conv0": first, "conv1": second, **norms, "head": _linear(keys[2], 784, 10)}


def _norm_parts() -> tuple[tuple[str, Callable[[int], Any]], ...]:
    import jax

    return ("scale", jax.numpy.ones), ("shift", jax.numpy.zeros)


def _apply_cnn(params: Params, x: Any) -> Any:
    """Batch statistics only: the running ones, which torch keeps as well, cost next to nothing."""
    import jax

    x = x.transpose(0, 2, 3, 1)
    for i in range(2):
        kinds = ("NHWC", "HWIO", "NHWC")
        x = jax.lax.conv_general_dilated(x, params[f"conv{i}"], (1, 1), "SAME", dimension_numbers=kinds)
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
        x = (x - mean) / jax.numpy.sqrt(variance + 1e-5) * params[f"scale{i}"] + params[f"shift{i}"]
        x = jax.nn.relu(x)
        n, height, width, channels = x.shape
        x = x.reshape(n, height // 2, 2, width // 2, 2, channels).max((2, 4))
    return _apply(params["head"], x.reshape(len(x), -1))


def _transformer(key: Any) -> Params:
    import jax

    keys = jax.random.split(key, 7)
    sides = {"qkv": (32, 96), "project": (32, 32), "up": (32, 128), "down": (128, 32), "head": (32, 10)}
    layers = {name: _linear(own, *side) for own, (name, side) in zip(keys, sides.items(), strict=False)}
    norms = {f"{kind}{i}": fill(32) for i in range(2) for kind, fill in _norm_parts()}
    symbol, place = jax.random.normal(keys[5], (64, 32)), 0.02 * jax.random.normal(keys[6], (32, 32))
    return {**layers, **norms, "symbol": symbol, "place": place}


def _apply_transformer(params: Params, x: Any) -> Any:
    import jax

    def norm(h: Any, i: int) -> Any:
        mean, variance = h.mean(-1, keepdims=True), h.var(-1, keepdims=True)
        return (h - mean) / jax.numpy.sqrt(variance + 1e-5) * params[f"scale{i}"] + params[f"shift{i}"]

    h = params["symbol"][x] + params["place"]
    n, length, width = h.shape
    parts = _apply(params["qkv"], norm(h, 0)).reshape(n, length, 3, _HEADS, width // _HEADS)
    q, k, v = (parts[:, :, i] for i in range(3))
    scores = jax.numpy.einsum("nqhd,nkhd->nhqk", q, k) / (width // _HEADS) ** 0.5
    mixed = jax.numpy.einsum("nhqk,nkhd->nqhd", jax.nn.softmax(scores), v).reshape(n, length, width)
    h = h + _apply(params["project"], mixed)
    h = h + _apply(params["down"], jax.nn.gelu(_apply(params["up"], norm(h, 1)), approximate=False))
    return _apply(params["head"], h.mean(1))


_MODELS: dict[str, tuple[Callable[[Any], Params], Callable[[Params, Any], Any]]] = {
    "mlp": (_mlp, _apply_mlp),
    "cnn": (_cnn, _apply_cnn),
    "transformer": (_transformer, _apply_transformer),
}
