"""Groups and tensors that never move."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.optim import SGD

from rightrate.watch import Measure
from rightrate.watch.detectors.groups_still import GroupsStill
from tests.watch.detectors.parts import block, found_in, parts, sample, told
from tests.watch.loops import network, quiet, train

DETECTOR = GroupsStill()


def seen(
    still: Sequence[Sequence[int]], rates: Sequence[tuple[float, ...]] | None = None, **values: float
) -> Any:
    """Return a block of rows with a sample at each."""
    steps = range(len(still))
    samples = [sample(step, still_groups=groups, **values) for step, groups in zip(steps, still, strict=True)]
    applied = tuple(rates) if rates is not None else ((0.1, 0.2),) * len(still)
    return block(steps, samples=samples, applied=applied)


def test_four_samples_in_a_row_are_needed_and_it_is_said_once() -> None:
    findings, _ = found_in(DETECTOR, [seen([[1]] * 3 + [[]] + [[1]] * 9)])
    assert told(findings) == [("groups_still", 4)]
    assert (findings[0].step, findings[0].evidence["group"], findings[0].evidence["lr"]) == (7, 1.0, 0.2)
    assert findings[0].text == "No tensor of param_groups[1] changes, at a rate of 0.2."
    assert told(found_in(DETECTOR, [seen([[0]] * 4 + [[]] + [[0]] * 4)])[0]) == [
        ("groups_still", 0),
        ("groups_still", 5),
    ]


def test_samples_at_rate_zero_are_passed_over() -> None:
    rates = [(0.1, 0.0 if step % 2 else 0.2) for step in range(8)]
    assert found_in(DETECTOR, [seen([[1]] * 8, [(0.1, 0.0)] * 8)])[0] == []
    assert told(found_in(DETECTOR, [seen([[1]] * 8, rates)])[0]) == [("groups_still", 0)]


def test_a_run_that_has_converged_does_not_move_either() -> None:
    samples = [
        sample(step, gradient_norm=1.0 if step < 4 else 9e-4, still_groups=[0]) for step in range(3, 20)
    ]
    assert found_in(DETECTOR, [block(range(20), samples=samples)])[0] == []


def test_updates_that_are_rounded_away() -> None:
    (finding,), _ = found_in(DETECTOR, [seen([[]] * 6, still_fraction=0.75, flat_fraction=0.25)])
    assert finding.text.startswith("50% of the tensors have a gradient and do not change")
    for still, flat in ((0.25, 0.25), (0.6, 0.25), (1.0, 1.0)):
        assert found_in(DETECTOR, [seen([[]] * 6, still_fraction=still, flat_fraction=flat)])[0] == []


@given(
    st.lists(st.sampled_from([[], [0], [1], [0, 1]]), max_size=24),
    st.lists(st.sampled_from([0.0, 0.1]), min_size=24, max_size=24),
    st.lists(st.integers(0, 24), max_size=3),
)
def test_blocks_may_be_cut_anywhere(still: Any, rates: Any, cuts: Any) -> None:
    whole = seen(still, [(0.1, rate) for rate in rates[: len(still)]])
    assert found_in(DETECTOR, parts(whole, cuts)) == found_in(DETECTOR, [whole])


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_head_whose_copies_are_trained(forgotten: bool) -> None:
    model = network()
    head = list(model[4].parameters())
    copies = [nn.Parameter(tensor.detach().clone()) for tensor in head]
    groups = [
        {"params": [tensor for tensor in model.parameters() if all(tensor is not one for one in head)]},
        {"params": copies if forgotten else head, "lr": 0.02},
    ]
    optimizer = SGD(groups, lr=0.05)
    with quiet(optimizer, model=model, measure=Measure(gradients_every=8)) as w:
        train(model, optimizer, 40, w=w)
    found = [(one.since, one.evidence["group"]) for one in w.findings if one.verdict == "groups_still"]
    assert found == ([(0, 1.0)] if forgotten else [])
    assert not w.notes


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float32])
def test_weights_too_coarse_for_their_updates(kind: torch.dtype) -> None:
    model = network().to(kind)
    optimizer = SGD(model.parameters(), lr=1e-4)
    with quiet(optimizer, model=model, measure=Measure(gradients_every=8)) as w:
        for _ in range(40):
            optimizer.zero_grad()
            loss = coarse_loss(model, kind)
            loss.backward()
            optimizer.step()
            w.observe(loss)
    found = [one.text for one in w.findings if one.verdict == "groups_still"]
    assert len(found) == (kind is torch.bfloat16)


def coarse_loss(model: nn.Module, kind: torch.dtype) -> torch.Tensor:
    return nn.functional.cross_entropy(
        model(torch.linspace(-1, 1, 128, dtype=kind).reshape(16, 8)).float(), torch.arange(16) % 3
    )
