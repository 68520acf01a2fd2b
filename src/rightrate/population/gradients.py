"""Losses and gradients of K stacked members on one batch, in the forms that `torch.func` offers.

Form A is `vmap(grad_and_value(f))`, form B is `vmap(f)` followed by one backward pass of the summed losses.
Neither covers every model; which one is right and fast is checked and measured at the start of a run.
"""

import inspect
import types
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor
from torch.func import functional_call, grad_and_value, vmap

from rightrate.population.program import Program

__all__ = ["Form", "Gradients", "Tensors", "compiled", "gradients", "own_code"]

Form = Literal["A", "B"]
Tensors = dict[str, Tensor]
Gradients = Callable[[Tensors, Tensors, Any], tuple[Tensors, Tensor, Tensors]]
"""(params, buffers, batch) -> (gradients, losses (K,), buffers after the forward pass)."""


def gradients(base: Program, form: Form) -> Gradients:
    """Return the function that computes all members' losses and gradients in one call.

    Args:
        base: A real copy of the program in training mode. Never one made with `deepcopy(...).to("meta")`,
            which unties tied weights without an error.
        form: "A" or "B".
    """

    def member_loss(params: Tensors, buffers: Tensors, batch: Any) -> tuple[Tensor, Tensors]:
        own = {name: value.clone() for name, value in buffers.items()}
        loss, _ = functional_call(base, {**params, **own}, (batch,))
        return loss, own

    def form_a(params: Tensors, buffers: Tensors, batch: Any) -> tuple[Tensors, Tensor, Tensors]:
        stacked = vmap(grad_and_value(member_loss, has_aux=True), in_dims=(0, 0, None), randomness="same")
        grads, (losses, after) = stacked(params, buffers, batch)
        return grads, losses, after

    def form_b(params: Tensors, buffers: Tensors, batch: Any) -> tuple[Tensors, Tensor, Tensors]:
        leaves = {name: value.detach().requires_grad_() for name, value in params.items()}
        with torch.enable_grad():
            stacked = vmap(member_loss, in_dims=(0, 0, None), randomness="same")
            losses, after = stacked(leaves, buffers, batch)
            total = losses.sum()
        grads = torch.autograd.grad(total, list(leaves.values()), materialize_grads=True)
        kept = {name: value.detach() for name, value in after.items()}
        return dict(zip(leaves, grads, strict=True)), losses.detach(), kept

    return form_a if form == "A" else form_b


def compiled(function: Callable[..., Any], *, fullgraph: bool) -> Callable[..., Any]:
    """Return the function compiled for the shapes it sees, drawing random numbers as eager code does.

    Every call gets code of its own, because torch counts recompilations by code object and, past a limit,
    goes on uncompiled without an error.

    Args:
        function: What to compile.
        fullgraph: Whether failing to compile all of it is an error. If so, what it closes over must stay as
            it is at the first call, but for what tensors hold: only the arguments are looked at again, as
            looking at all of a model each time took a seventh of a step. Not so where graphs may break:
            their parts are kept with torch's own functions, which other models' parts share.
    """
    from rightrate.population.scalars import ScalarsFirst  # imports the compiler

    options: dict[str, Any] = {"fallback_random": True, "post_grad_custom_post_pass": ScalarsFirst()}
    private = fullgraph and isinstance(function, types.FunctionType)
    if private and hasattr(torch.compiler, "skip_guard_on_globals_unsafe"):  # came with the option
        options["guard_filter_fn"] = partial(_of_arguments, _arguments(function))
    result: Callable[..., Any] = torch.compile(
        own_code(function), fullgraph=fullgraph, dynamic=False, options=options
    )
    return result


def _arguments(function: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


def _of_arguments(arguments: Sequence[str], guards: Sequence[Any]) -> list[bool]:
    """Say which guards to keep: those on arguments, and those on no variable, such as the gradient mode."""
    kept = tuple(f"L['{name}']" for name in arguments)
    return [not guard.name or guard.name.startswith(kept) for guard in guards]


def own_code(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a copy of a plain function with a code object of its own."""
    if not isinstance(function, types.FunctionType):
        return function
    copied = types.FunctionType(
        function.__code__.replace(co_name=function.__name__),
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copied.__kwdefaults__ = function.__kwdefaults__
    return copied
