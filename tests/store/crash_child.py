"""A process that loads everything once, then does searches in children of its own and kills them.

It is asked in lines of JSON on stdin and answers in lines of JSON on stdout. A child is a fork, so a kill
costs no second import of torch.
"""

import hashlib
import json
import os
import select
import signal
import sys
import time

import torch
from torch import nn

import rightrate as rr
from rightrate.population.calibrate import calibrate
from rightrate.population.serial import SerialPopulation
from rightrate.population.stacked import StackedPopulation
from rightrate.search.halving import Halving
from rightrate.search.pbt import Pbt
from rightrate.store import stored_journal
from rightrate.tuner import session, tune

__all__ = ["SEARCHES", "task"]

FEATURES, CLASSES, SAMPLES = 6, 3, 240


def task():
    """Gaussian clouds, one a class, and a network with normalisation: the same in every process."""
    generator = torch.Generator().manual_seed(0)
    centres = 1.5 * torch.randn(CLASSES, FEATURES, generator=generator)
    classes = torch.randint(0, CLASSES, (SAMPLES,), generator=generator)
    inputs = centres[classes] + torch.randn(SAMPLES, FEATURES, generator=generator)

    def build():
        return nn.Sequential(nn.Linear(FEATURES, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, CLASSES))

    return rr.Task(
        model=build,
        train=(inputs[:200], classes[:200]),
        valid=(inputs[200:], classes[200:]),
        loss=nn.functional.cross_entropy,
        training=rr.Training(batch_size=16),
        info=rr.TaskInfo(name="clouds", steps=160),
    )


def find(store):
    """Search for a rate."""
    answer = rr.find(task(), optimizer="adamw", engine="serial", store=store, say=str)
    return answer.to_dict(), None


def halving(store):
    """Halve, with annealed copies, and bring the trained winner along."""
    return tuned(store, Halving(members=4, factor=2.0), schedule="cosine")


def pbt(store):
    """Train a population, with slow members, and bring the trained winner along."""
    return tuned(store, Pbt(members=4, ready_steps=8, slow=1), schedule="constant")


def stacked_pbt(store):
    """Train the same population with the stacked engine, whose verdict all of them share."""
    return tuned(store, Pbt(members=4, ready_steps=8, slow=1), schedule="constant", engine="stacked")


def tuned(store, method, schedule, engine="serial"):
    answer = tune(
        task(),
        method,
        optimizer="momentum",
        steps=40,
        schedule=schedule,
        low=1e-3,
        high=1.0,
        engine=engine,
        store=store,
        say=str,
    )
    assert answer.record.provenance.engine.startswith(engine)
    return answer.record.to_dict(), answer.winner.model.state_dict()


SEARCHES = {"find": find, "halving": halving, "pbt": pbt, "pbt, stacked": stacked_pbt}
"""What can be killed, by name: from a store to the answer as plain data and the trained weights, if any."""


def without_clocks(data):
    """Return plain data without what a clock measured."""
    if isinstance(data, dict):
        return {key: without_clocks(item) for key, item in data.items() if "second" not in key}
    return [without_clocks(item) for item in data] if isinstance(data, (list, tuple)) else data


def digest_of(answer, weights):
    """Return a digest of an answer and of weights, bit for bit."""
    found = hashlib.sha256(json.dumps(without_clocks(answer), sort_keys=True).encode())
    for name, value in (weights or {}).items():
        found.update(name.encode() + value.contiguous().numpy().tobytes())
    return found.hexdigest()


def work(name, store, to):
    """Do one search with a checkpoint after every block; count the member-steps and send a digest."""
    stored_journal._EVERY_SECONDS, stored_journal._SHARE = 0.0, 1e9
    log = os.open(f"{store}.work", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def counting(advance):
        def counted(population, table):
            losses = advance(population, table)
            os.write(log, f"{table.size}\n".encode())
            return losses

        return counted

    for kind in (SerialPopulation, StackedPopulation):
        kind.advance = counting(kind.advance)
    os.write(to, digest_of(*SEARCHES[name](store)).encode())


def search(name, store, after):
    """Search in a child, which is killed after so many seconds; return what became of it."""
    source, to = os.pipe()
    began = time.monotonic()
    child = os.fork()
    if not child:
        try:
            os.close(source)
            work(name, store, to)
        except BaseException as error:  # noqa: BLE001 - a child must never return to the loop
            os.write(to, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(0)
    os.close(to)
    ready, _, _ = select.select([source], [], [], after)
    if not ready:
        os.kill(child, signal.SIGKILL)
    said = os.read(source, 1 << 16).decode()
    os.close(source)
    os.waitpid(child, 0)
    return {"said": said, "seconds": time.monotonic() - began}


def decided_once():
    """Let all tunings share the engines' verdicts: they hold timings, and equal is for the same verdict."""
    known = {}

    def shared(prepared, *, engine, **settings):
        if engine not in known:
            known[engine] = calibrate(prepared, engine=engine, **settings)
        return known[engine]

    session.calibrate = shared


def main():
    """Answer until stdin ends."""
    torch.set_num_threads(1)
    decided_once()
    for name in SEARCHES:  # what is imported on the way is imported here, once
        SEARCHES[name](None)
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(search(**json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
