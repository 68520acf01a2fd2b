"""Studies on disk: nothing that was computed is lost."""

from rightrate.store.events import Event
from rightrate.store.journal import Forgetful, Journal
from rightrate.store.reader import Listed, Reader, reading, studies
from rightrate.store.study import Study, open_study

__all__ = [
    "Event",
    "Forgetful",
    "Journal",
    "Listed",
    "Reader",
    "Study",
    "open_study",
    "reading",
    "studies",
]
