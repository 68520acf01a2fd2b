"""What the tests of the adapters share: small data, and an optimizer that tells the rates it steps with."""

import torch

_DRAWS = torch.Generator().manual_seed(0)
INPUTS = torch.randn(64, 4, generator=_DRAWS)
TARGETS = INPUTS.sum(dim=1, keepdim=True)


class SpySGD(torch.optim.Optimizer):
    """Plain gradient descent that records the rate inside `step`, after whatever hooks came before it."""

    def __init__(self, parameters, lr=0.01):
        self.applied = []
        super().__init__(parameters, {"lr": lr})

    def __setstate__(self, state):
        super().__setstate__(state)
        self.applied = []

    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            self.applied.append(float(group["lr"]))
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.data.sub_(group["lr"] * parameter.grad)
        return loss


def curve(watch, name):
    """Return step -> value of a curve of a short run."""
    return {point["step"]: point["mean"] for point in watch.view().curves[name]}


def rates(watch):
    """Return the rates a watcher has read, in the order of the steps."""
    return list(curve(watch, "lr").values())


def losses(watch):
    """Return the losses a watcher was told, in the order of the steps."""
    return list(curve(watch, "loss").values())


def fail(*arguments, **given):
    """Stand in for whatever a watcher does."""
    raise RuntimeError("broken on purpose")


class Broken:
    """A watcher of which nothing works."""

    step = 0
    notes = ()

    def __enter__(self):
        return self

    def __getattr__(self, name):
        return fail

    @property
    def should_stop(self):
        return fail()

    multiplier = should_stop


def broken_from_the_start(monkeypatch, callback):
    """Make the watcher of a callback one of which nothing works, from the beginning of training on."""

    def start(*arguments, **given):
        callback._attached.watch = Broken()
        fail()

    monkeypatch.setattr(callback._attached, "start", start)


def faults(callback):
    """Return what was noted, each sentence once."""
    return {note.text for note in callback.notes}


BROKEN = {"RuntimeError: broken on purpose"}
