"""Taking a study out of a store."""

import os
from pathlib import Path

from rightrate.errors import StoreError
from rightrate.store.checkpoints import Checkpoints
from rightrate.store.database import open_to_write
from rightrate.store.owner import Owner, StudyLock, held_by
from rightrate.store.study import checkpoint_folder

__all__ = ["delete"]


def delete(store: str | os.PathLike[str], number: int) -> None:
    """Delete a study with all that it remembers, and its checkpoints.

    Raises:
        HeldError: If a process works on it.
        StoreError: If there is none of that number, or the store cannot be written.
    """
    path = Path(store).resolve()
    if not path.exists():
        raise StoreError(f"There is no store {path}.")
    database = open_to_write(path)
    try:
        rows = database.rows("SELECT uid, owner FROM study WHERE id = ?", (number,))
        if not rows:
            raise StoreError(f"There is no study {number} in {path}.")
        folder = checkpoint_folder(path, rows[0]["uid"])
        lock = StudyLock(folder / "lock")
        if not lock.take():
            raise held_by(f"Study {number} of {path.name}", Owner.read(rows[0]["owner"]))
        try:
            with database.transaction() as connection:
                connection.execute("DELETE FROM study WHERE id = ?", (number,))
            Checkpoints(folder, rows[0]["uid"]).clear()
        finally:
            lock.release()
        database.shrink()
    finally:
        database.close()
