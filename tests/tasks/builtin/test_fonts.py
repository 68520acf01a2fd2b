import pytest
import torch

from rightrate.tasks import load
from rightrate.tasks.builtin import glyphs

COUNT = 12


@pytest.fixture(scope="module")
def drawn():
    return glyphs.glyphs(COUNT)


def test_every_image_is_drawn_once_and_every_font_draws_many(drawn):
    images, fonts, places = drawn
    assert images.shape[1:] == (28, 28)
    assert len({image.tobytes() for image in images}) == len(images)
    assert sorted(set(fonts.tolist())) == list(range(COUNT))
    assert min((fonts == font).sum() for font in range(COUNT)) >= 50
    assert set(places.tolist()) <= set(range(62))
    assert images.min() == 0
    assert images.max() <= 1


def test_rendering_is_deterministic(drawn):
    again = glyphs.glyphs(COUNT)
    assert all((one == two).all() for one, two in zip(drawn, again, strict=True))


def test_a_glyph_keeps_its_proportions_and_is_centred():
    image = glyphs._image(["##", "##"])
    assert (image[:, 7:21] == 1).all()
    assert image.sum() == 28 * 14


@pytest.mark.parametrize(("size", "target"), [(5, 28), (28, 28), (40, 28), (1, 3)])
def test_resizing_by_area_weighs_all_cells_alike(size, target):
    matrix = glyphs._resizing(size, target)
    assert matrix.sum(axis=1) == pytest.approx([1.0] * target, rel=1e-5)
    assert matrix.sum(axis=0) == pytest.approx([target / size] * size, rel=1e-5)


@pytest.mark.slow
def test_the_task_holds_out_characters():
    task = load("fonts")
    (x, y), (valid_x, valid_y) = task.train, task.valid
    assert set(y.tolist()) == set(valid_y.tolist()) == set(range(120))
    assert x.shape[1:] == (1, 28, 28)
    assert len(valid_y) == pytest.approx(12 / 62 * (len(y) + len(valid_y)), rel=0.1)
    seen = {image.numpy().tobytes() for image in x}
    assert not seen & {image.numpy().tobytes() for image in valid_x}
    assert abs(float(x.mean())) < 1e-3
    torch.manual_seed(0)
    losses = task.loss(task.model()(x[:64]), y[:64])
    assert 4 < float(losses.detach()) < 6
