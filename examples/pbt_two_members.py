"""Population-based training with two members, step by step: `python examples/pbt_two_members.py`.

Two copies of one network learn to tell 120 fonts apart, at two learning rates. After 100 steps one gets
about 30 % of the characters right and the other about 3 %. The second then goes on from the first: it copies
its weights and the state of its optimizer (exploit), and trains on at another rate (explore).
"""

from dataclasses import replace

from torch import nn

import rightrate as rr
from rightrate.search.pbt import Pbt
from rightrate.tasks.registry import load


def network() -> nn.Module:
    """Return a network small enough to train in a second or two."""
    return nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 64), nn.ReLU(), nn.Linear(64, 120))


task = replace(load("fonts"), model=network, objective="accuracy:max")
two = Pbt(members=2, lrs=(1.1e-3, 5e-5), ready_steps=100)
result = rr.tune(task, two, optimizer="adam", steps=300, low=1e-6, high=1e-2, engine="serial")

for done in result.record.rounds:
    for member, source in enumerate(done.take or ()):
        if source != member:
            rate = done.members[member].lr
            print(f"  member {member + 1} goes on from member {source + 1}, at lr {rate:g}")
    for member, reached in enumerate(done.members):
        accuracy = reached.metrics["accuracy"]
        print(f"step {done.end}: member {member + 1}, lr {reached.lr:g}, tells {accuracy:.0%} right")

print(f"\nThe winner's schedule: {result.schedule.text()}")
for replay in result.record.replays:
    accuracy = replay.metrics["accuracy"]
    print(f"From scratch with seed {replay.seed} it tells {accuracy:.0%} right.")
