"""Numbers that a compiled step needs once, computed once.

Adam's bias corrections are powers of a step count: one number for a whole parameter. The compiler writes
such numbers into the loop over the elements, so that a small model's step spent half its time on powers. A
pass over the compiler's graph marks them to be computed beforehand.

Imports the compiler: only for those who are about to compile.
"""

from typing import Any

import torch
from torch import Tensor, fx
from torch._inductor.custom_graph_pass import CustomGraphPass
from torch._inductor.lowering import register_lowering

__all__ = ["ScalarsFirst"]

_DEAR = ("pow", "sqrt", "rsqrt", "exp", "log")


@torch.library.custom_op("rightrate::once", mutates_args=())
def _once(value: Tensor) -> Tensor:
    return value.clone()


@_once.register_fake
def _(value: Tensor) -> Tensor:
    return torch.empty_like(value)


@register_lowering(torch.ops.rightrate.once.default, type_promotion_kind=None)
def _stored(value: Any) -> Any:
    value.realize()
    return value


class ScalarsFirst(CustomGraphPass):
    """Has single numbers that are dear to compute stored before the loops that use them, on a CPU."""

    def __call__(self, graph: fx.Graph) -> None:
        """Change the graph in place."""
        dear: set[fx.Node] = set()
        for node in list(graph.nodes):
            if not _is_scalar(node):
                continue
            if _name(node) in _DEAR or dear.intersection(node.all_input_nodes):
                dear.add(node)
            users = [user for user in node.users if _is_over_many(user)]
            if node in dear and users:
                with graph.inserting_after(node):
                    stored = graph.call_function(torch.ops.rightrate.once.default, (node,))
                stored.meta.update(node.meta)
                for user in users:
                    user.replace_input_with(node, stored)

    def uuid(self) -> str:
        """Return what the compiler's cache knows this pass by."""
        return "rightrate-scalars-first-1"


def _name(node: fx.Node) -> str:
    """Return the operation's name: "pow" of `aten.pow.Scalar`."""
    return str(getattr(node.target, "_opname", ""))


def _is_scalar(node: fx.Node) -> bool:
    value = node.meta.get("val")
    on_cpu = isinstance(value, Tensor) and value.ndim == 0 and value.device.type == "cpu"
    return on_cpu and node.op == "call_function"


def _is_over_many(node: fx.Node) -> bool:
    value = node.meta.get("val")
    return isinstance(value, Tensor) and value.ndim > 0 and value.device.type == "cpu"
