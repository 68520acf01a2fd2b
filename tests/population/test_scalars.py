"""The pass over the compiler's graph, without the compiler."""

import torch
from torch import fx
from torch.fx.experimental.proxy_tensor import make_fx

from rightrate.population.scalars import ScalarsFirst

ONCE = torch.ops.rightrate.once.default


def graph_of(function, *arguments) -> fx.GraphModule:
    return make_fx(function, tracing_mode="fake")(*arguments)


def stored(module: fx.GraphModule) -> list[fx.Node]:
    return [node for node in module.graph.nodes if node.target == ONCE]


def corrected(values: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
    return values / (1 - 0.9 ** (count + 1))


def test_powers_are_stored_before_they_are_used_on_many():
    count, values = torch.tensor(3.0), torch.ones(5)
    module = graph_of(corrected, values, count)
    ScalarsFirst()(module.graph)
    module.recompile()
    (node,) = stored(module)
    assert [user.target for user in node.users] == [torch.ops.aten.div.Tensor]
    assert node.all_input_nodes[0].target == torch.ops.aten.rsub.Scalar
    torch.testing.assert_close(module(values, count), corrected(values, count))


def test_what_is_cheap_or_not_for_many_stays():
    count, values = torch.tensor(3.0), torch.ones(5)
    for function in (
        lambda values, count: values / (1 - count),
        lambda values, count: 0.9**count,
        lambda values, count: values**2,
    ):
        module = graph_of(function, values, count)
        ScalarsFirst()(module.graph)
        assert not stored(module)
