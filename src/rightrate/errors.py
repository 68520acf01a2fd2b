"""Every mistake `rightrate` reports, and the one template its messages follow.

Mistakes raise; outcomes (nothing trains, not enough evidence) are values with a `status`.
"""

__all__ = [
    "ConfigError",
    "DataError",
    "EngineError",
    "HeldError",
    "MissingExtraError",
    "ModelError",
    "NoAnswerError",
    "RightrateError",
    "StoreError",
    "TaskError",
    "UnsupportedOptimizerError",
    "describe",
]


class RightrateError(Exception):
    """Base of every error raised on purpose by this package."""


class ConfigError(RightrateError, ValueError):
    """An argument has a value that is not allowed."""


class DataError(RightrateError, ValueError):
    """Training or validation data cannot be used as it is."""


class ModelError(RightrateError, ValueError):
    """The model cannot be trained as it is."""


class TaskError(RightrateError, ValueError):
    """A task cannot be found or loaded."""


class UnsupportedOptimizerError(ConfigError):
    """The optimizer needs something a search over learning rates cannot give, such as a closure."""


class EngineError(RightrateError, RuntimeError):
    """A forced engine cannot train this model."""


class NoAnswerError(RightrateError, RuntimeError):
    """There is no learning rate to build from, because nothing trained or nothing was measured."""


class StoreError(RightrateError, RuntimeError):
    """A store cannot be read or written, or is not one."""


class HeldError(StoreError):
    """Another process works on the same study."""


class MissingExtraError(RightrateError, ImportError):
    """An optional package is not installed."""


def describe(where: str, allowed: str, received: object, advice: str = "") -> str:
    """Return an error message in the house form: what, allowed, received, what to do.

    Args:
        where: The argument, such as `Cosine(total_steps=...)`.
        allowed: What is allowed, as the rest of a sentence that starts with `must be`.
        received: The value that came; shown with `repr`, shortened to 120 characters.
        advice: One sentence that says what to do.

    Example:
        >>> describe("Cosine(total_steps=...)", "an integer >= 1", 0, "Count optimizer steps, not epochs.")
        'Cosine(total_steps=...) must be an integer >= 1, got 0. Count optimizer steps, not epochs.'
    """
    shown = repr(received)
    if len(shown) > 120:
        shown = shown[:117] + "..."
    return f"{where} must be {allowed}, got {shown}." + (f" {advice}" if advice else "")
