"""From findings to what is done about them: the rungs above skipping a step."""

from collections.abc import Sequence

from rightrate.watch.finding import Finding
from rightrate.watch.mender import Order

__all__ = ["order_for"]

_SURE = 0.8
_GO_BACK = ("non_finite", "diverging", "collapsed")


def order_for(findings: Sequence[Finding], *, scheduled: bool) -> Order | None:
    """Return what is done about findings, the gravest first, or None.

    A run that diverged or collapsed is rolled back; one on a plateau gets a lower rate, unless a scheduler
    sets its rate; one that converged is stopped. Findings that are less than 80 % sure, and all others, are
    for people.

    Args:
        findings: What was found in one block.
        scheduled: Whether a scheduler changes the rate.
    """
    sure = {finding.verdict: finding for finding in reversed(findings) if finding.confidence >= _SURE}
    for verdict in _GO_BACK:
        if verdict in sure:
            return Order(kind="rollback", reason=sure[verdict].text.rstrip("."), since=sure[verdict].since)
    if "converged" in sure:
        return Order(kind="stop", reason=sure["converged"].text.rstrip("."))
    if "plateau" in sure and not scheduled:
        return Order(kind="lower", reason=sure["plateau"].text.rstrip("."))
    return None
