"""The self-check: silent where the engine is right, one plain sentence where it is not."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tests.population.models import CASES, MODELS, Case, mlp, setup_of
from torch import Tensor, nn

from rightrate.optimizers.catalogue import named, names
from rightrate.population import Kernel, StackedEvaluation
from rightrate.population import kernel as kernel_module
from rightrate.population.check import check_evaluation, check_kernel, check_precisely, explain, quiet
from rightrate.population.gradients import Form

pytestmark = pytest.mark.filterwarnings("ignore:There is a performance drop")


def rates_of(optimizer: str) -> list[float]:
    """Return the rates a calibration checks at: a low, a middle and a high one of the range."""
    return [float(rate) for rate in np.geomspace(*named(optimizer).search_range, 5)[1:4]]


@pytest.mark.parametrize("optimizer", names())
def test_right_engines_pass_with_every_optimizer(optimizer: str) -> None:
    setup = setup_of("mlp", optimizer, dtype=torch.float32)
    assert check_kernel(setup, Kernel(setup, setup.rule(), "B"), rates_of(optimizer)) == ""


@pytest.mark.parametrize(("model", "form"), CASES)
def test_right_engines_pass_with_every_model(model: str, form: Form) -> None:
    setup = setup_of(model, "adamw", dtype=torch.float32)
    assert check_kernel(setup, Kernel(setup, setup.rule(), form), rates_of("adamw")) == ""
    assert check_precisely(setup, form) == ""
    evaluation = StackedEvaluation(setup, together=MODELS[model].together)
    assert check_evaluation(setup, evaluation, rates_of("adamw")) == ""


def test_bfloat16_passes_with_room_for_its_rounding() -> None:
    setup = setup_of("mlp", "adamw", dtype=torch.float32, autocast="bfloat16", accumulate=2, clip_norm=1.0)
    assert check_kernel(setup, Kernel(setup, setup.rule(), "B"), rates_of("adamw")) == ""


class Wrong:
    """A kernel's gradients with one thing changed."""

    def __init__(self, kernel: Kernel, change: Callable[[Any, Any, Any], Any]) -> None:
        self.right, self.change = kernel.gradients, change

    def __call__(self, params: Any, buffers: Any, batch: Any) -> Any:
        return self.change(*self.right(params, buffers, batch))


def off_in(part: str, name: str, member: int) -> Callable[[Any, Any, Any], Any]:
    """Change one member's loss, gradient or buffer by a part in a thousand."""

    def change(grads: dict[str, Tensor], losses: Tensor, after: dict[str, Tensor]) -> Any:
        losses = losses.clone()
        target = {"losses": losses, "grads": grads.get(name), "after": after.get(name)}[part]
        assert target is not None
        target[member] += 1e-3 * target[member].abs().max()
        return grads, losses, after

    return change


@pytest.mark.parametrize("member", [0, 2])
@pytest.mark.parametrize(
    ("part", "name", "message"),
    [
        ("losses", "", "the training loss differs from that of separate models"),
        ("grads", "model.4.bias", "the gradient of '4.bias' differs from that of separate models"),
        ("after", "model.1.running_mean", "buffer '1.running_mean' is not updated in place"),
    ],
)
def test_small_errors_in_one_member_are_seen(part: str, name: str, message: str, member: int) -> None:
    setup = setup_of("cnn", "momentum", dtype=torch.float32)
    kernel = Kernel(setup, setup.rule(), "B")
    kernel.gradients = Wrong(kernel, off_in(part, name, member))
    assert check_kernel(setup, kernel, [1e-3, 1e-2, 1e-1]).startswith(message)


def test_a_step_that_forgets_momentum_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Right at the start, wrong three steps on: why there is more than one state."""
    monkeypatch.setattr(kernel_module.Workspace, "load_slots", lambda self: self._optimizer.state.clear())
    setup = setup_of("mlp", "momentum")
    found = check_kernel(setup, Kernel(setup, setup.rule(), "B"), [1e-3, 1e-2, 1e-1])
    assert found.startswith("the update of '")


@pytest.mark.parametrize("optimizer", ["sgd", "momentum"])
@pytest.mark.parametrize("size", [3, 8])
def test_compiled_code_is_what_is_checked(size: int, optimizer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a compiler that returns wrong losses, whatever the size of a call."""
    sizes: list[int] = []

    def compiled(function: Callable[..., Any], *, fullgraph: bool) -> Callable[..., Any]:
        def wrong(*arguments: Any) -> Any:
            result = function(*arguments)
            if isinstance(result, Tensor):
                sizes.append(len(result))
                return result * 1.01
            return result

        return wrong

    monkeypatch.setattr(kernel_module, "compiled", compiled)
    setup = setup_of("mlp", optimizer)
    kernel = Kernel(setup, setup.rule(), "A", size=size)
    found = check_kernel(setup, kernel, [1e-3, 1e-2, 1e-1])
    assert found == "the training loss of a whole step differs from that of separate models"
    assert sizes == [size]


