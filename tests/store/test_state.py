"""Nested states as safetensors and back."""

import math

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings

from rightrate.errors import ConfigError
from rightrate.store.state import pack, unpack

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=20)
DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool]


@st.composite
def tensors(draw):
    shape = draw(st.lists(st.integers(0, 3), max_size=4))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 9)))
    value = (100 * torch.randn(shape, generator=generator)).to(draw(st.sampled_from(DTYPES)))
    return value.permute(draw(st.permutations(range(len(shape)))))


STATES = st.recursive(
    SCALARS | tensors() | st.sampled_from([np.float32(1.5), np.int64(3), np.arange(6.0).reshape(2, 3)]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers() | st.none(), inner, max_size=3)
    ),
    max_leaves=12,
)


def same(one, other):
    """Equal in type, in values bit for bit and in the order of axes in memory."""
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        bits = (item.contiguous().reshape(-1).view(torch.uint8) for item in (one, other))
        axes = [axis for axis in range(one.ndim) if one.shape[axis] > 1] if one.numel() else []
        moved = [one.stride(axis) for axis in axes] != [other.stride(axis) for axis in axes]
        return one.dtype == other.dtype and one.shape == other.shape and torch.equal(*bits) and not moved
    if isinstance(one, np.ndarray | np.generic):
        return one.dtype == other.dtype and one.tobytes() == other.tobytes()
    if isinstance(one, dict):
        return list(map(repr, one)) == list(map(repr, other)) and all(
            same(one[key], other[key]) for key in one
        )
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other or (isinstance(one, float) and math.isnan(one) and math.isnan(other))


@settings(max_examples=40)
@given(st.dictionaries(st.text() | st.integers(), STATES, max_size=4))
def test_what_goes_in_comes_out(state):
    assert same(unpack(pack(state)), state)


def test_equal_states_have_equal_bytes():
    state = {"a": torch.arange(4.0), "b": [1, {"c": np.ones(2)}]}
    assert pack(state) == pack(unpack(pack(state)))


def test_what_shares_memory_is_stored_apart():
    base = torch.arange(6.0)
    found = unpack(pack({"all": base, "part": base[2:4], "every other": base[::2]}))
    found["all"].zero_()
    assert found["part"].tolist() == [2.0, 3.0]
    assert found["every other"].tolist() == [0.0, 2.0, 4.0]


def test_complex_numbers_and_memory_formats_are_kept():
    image = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    found = unpack(pack({"complex": torch.tensor([1 + 2j]), "image": image}))
    assert found["complex"].tolist() == [1 + 2j]
    assert found["image"].is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(found["image"], image)


def test_the_state_of_an_optimizer():
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    assert same(unpack(pack(optimizer.state_dict())), optimizer.state_dict())


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"a": {"b": [print]}}, r"state\['a'\]\['b'\]\[0\] must be a tensor, an array, a number"),
        ({"a": {(1, 2): 3}}, r"A name in state\['a'\] must be"),
        ({"a": torch.eye(2).to_sparse()}, r"state\['a'\] must be"),
        ({"a": np.array(["text"])}, r"state\['a'\] must be"),
    ],
)
def test_anything_else_is_refused_by_its_place(state, said):
    with pytest.raises(ConfigError, match=said):
        pack(state)
