import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from rightrate.tasks import metrics

seeds = st.integers(0, 2**31)


def drawn(seed, classes, rows=40):
    generator = torch.Generator().manual_seed(seed)
    outputs = torch.randint(-3, 4, (rows, classes), generator=generator).double()
    return outputs, torch.randint(classes, (rows,), generator=generator)


@given(seeds)
def test_accuracies_agree_with_scikit_learn(seed):
    outputs, targets = drawn(seed, 3)
    named = outputs.argmax(1)
    assert metrics.accuracy(outputs, targets) == pytest.approx(sk.accuracy_score(targets, named), rel=1e-12)
    recalls = sk.recall_score(targets, named, labels=np.unique(targets), average="macro", zero_division=0.0)
    assert metrics.balanced_accuracy(outputs, targets) == pytest.approx(recalls, rel=1e-12)


@given(seeds)
def test_roc_auc_agrees_with_scikit_learn_with_ties(seed):
    outputs, targets = drawn(seed, 2)
    targets[:2] = torch.tensor([0, 1])
    expected = sk.roc_auc_score(targets, outputs[:, 1] - outputs[:, 0])
    assert metrics.roc_auc(outputs, targets) == pytest.approx(expected, rel=1e-12)


def test_roc_auc_of_one_class_is_a_coin():
    assert metrics.roc_auc(torch.zeros(3, 2), torch.zeros(3, dtype=torch.int64)) == 0.5


@given(seeds)
def test_regression_metrics_agree_with_scikit_learn(seed):
    outputs, _ = drawn(seed, 2)
    prediction, target = outputs[:, 0], outputs[:, 1] + torch.arange(40)
    assert metrics.r2(prediction, target) == pytest.approx(sk.r2_score(target, prediction), rel=1e-12)
    assert metrics.mae(prediction, target) == pytest.approx(
        sk.mean_absolute_error(target, prediction), rel=1e-12
    )
