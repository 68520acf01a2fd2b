"""The lines to paste into one's own training code."""

import ast
import textwrap
from typing import Any

from rightrate.errors import ConfigError
from rightrate.schedules import BY_LENGTH, NAMES, Constant, Cosine, Linear, Schedule, by_name
from rightrate.schedules.resolve import from_text, is_text
from rightrate.search.record import Record

__all__ = ["code"]

_OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("SGD", {}),
    "momentum": ("SGD", {"momentum": 0.9}),
    "nesterov": ("SGD", {"momentum": 0.9, "nesterov": True}),
    "adagrad": ("Adagrad", {}),
    "rmsprop": ("RMSprop", {}),
    "adadelta": ("Adadelta", {}),
    "adam": ("Adam", {}),
    "adamw": ("AdamW", {}),
    "nadam": ("NAdam", {}),
    "radam": ("RAdam", {}),
    "adamax": ("Adamax", {}),
}


def code(record: Record) -> str:
    """Return Python lines that build the optimizer and the schedule of the answer.

    The lines expect `model`. For constant, linear and cosine they need torch alone, for other schedules this
    package, too. Where the optimizer or the schedule is one that only the user has, a comment says what to
    put in its place.
    """
    answer, settings = record.answer, record.settings
    if answer.lr is None:
        return "\n".join([*_comment("There is no learning rate to use."), *_comment(answer.message)])
    if settings.setting:
        return _theirs(settings.setting, answer.lr, settings.schedule, settings.steps)
    needs_math, schedule = _schedule(settings.schedule, settings.steps)
    lines = [*(["import math", ""] if needs_math else []), "import torch", "", f"lr = {float(answer.lr)!r}"]
    lines += [*_optimizer(settings.optimizer), *schedule]
    if schedule and schedule[-1].startswith("scheduler"):
        lines += ["", "# after every optimizer.step():", "# scheduler.step()"]
    return "\n".join(lines)


def _theirs(setting: str, lr: float, schedule: str, steps: int) -> str:
    """Return the lines of another framework with the rate, and the schedule where there is a place for it."""
    lines = setting.replace("{lr}", repr(float(lr)))
    if "{schedule}" not in lines:
        return lines
    made = _read(schedule, steps)
    if made is None:
        lines = lines.replace("{schedule}", "schedule")
        return "\n".join([*_comment(f"schedule: your own, {schedule}, with a peak of {lr!r}"), lines])
    written = f'parse("{made.text()}", lr={float(lr)!r})'
    return "from rightrate.schedules import parse\n\n" + lines.replace("{schedule}", written)


def _optimizer(text: str) -> list[str]:
    name, options = _call(text)
    module = _module(text)
    if module and module != "torch.optim":
        arguments = "".join(f", {key}={item!r}" for key, item in options.items() if key != "lr")
        return [
            "",
            f"from {module} import {name}",
            "",
            f"optimizer = {name}(model.parameters(), lr=lr{arguments})",
        ]
    if name.lower() not in _OPTIMIZERS:
        return [
            *_comment(f"your own optimizer: {text}"),
            "optimizer = YourOptimizer(model.parameters(), lr=lr)",
        ]
    class_name, defaults = _OPTIMIZERS[name.lower()]
    options = {key: item for key, item in {**defaults, **options}.items() if key != "lr"}
    listed = "".join(f", {key}={item!r}" for key, item in options.items())
    return [f"optimizer = torch.optim.{class_name}(model.parameters(), lr=lr{listed})"]


def _schedule(text: str, steps: int) -> tuple[bool, list[str]]:
    """Return whether the lines need the math module, and the lines."""
    made = _read(text, steps)
    if made is None:
        return False, [
            *_comment(f"your own schedule: {text}; as a function shape(step) with a peak of 1:"),
            "# scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, shape)",
        ]
    if made == Constant(total_steps=made.total_steps):
        return False, []
    if not isinstance(made, (Constant, Linear, Cosine)):
        return False, [
            "",
            "from rightrate.schedules import parse",
            "",
            f'schedule = parse("{made.text()}", lr=lr)',
            "scheduler = schedule.torch(optimizer)",
        ]
    shape = _decay(type(made).__name__.lower(), getattr(made, "floor", 0.0))
    warmup = made.warmup_steps
    lines = [
        "",
        f"total_steps = {made.total_steps}",
        *([f"warmup_steps = {warmup}"] if warmup else []),
        "",
        "",
    ]
    lines += ["def shape(step):"]
    if warmup:
        lines += ["    if step < warmup_steps:", "        return (step + 1) / (warmup_steps + 1)"]
    if not isinstance(made, Constant):
        past = ("(min(step, total_steps - 1) - warmup_steps)", "(total_steps - warmup_steps)")
        done, length = past if warmup else ("min(step, total_steps - 1)", "total_steps")
        lines += [f"    progress = {done} / {length}"]
    lines += [f"    return {shape}", "", ""]
    lines += ["scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, shape)"]
    return isinstance(made, Cosine), lines


def _read(text: str, steps: int) -> Schedule | None:
    """Return the shape that a record names, as a name, as a text or as Python prints it; None for another."""
    if is_text(text):
        try:
            return from_text("schedule", text)
        except ConfigError:  # as Python prints it, perhaps
            return _printed(text)
    name = text.strip().lower()
    return by_name("schedule", name, total_steps=steps) if name in BY_LENGTH else None


def _printed(text: str) -> Schedule | None:
    """Return the shape that Python prints like this, if it is one of ours without another inside."""
    name, options = _call(text)
    kind = next((kind for kind in NAMES.values() if kind.__name__ == name), None)
    try:
        made = None if kind is None else kind(**options)
    except (ConfigError, TypeError):  # a class of the same name that is not ours
        return None
    return made if made is not None and made.peak == 1.0 else None


def _decay(name: str, floor: float) -> str:
    if name == "constant":
        return "1.0"
    falling = "1 - progress" if name == "linear" else "0.5 * (1 + math.cos(math.pi * progress))"
    return f"{floor!r} + {1 - floor!r} * ({falling})" if floor else falling


def _call(text: str) -> tuple[str, dict[str, Any]]:
    """Return the name and the literal options of `name` or `name(key=1, ...)`; anything else is ("", {})."""
    try:
        node = ast.parse(text.strip(), mode="eval").body
        if not isinstance(node, ast.Call):
            return _last_name(node), {}
        if node.args or not all(keyword.arg for keyword in node.keywords):
            return "", {}
        options = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in node.keywords}
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return "", {}
    return _last_name(node.func), options


def _module(text: str) -> str:
    """Return what comes before the last name of `module.name` or `module.name(key=1, ...)`; "" for others."""
    head, _, _ = text.strip().partition("(")
    module, _, name = head.rpartition(".")
    return module if _call(text)[0] == name and all(part.isidentifier() for part in module.split(".")) else ""


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _comment(text: str) -> list[str]:
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return [f"# {line}" for line in textwrap.wrap(printable, 76)]