class Unused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.used, self.spare = mlp(), nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.used(x)


def test_parameters_without_a_gradient_are_seen() -> None:
    """Torch's optimizers skip them, decay included; a zero gradient does not."""
    setup = setup_of(Case(build=Unused), "adamw")
    found = check_kernel(setup, Kernel(setup, setup.rule(), "B"), [1e-3, 1e-2, 1e-1])
    assert found == "parameter 'spare.weight' gets no gradient, and torch's optimizer would skip it"


class Hidden(nn.Module):
    """Finite for stacked members where separate models are not."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return nn.functional.cross_entropy(x, y) * torch.inf


def test_losses_that_should_not_be_finite_are_seen() -> None:
    setup = setup_of(Case(build=mlp, loss=Hidden()), "sgd")
    kernel = Kernel(setup, setup.rule(), "B")
    assert check_kernel(setup, kernel, [1e-3, 1e-2, 1e-1]) == ""
    kernel.gradients = Wrong(kernel, lambda grads, losses, after: (grads, torch.ones_like(losses), after))
    found = check_kernel(setup, kernel, [1e-3, 1e-2, 1e-1])
    assert found == "a loss that is not finite comes out finite"


class SkewedEvaluation(StackedEvaluation):
    def run(self, members: Any, chunk: int) -> Any:
        values = super().run(members, chunk)
        values["loss"][1] *= 1.01
        return values


def test_evaluation_that_is_off_is_seen() -> None:
    setup = setup_of("cnn", "momentum", dtype=torch.float32)
    found = check_evaluation(setup, SkewedEvaluation(setup, together=True), [1e-3, 1e-2, 1e-1])
    assert found == "the validation loss differs from that of separate models"


class Single(nn.Module):
    """Cannot be run in float64: it makes its own float32 constants."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + x @ torch.ones(6, 3, dtype=torch.float32)


def test_models_that_cannot_be_converted_are_only_checked_in_their_precision() -> None:
    setup = setup_of(Case(build=Single), "adamw", dtype=torch.float32)
    assert check_precisely(setup, "B") == ""
    assert check_kernel(setup, Kernel(setup, setup.rule(), "B"), [1e-3, 1e-2, 1e-1]) == ""


def test_a_check_changes_nothing() -> None:
    setup = setup_of("cnn", "momentum")
    before = {name: value.clone() for name, value in setup.program.state_dict().items()}
    state = torch.get_rng_state()
    check_kernel(setup, Kernel(setup, setup.rule(), "A"), [1e-3, 1e-2, 1e-1])
    check_precisely(setup, "A")
    check_evaluation(setup, StackedEvaluation(setup, together=True), [1e-3, 1e-2, 1e-1])
    assert torch.equal(torch.get_rng_state(), state)
    for name, value in setup.program.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert all(value.grad is None for value in setup.program.parameters())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "Batching rule not implemented for aten::lstm.input; no fallback",
            "aten::lstm.input has no batching rule",
        ),
        ("boom\nand more", "RuntimeError under vmap: boom"),
        ("", "RuntimeError under vmap: RuntimeError"),
    ],
)
def test_failures_are_explained(text: str, sentence: str) -> None:
    assert explain(RuntimeError(text), setup_of().program) == sentence


def test_spectral_norm_is_named() -> None:
    def build() -> nn.Module:
        return nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(6, 3)))

    setup = setup_of(Case(build=build), "adamw")
    with pytest.raises(RuntimeError, match="aten::") as caught:
        check_kernel(setup, Kernel(setup, setup.rule(), "B"), [1e-3, 1e-2, 1e-1])
    assert explain(caught.value, setup.program) == "spectral_norm has no batching rule"


def test_remarks_on_slow_paths_are_kept_quiet(recwarn: pytest.WarningsRecorder) -> None:
    import warnings

    with quiet():
        warnings.warn("There is a performance drop because of aten::x", UserWarning, stacklevel=1)
    assert not recwarn.list
    with pytest.warns(UserWarning, match="mine"), quiet():
        warnings.warn("mine", UserWarning, stacklevel=1)
