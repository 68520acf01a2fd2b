"""Breast cancer or not, from measurements of cell nuclei."""

from functools import partial

from rightrate.tasks.task import Task, TaskInfo, Training

__all__ = ["INFO", "load"]

INFO = TaskInfo(
    name="cancer",
    description="MLP 30-32-2 with dropout that tells malignant from benign tumours",
    source="scikit-learn load_breast_cancer: 569 rows x 30 columns, 2 classes; 40 % held out by class",
    steps=1000,
)


def load(seed: int) -> Task:
    """Return the task; `seed` decides which rows are held out."""
    from sklearn.datasets import load_breast_cancer
    from torch.nn.functional import cross_entropy

    from rightrate.tasks import metrics, networks
    from rightrate.tasks.builtin import table

    data = load_breast_cancer()
    train, valid = table.split(data.data, data.target, valid_fraction=0.4, regression=False, seed=seed)
    return Task(
        model=partial(networks.Mlp, 30, (32,), 2, 0.3),
        train=train,
        valid=valid,
        # Smoothed labels: on so few rows a plain cross-entropy is the overconfidence in two or three of them.
        loss=partial(cross_entropy, label_smoothing=0.1),
        metrics={"accuracy": metrics.accuracy},
        training=Training(batch_size=32),
        info=INFO,
    )
