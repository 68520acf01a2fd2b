"""A question that most tests of a store ask."""

from rightrate.store import open_study

__all__ = ["QUESTION", "opened"]

QUESTION = {"kind": "find", "name": "digits", "settings": {"steps": 10}, "fingerprint": {"model": "ab"}}


def opened(store, say=str, *, fresh=False, **changed):
    """Open the study of the question, any part of it changed; what is said goes nowhere unless asked for."""
    return open_study(store, **{**QUESTION, **changed}, fresh=fresh, say=say)
