"""Handwritten digits with a small convolutional network."""

from rightrate.tasks.task import Task, TaskInfo, Training

__all__ = ["INFO", "load"]

INFO = TaskInfo(
    name="digits-cnn",
    description="CNN of two convolutions with dropout that reads handwritten digits",
    source="scikit-learn load_digits: 1,797 images of 8x8 in 10 classes; 30 % held out by class",
    steps=1000,
)


def load(seed: int) -> Task:
    """Return the task; `seed` decides which images are held out."""
    from torch.nn.functional import cross_entropy

    from rightrate.tasks import metrics, networks
    from rightrate.tasks.builtin import images

    train, valid = images.digits(seed)
    return Task(
        model=networks.Cnn,
        train=train,
        valid=valid,
        loss=cross_entropy,
        metrics={"accuracy": metrics.accuracy},
        training=Training(batch_size=32),
        info=INFO,
    )
