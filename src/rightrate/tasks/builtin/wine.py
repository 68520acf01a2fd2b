"""Which of three cultivars a wine is made of, from its chemistry."""

from functools import partial

from rightrate.tasks.task import Task, TaskInfo, Training

__all__ = ["INFO", "load"]

INFO = TaskInfo(
    name="wine",
    description="MLP 13-32-3 with dropout that tells three cultivars of wine apart",
    source="scikit-learn load_wine: 178 rows x 13 columns, 3 classes; 40 % held out by class",
    steps=1000,
)


def load(seed: int) -> Task:
    """Return the task; `seed` decides which rows are held out."""
    from sklearn.datasets import load_wine
    from torch.nn.functional import cross_entropy

    from rightrate.tasks import metrics, networks
    from rightrate.tasks.builtin import table

    data = load_wine()
    train, valid = table.split(data.data, data.target, valid_fraction=0.4, regression=False, seed=seed)
    return Task(
        model=partial(networks.Mlp, 13, (32,), 3, 0.3),
        train=train,
        valid=valid,
        # Smoothed labels: on so few rows a plain cross-entropy is the overconfidence in two or three of them.
        loss=partial(cross_entropy, label_smoothing=0.1),
        metrics={"accuracy": metrics.accuracy},
        training=Training(batch_size=32),
        info=INFO,
    )
