"""Searches that look at a part of the training data."""

import json
import math

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

import rightrate as rr
from rightrate.search.record import Trial
from rightrate.store.frozen import from_plain, to_plain

SAMPLES, BATCH = 480, 16


def noisy(samples, seed):
    """Two classes that one of twenty inputs tells apart; the others can be learned by heart."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(samples, 20, generator=generator)
    return inputs, (inputs[:, 0] + 0.3 * torch.randn(samples, generator=generator) > 0).long()


class Samples(Dataset):
    def __init__(self):
        self.inputs, self.classes = noisy(SAMPLES, 0)

    def __len__(self):
        return SAMPLES

    def __getitem__(self, index):
        return self.inputs[index], self.classes[index]


def asked(data):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 2))
    settings = {"optimizer": "adam", "schedule": "constant", "steps": 600, "store": None}
    if isinstance(data, tuple):
        settings["batch_size"] = BATCH
    return rr.find(model, train=data, valid=noisy(1000, 1), loss=nn.functional.cross_entropy, **settings)


@pytest.fixture(scope="module")
def results():
    loader = DataLoader(Samples(), batch_size=BATCH, shuffle=True)
    return {"arrays": asked(noisy(SAMPLES, 0)), "loader": asked(loader), "steps": 600}


@pytest.mark.parametrize("data", ["arrays", "loader"])
def test_a_search_that_overfits_looks_at_a_part_of_the_data(results, data):
    result = results[data]
    parts = [trial for trial in result.record.trials if trial.epoch is not None]
    assert len(parts) == 2
    for trial in parts:
        assert trial.epoch == round(trial.steps * (SAMPLES // BATCH) / results["steps"]) == 3
        assert math.isfinite(trial.metrics["loss"])
    # Learned by heart: samples of the part are told better than others.
    highest = max(parts, key=lambda trial: trial.lr)
    assert highest.seen["loss"] < 0.5 * highest.metrics["loss"]
    assert any("of the training data, seen as often as the run" in reason for reason in result.reasons)
    assert result.record.cost.run_equivalents <= 1


def test_the_table_of_trials_and_the_record_tell_which_they_are(results):
    result = results["arrays"]
    epochs = [trial.epoch for trial in result.record.trials]
    assert result.trials.epoch.notna().tolist() == [epoch is not None for epoch in epochs]
    plain = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert [trial["epoch"] for trial in plain["trials"]] == epochs
    assert [from_plain(Trial, to_plain(trial)).epoch for trial in result.record.trials] == epochs


def test_the_report_tells_rounds_on_a_part_apart(results, tmp_path):
    path = results["arrays"].save_report(tmp_path / "report.html")
    assert "part of the data: 62 steps" in path.read_text(encoding="utf-8")
