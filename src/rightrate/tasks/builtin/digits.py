"""Handwritten digits with a small fully connected network."""

from functools import partial

from rightrate.tasks.task import Task, TaskInfo, Training

__all__ = ["INFO", "load"]

INFO = TaskInfo(
    name="digits",
    description="MLP 64-64-64-10 with dropout that reads handwritten digits",
    source="scikit-learn load_digits: 1,797 images of 8x8 in 10 classes; 30 % held out by class",
    steps=1200,
)


def load(seed: int) -> Task:
    """Return the task; `seed` decides which images are held out."""
    from torch.nn.functional import cross_entropy

    from rightrate.tasks import metrics, networks
    from rightrate.tasks.builtin import images

    train, valid = images.digits(seed)
    return Task(
        model=partial(networks.Mlp, 64, (64, 64), 10, 0.2),
        train=(train[0].flatten(1), train[1]),
        valid=(valid[0].flatten(1), valid[1]),
        loss=cross_entropy,
        metrics={"accuracy": metrics.accuracy},
        training=Training(batch_size=32),
        info=INFO,
    )
