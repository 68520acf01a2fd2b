"""Each sentence about another library is one that a parity test holds."""

import ast
from pathlib import Path

import pytest
import torch

from rightrate.schedules import NAMES, parse
from rightrate.schedules.differences import DIFFERENCES, differences, names_in

HERE = Path(__file__).parent
PROOFS = {
    "torch-cosine-end": (
        "torch",
        "test_cosine_annealing_rises_again_after_its_end_and_ours_holds",
        "CosineAnnealingLR",
    ),
    "torch-linear-end": ("torch", "test_linear_lr_holds_its_last_value_and_ours_the_step_before", "LinearLR"),
    "torch-warmup-start": ("torch", "GRID", "LinearLR"),
    "torch-one-cycle-top": (
        "torch",
        "test_the_peak_of_torchs_one_cycle_may_fall_between_two_steps",
        "OneCycleLR",
    ),
    "torch-one-cycle-end": ("torch", "test_torch_steps_one_cycle_past_its_end_and_up_again", "OneCycleLR"),
    "torch-one-cycle-momentum": (
        "torch",
        "test_torch_moves_momentum_against_the_rate_unasked",
        "OneCycleLR",
    ),
    "torch-milestones": ("torch", "test_torch_takes_a_milestone_twice", "MultiStepLR"),
    "torch-epochs": ("torch", "test_a_scheduler_stepped_once_an_epoch_is_per_epoch", "StepLR"),
    "torch-early-step": (
        "torch",
        "test_schedulers_stepped_before_the_first_step_are_one_ahead",
        "StepLR",
    ),
    "torch-cyclic-momentum": (
        "torch",
        "test_torch_moves_momentum_against_the_rate_unasked",
        "CyclicLR",
    ),
    "torch-exp-range-top": ("torch", "GRID", "exp_range"),
    "torch-step-end": ("torch", "test_torch_goes_on_falling_and_ours_holds", "StepLR"),
    "torch-exponential-end": ("torch", "test_torch_goes_on_falling_and_ours_holds", "ExponentialLR"),
    "torch-constant-start": ("torch", "test_what_torch_does_unasked", "ConstantLR"),
    "torch-polynomial-end": ("torch", "test_what_torch_does_unasked", "PolynomialLR"),
    "keras-boundaries": ("keras", "test_a_boundary_belongs_to_what_goes_before_in_keras", "rates_of_keras"),
    "keras-end": (
        "keras",
        "test_keras_reaches_the_end_one_step_after_the_last_and_ours_holds_the_last",
        "rates_of_keras",
    ),
    "keras-exponential-end": ("keras", "test_keras_goes_on_falling_and_ours_holds", "Exponential"),
    "keras-inverse-time-end": ("keras", "test_keras_goes_on_falling_and_ours_holds", "InverseTime"),
    "keras-restarts": ("keras", "test_cycles_double_unasked_in_keras", "growth=2"),
    "keras-warmup": ("keras", "GRID", "'warmup_steps': 12"),
    "optax-end": (
        "optax",
        "test_optax_reaches_the_end_one_step_after_the_last_and_ours_holds_the_last",
        "linear_schedule",
    ),
    "optax-warmup": ("optax", "GRID", "warmup_cosine_decay_schedule(PEAK / 12, PEAK, 11"),
    "optax-one-cycle": ("optax", "test_one_cycle_of_optax_ends_one_step_later", "cosine_onecycle_schedule"),
    "optax-floor": ("optax", "GRID", "end_value=0.05"),
    "transformers-warmup": (
        "transformers",
        "test_the_first_step_of_their_warmup_changes_nothing_and_of_ours_something",
        "get_linear_schedule_with_warmup",
    ),
    "transformers-cosine": (
        "transformers",
        "test_their_cosine_starts_at_nothing_and_rises_again_after_its_end",
        "get_cosine_schedule_with_warmup",
    ),
    "transformers-wsd": ("transformers", "test_the_same_rates_as_transformers", "get_wsd_schedule"),
    "transformers-inverse-sqrt": ("transformers", "test_the_same_rates_as_transformers", "10000"),
}
"""The library, the parity test or table that holds the sentence, and what stands in it."""


def test_every_difference_has_its_proof() -> None:
    assert list(DIFFERENCES) == list(PROOFS)


@pytest.mark.parametrize("key", PROOFS)
def test_the_proof_is_there(key: str) -> None:
    library, name, inside = PROOFS[key]
    assert DIFFERENCES[key].theirs.lower().startswith(f"{library} ")
    tree = ast.parse((HERE / f"test_parity_{library}.py").read_text(encoding="utf-8"))
    found = [
        node
        for node in tree.body
        if (isinstance(node, ast.FunctionDef) and node.name == name)
        or (isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == name)
    ]
    assert len(found) == 1
    whole = found[0]
    decorators = [ast.unparse(item) for item in getattr(whole, "decorator_list", [])]
    assert inside in " ".join([*decorators, ast.unparse(whole)])


@pytest.mark.parametrize("key", DIFFERENCES)
def test_sentences_are_short_and_name_schedules_that_are(key: str) -> None:
    item = DIFFERENCES[key]
    assert item.names
    assert set(item.names) <= set(NAMES)
    assert len(item.sentence) <= 100
    assert item.sentence.endswith(".")


def test_names_are_found_inside() -> None:
    text = "clipped(warmup(2) + scaled(rex(3) + cosine(4), 0.5), low=0.1) + rex(9)"
    assert names_in(parse(text)) == ("sequence", "clipped", "warmup", "scaled", "rex", "cosine")


@pytest.mark.parametrize(
    ("text", "theirs"),
    [
        ("rex(9)", []),
        ("piecewise(4: 1, 9: 0.1)", ["Keras PiecewiseConstantDecay"]),
        ("shifted(rex(9), 1)", ["torch StepLR"]),
        ("triangular(9, half_cycle_steps=2)", ["torch CyclicLR"]),
        (
            "warmup(2) + cosine(9)",
            [
                *("torch CosineAnnealingLR", "torch LinearLR", "Keras CosineDecay"),
                "optax warmup_cosine_decay_schedule",
                "transformers get_cosine_schedule_with_warmup",
            ],
        ),
    ],
)
def test_what_belongs_to_a_schedule_is_said(text: str, theirs: list[str]) -> None:
    assert [item.theirs for item in differences(parse(text))] == theirs


def test_torchs_own_warmup_starts_at_a_third() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
    torch.optim.lr_scheduler.LinearLR(optimizer, total_iters=20)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1)
