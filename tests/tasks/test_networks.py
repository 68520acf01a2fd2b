import pytest
import torch

from rightrate.tasks import networks

CASES = [
    (lambda: networks.Mlp(5, [7], 3, 0.5), torch.randn(4, 5, generator=torch.Generator().manual_seed(0))),
    (lambda: networks.Mlp(5, [7], None), torch.randn(4, 5, generator=torch.Generator().manual_seed(0))),
    (networks.Cnn, torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))),
    (
        lambda: networks.BatchNormCnn(6, (4, 8)),
        torch.randn(4, 1, 28, 28, generator=torch.Generator().manual_seed(0)),
    ),
    (
        lambda: networks.CharTransformer(9, context=6, width=8, heads=2),
        torch.randint(9, (4, 6), generator=torch.Generator().manual_seed(0)),
    ),
]


@pytest.mark.parametrize(("build", "x"), CASES)
def test_stacked_members_give_what_each_gives_alone(build, x):
    members = [build().double().eval() for _ in range(3)]
    x = x.double() if x.is_floating_point() else x
    params, buffers = torch.func.stack_module_state(members)

    def forward(parameters, state):
        return torch.func.functional_call(members[0], (parameters, state), (x,))

    stacked = torch.func.vmap(forward)(params, buffers)
    for output, member in zip(stacked, members, strict=True):
        torch.testing.assert_close(output, member(x), rtol=1e-9, atol=1e-12)


def test_attention_equals_that_of_torch():
    torch.manual_seed(0)
    block = networks._Block(8, 2, 6).double()
    x = torch.randn(3, 6, 8, dtype=torch.float64)
    q, k, v = block.qkv(block.norm1(x)).chunk(3, dim=-1)
    heads = [part.unflatten(-1, (2, 4)).transpose(1, 2) for part in (q, k, v)]
    mixed = torch.nn.functional.scaled_dot_product_attention(*heads, is_causal=True)
    after = x + block.project(mixed.transpose(1, 2).flatten(2))
    torch.testing.assert_close(block(x), after + block.feed(block.norm2(after)), rtol=1e-10, atol=1e-12)
