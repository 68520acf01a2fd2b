"""The lines to paste into one's own training code."""

import ast
import textwrap
from typing import Any

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
_SCHEDULES = ("constant", "linear", "cosine")


def code(record: Record) -> str:
    """Return Python lines that build the optimizer and the schedule of the answer.

    The lines expect `model` and stand for themselves: they need torch alone. Where the optimizer or the
    schedule is one that only the user has, a comment says what to put in its place.
    """
    answer, settings = record.answer, record.settings
    if answer.lr is None:
        return "\n".join([*_comment("There is no learning rate to use."), *_comment(answer.message)])
    needs_math, schedule = _schedule(settings.schedule, settings.steps)
    lines = [*(["import math", ""] if needs_math else []), "import torch", "", f"lr = {float(answer.lr)!r}"]
    lines += [*_optimizer(settings.optimizer), *schedule]
    if schedule and schedule[-1].startswith("scheduler"):
        lines += ["", "# after every optimizer.step():", "# scheduler.step()"]
    return "\n".join(lines)


def _optimizer(text: str) -> list[str]:
    name, options = _call(text)
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
    name, options = _call(text)
    known = {"peak", "total_steps", "warmup_steps", "floor"}
    plain = all(isinstance(item, (int, float)) for item in options.values())
    if name.lower() not in _SCHEDULES or not set(options) <= known or not plain:
        return False, [
            *_comment(f"your own schedule: {text}; as a function shape(step) with a peak of 1:"),
            "# scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, shape)",
        ]
    total, warmup = int(options.get("total_steps", steps)), int(options.get("warmup_steps", 0))
    if name.lower() == "constant" and not warmup:
        return False, []
    shape = _decay(name.lower(), float(options.get("floor", 0.0)))
    lines = ["", f"total_steps = {total}", *([f"warmup_steps = {warmup}"] if warmup else []), "", ""]
    lines += ["def shape(step):"]
    if warmup:
        lines += ["    if step < warmup_steps:", "        return (step + 1) / (warmup_steps + 1)"]
    if name.lower() != "constant":
        past = ("(min(step, total_steps - 1) - warmup_steps)", "(total_steps - warmup_steps)")
        done, length = past if warmup else ("min(step, total_steps - 1)", "total_steps")
        lines += [f"    progress = {done} / {length}"]
    lines += [f"    return {shape}", "", ""]
    lines += ["scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, shape)"]
    return name.lower() == "cosine", lines


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


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _comment(text: str) -> list[str]:
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return [f"# {line}" for line in textwrap.wrap(printable, 76)]
