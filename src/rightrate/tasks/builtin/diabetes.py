"""Progress of diabetes within a year, from ten measurements: a regression."""

from functools import partial

from rightrate.tasks.task import Task, TaskInfo, Training

__all__ = ["INFO", "load"]

INFO = TaskInfo(
    name="diabetes",
    description="MLP 10-16-1 with dropout that predicts the progress of a disease, standardised",
    source="scikit-learn load_diabetes: 442 rows x 10 columns, one number; 40 % held out",
    steps=1000,
)


def load(seed: int) -> Task:
    """Return the task; `seed` decides which rows are held out."""
    from sklearn.datasets import load_diabetes
    from torch.nn.functional import mse_loss

    from rightrate.tasks import metrics, networks
    from rightrate.tasks.builtin import table

    data = load_diabetes()
    train, valid = table.split(data.data, data.target, valid_fraction=0.4, regression=True, seed=seed)
    return Task(
        model=partial(networks.Mlp, 10, (16,), None, 0.3),
        train=train,
        valid=valid,
        loss=mse_loss,
        metrics={"r2": metrics.r2, "mae": metrics.mae},
        training=Training(batch_size=32),
        info=INFO,
    )
