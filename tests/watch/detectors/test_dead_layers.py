"""Tensors without a gradient."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.optim import SGD

from rightrate.watch import Measure
from rightrate.watch.detectors.dead_layers import DeadLayers
from tests.watch.detectors.parts import block, found_in, parts, sample, told
from tests.watch.loops import network, quiet, train

DETECTOR = DeadLayers()


def seen(names: list[list[str]], losses: list[float] | None = None) -> Any:
    """Return a block with a sample at each row, of four tensors, of which some are flat."""
    samples = [sample(step, flat=flat, flat_fraction=len(flat) / 4) for step, flat in enumerate(names)]
    return block(range(len(names)), losses, samples=samples)


def test_names_those_that_were_flat_all_the_time_and_says_it_once() -> None:
    (finding,), _ = found_in(DETECTOR, [seen([["a"], [], ["a", "b"], ["b", "c"], ["b"], ["b", "c"], ["b"]])])
    assert (finding.verdict, finding.since, finding.step) == ("dead_layers", 2, 5)
    assert finding.text == "50% of the trained tensors have no gradient, or a zero one, since step 2: b."
    assert finding.evidence == {"flat_fraction": 0.5, "gradient_norm": 1.0}


def test_no_gradient_at_all() -> None:
    (finding,), _ = found_in(DETECTOR, [seen([["a", "b", "c", "d"]] * 4)])
    assert finding.text == "No tensor has a gradient other than zero since step 0."
    assert found_in(DETECTOR, [seen([["a", "b", "c", "d"]] * 4, [0.0] * 4)])[0] == []


def test_nan_is_no_zero() -> None:
    samples = [sample(step, flat_fraction=math.nan) for step in range(8)]
    assert found_in(DETECTOR, [block(range(8), samples=samples)])[0] == []


@given(
    st.lists(st.lists(st.sampled_from("abcd"), unique=True), max_size=20),
    st.lists(st.integers(0, 20), max_size=3),
)
def test_blocks_may_be_cut_anywhere(names: Any, cuts: Any) -> None:
    whole = seen(names)
    findings, state = found_in(DETECTOR, [whole])
    assert found_in(DETECTOR, parts(whole, cuts)) == (findings, state)
    runs = "".join("x" if flat else " " for flat in names).split()
    assert len(findings) == sum(len(run) >= 4 for run in runs)
    assert all(name == "dead_layers" for name, _ in told(findings))


@pytest.mark.parametrize("bias", [-1e3, 0.0])
def test_rectifiers_that_died(bias: float) -> None:
    model = network()
    assert isinstance(model[1], nn.BatchNorm1d)
    nn.init.constant_(model[1].bias, bias)
    optimizer = SGD(model.parameters(), lr=0.05)
    with quiet(optimizer, model=model, measure=Measure(gradients_every=8)) as w:
        train(model, optimizer, 40, w=w)
    found = [one for one in w.findings if one.verdict == "dead_layers"]
    assert len(found) == (bias < 0.0)
    if found:
        assert found[0].since == 0
        assert found[0].text.endswith("since step 0: 0.weight, 0.bias, 1.weight, 1.bias, 4.weight.")
    assert not w.notes
