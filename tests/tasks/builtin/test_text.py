import hashlib
from pydoc_data.topics import topics

import pytest
import torch

from rightrate.tasks import load


@pytest.fixture(scope="module")
def task():
    return load("text")


def test_targets_are_the_inputs_a_character_later(task):
    for x, y in (task.train, task.valid):
        assert x.shape == y.shape
        assert x.dtype == y.dtype == torch.int64
        assert torch.equal(x[:, 1:], y[:, :-1])


def test_the_held_out_block_is_the_last_tenth_and_no_window_reaches_into_it(task):
    text = "\n\n".join(topics[name] for name in sorted(topics))
    alphabet = sorted(set(text))
    tail = "".join(alphabet[code] for code in task.valid[0].flatten())
    start = text.index(tail[:500])
    assert start == pytest.approx(0.9 * len(text), abs=2)
    assert text[start:].startswith(tail)
    train = "".join(alphabet[code] for code in task.train[0][-1]) + alphabet[int(task.train[1][-1, -1])]
    assert text.rindex(train, 0, start) + len(train) <= start


def test_the_seed_moves_the_block(task):
    other = load("text", seed=3)
    assert not torch.equal(other.valid[0][0], task.valid[0][0])


def test_the_note_identifies_the_text(task):
    text = "\n\n".join(topics[name] for name in sorted(topics))
    assert hashlib.sha256(text.encode()).hexdigest()[:12] in task.info.notes[0]


def test_an_untrained_model_is_near_chance(task):
    torch.manual_seed(0)
    model = task.model()
    x, y = (part[:4] for part in task.train)
    output = model(x)
    assert output.shape == (4, 64, model.head.out_features)
    chance = torch.log(torch.tensor(float(model.head.out_features)))
    assert abs(float(task.loss(output, y).detach() - chance)) < 1
    assert 0 <= task.metrics["accuracy"](output, y) <= 1


def test_no_character_sees_what_comes_after_it(task):
    torch.manual_seed(0)
    model = task.model().eval()
    x = task.train[0][:2].clone()
    before = model(x)
    x[:, 40] = (x[:, 40] + 1) % 50
    after = model(x)
    torch.testing.assert_close(after[:, :40], before[:, :40])
    assert not torch.allclose(after[:, 40:], before[:, 40:])
