"""Killing searches at random moments, and looking at what is left."""

import json
import os
import random
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from rightrate.store import studies

__all__ = ["Killed", "Server", "kill_at_random"]


class Server:
    """A process whose children search and are killed; see `crash_child`."""

    def __init__(self):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.store.crash_child"],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert self._process.stdout.readline() == "ready\n"

    def search(self, name, store, after=None):
        """Return what a search said, "" if it was killed before it could, and how long it took."""
        self._process.stdin.write(json.dumps({"name": name, "store": str(store), "after": after}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return answer["said"], answer["seconds"]

    def close(self):
        """End the process."""
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()


@dataclass
class Killed:
    """What became of searches that were killed."""

    kills: int = 0
    finished: int = 0
    different: list[str] = field(default_factory=list)
    repeated: int = 0
    allowed: int = 0
    whole: int = 0


def kill_at_random(server, name, kills, folder, seed):
    """Kill a search again and again until it finishes, then begin another, until there were so many kills."""
    rng = random.Random(f"{name} {seed}")
    undisturbed = [folder / f"{name}-whole-{number}.db" for number in range(3)]
    answers, times = zip(*(server.search(name, store) for store in undisturbed), strict=True)
    # The fastest: where the machine was busy for a moment, kills would come after the end.
    right, seconds = answers[0], min(times)
    needed = sum(_work(undisturbed[0]))
    found = Killed(different=[said for said in answers if said != right])
    while found.kills < kills:
        store = folder / f"{name}-{found.finished}.db"
        before, said = found.kills, ""
        while not said:
            # Towards the end of the quota the last search is left to finish, so that its answer is looked at.
            after = rng.uniform(0.0, seconds) if found.kills < kills else None
            said, _ = server.search(name, store, after)
            found.kills += not said
        found.finished += 1
        found.whole += needed
        done = _work(store)
        found.repeated += sum(done) - needed
        found.allowed += sum(sorted(done)[-(found.kills - before) :]) if found.kills > before else 0
        statuses = [study.status for study in studies(store)]
        left = [path.name for path in folder.glob(f"{store.name}-checkpoints/*/*")]
        if said != right or statuses != ["finished"] or left:
            found.different.append(f"{store.name}: {said}, {statuses}, {left}")
    return found


def _work(store):
    """Return the member-steps of each block that was trained for a store."""
    return [int(line) for line in Path(f"{store}.work").read_text().split()]
