import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rightrate.errors import ConfigError, DataError, TaskError
from rightrate.tasks import load_csv

COUNT = 400


def table(seed=0, rows=COUNT, **columns):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=rows)
    frame = pd.DataFrame({"x": x, "kind": generator.choice(list("abc"), rows)})
    frame["label"] = np.where(x + 0.5 * generator.normal(size=rows) > 0, "yes", "no")
    return frame.assign(**columns)


def load(folder, frame, target="label", **options):
    path = folder / "table.csv"
    frame.to_csv(path, index=False)
    return load_csv(path, target, **options)


def said(task):
    return "\n".join(task.info.notes)


def test_a_classification(tmp_path):
    task = load(tmp_path, table())
    assert "Classification was inferred: 'label' holds 2 classes ('no', 'yes')." in task.info.notes
    assert "stratified by class" in said(task)
    assert task.info.name == "table.csv"
    assert task.info.source == "table.csv: 400 rows x 3 columns"
    assert task.info.steps == 1000
    assert set(task.metrics) == {"accuracy"}
    (x, y), (valid_x, valid_y) = task.train, task.valid
    assert x.shape == (len(y), 4)
    assert len(valid_y) == pytest.approx(0.3 * COUNT, abs=2)
    assert y.double().mean() == pytest.approx(float(valid_y.double().mean()), abs=0.02)
    assert abs(float(x[:, 0].mean())) < 1e-6
    torch.manual_seed(0)
    assert task.loss(task.model()(valid_x), valid_y).shape == ()


def test_a_regression(tmp_path):
    frame = table()
    task = load(tmp_path, frame.assign(price=3 * frame.x + 100), target="price")
    assert "Regression was inferred: 'price' holds 400 different numbers." in task.info.notes
    assert "The target is standardised with the training rows: mean " in said(task)
    assert set(task.metrics) == {"r2", "mae"}
    y = task.train[1].double()
    assert abs(float(y.mean())) < 1e-6
    assert float(y.std(correction=0)) == pytest.approx(1, abs=1e-6)
    torch.manual_seed(0)
    assert task.model()(task.train[0]).shape == y.shape


def test_a_model_learns_from_numbers_and_embeddings(tmp_path):
    generator = np.random.default_rng(0)
    city = generator.integers(0, 40, 1500)
    frame = pd.DataFrame({"city": [f"c{place}" for place in city], "x": generator.normal(size=1500)})
    task = load(tmp_path, frame.assign(label=np.where((city % 2) * 2 - 1 + frame.x > 0, "p", "q")))
    assert "Column 'city' has 40 categories and gets an embedding." in task.info.notes
    torch.manual_seed(0)
    model = task.model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(200):
        optimizer.zero_grad()
        task.loss(model(task.train[0]), task.train[1]).backward()
        optimizer.step()
    assert task.metrics["accuracy"](model.eval()(task.valid[0]).detach(), task.valid[1]) > 0.9


def test_the_seed_decides_the_split(tmp_path):
    first, again, other = (load(tmp_path, table(), seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first.train[0], again.train[0])
    assert not torch.equal(first.train[0][:50], other.train[0][:50])
    with pytest.raises(ConfigError, match=r"load_csv\(seed=...\) must be an integer >= 0, got -1"):
        load(tmp_path, table(), seed=-1)


def test_whole_numbers_of_few_values_are_classes_in_numeric_order(tmp_path):
    task = load(tmp_path, table(grade=np.arange(COUNT) % 4 + 8), target="grade")
    assert "'grade' holds 4 classes ('8', '9', '10', '11')" in said(task)


def test_imbalance_is_reported_and_measured(tmp_path):
    task = load(tmp_path, table(bought=np.where(np.arange(COUNT) % 20 == 0, 1, 0)), target="bought")
    assert "The classes are imbalanced: '0' in 95.0% of the rows, '1' in 5.0%." in task.info.notes
    assert set(task.metrics) == {"accuracy", "balanced_accuracy", "roc_auc"}


def test_three_imbalanced_classes_have_no_roc_auc(tmp_path):
    task = load(
        tmp_path,
        table(c=np.where(np.arange(COUNT) % 20 == 0, "r", np.where(np.arange(COUNT) % 2, "s", "t"))),
        "c",
    )
    assert set(task.metrics) == {"accuracy", "balanced_accuracy"}


def test_missing_values_are_filled_with_what_training_rows_say(tmp_path):
    frame = table()
    frame.loc[::5, "x"] = np.nan
    frame.loc[::7, "kind"] = None
    task = load(tmp_path, frame)
    assert "Missing numbers become the median and are marked as missing: 'x'." in task.info.notes
    assert "Missing is a category of its own in 'kind'." in task.info.notes
    assert task.train[0].shape[1] == 2 + 4
    assert torch.isfinite(task.train[0]).all()


def test_preprocessing_never_sees_validation_rows(tmp_path):
    frame = table()
    frame["when"] = pd.date_range("2024-01-01", periods=COUNT).strftime("%Y-%m-%d")
    before = load(tmp_path, frame)
    frame.loc[COUNT * 8 // 10 :, "x"] = 1e6
    frame.loc[COUNT * 8 // 10 :, "kind"] = "new"
    after = load(tmp_path, frame)
    assert torch.equal(before.train[0], after.train[0])
    assert float(after.valid[0][-1, 0]) == 10


def test_useless_columns_are_left_out_and_said(tmp_path):
    task = load(
        tmp_path,
        table(
            customerID=[f"C-{row:05d}" for row in range(COUNT)],
            row=np.arange(COUNT),
            order_id=np.random.default_rng(0).permutation(COUNT) + 7,
            empty=np.nan,
            same="x",
            store_id=np.arange(COUNT) % 5,
        ),
    )
    text = said(task)
    assert "differ in nearly every row (identifiers, names, free text) are left out: 'customerID'." in text
    assert "Columns that only number the rows are left out: 'row'." in text
    assert "Columns that look like identifiers are left out: 'order_id'." in text
    assert "Columns without any value are left out: 'empty'." in text
    assert "Columns with one value in all rows are left out: 'same'." in text
    assert "Numbers named like identifiers are used as categories: 'store_id'." in text
    assert task.train[0].shape[1] == 1 + 3 + 5


def test_names_that_only_sound_like_identifiers_are_kept(tmp_path):
    values = np.random.default_rng(0).permutation(COUNT)
    assert load(tmp_path, table(paid=values, humid=values + 1)).train[0].shape[1] == 3 + 3


def test_a_date_means_a_split_by_time(tmp_path):
    when = pd.date_range("2024-01-01", periods=COUNT, freq="D")
    shuffled = np.random.default_rng(0).permutation(COUNT)
    frame = table(when=when.strftime("%d/%m/%Y"))
    frame["order"] = np.arange(COUNT) / 7
    task = load(tmp_path, frame.iloc[shuffled], target="label")
    assert (
        "Split by time: validation is the 120 rows from 2024-10-07 00:00 on, by column 'when'."
        in task.info.notes
    )
    assert (
        "Dates in the format %d/%m/%Y (used as season, day of the week and hour): 'when'." in task.info.notes
    )
    assert float(task.train[0][:, 1].max()) < float(task.valid[0][:, 1].min())


def test_a_date_that_cannot_divide_the_rows_does_not(tmp_path):
    task = load(tmp_path, table(when=["2024-01-01"] * (COUNT - 1) + [None]))
    assert "not by time, because column 'when' does not divide them usefully" in said(task)


def test_times_of_day_are_numbers(tmp_path):
    task = load(tmp_path, table(opens=[f"{row % 24}:15" for row in range(COUNT)]))
    assert "Times of day are used as hours since midnight: 'opens'." in task.info.notes


def test_a_suspected_leak_is_reported(tmp_path):
    frame = table()
    assert "leak" not in said(load(tmp_path, frame))
    refund = np.where(frame.label == "yes", np.random.default_rng(0).normal(size=COUNT), np.nan)
    code = np.where(frame.label == "yes", "u", "v")
    task = load(tmp_path, frame.assign(refund=refund, code=code))
    assert "Suspected leak: one column alone predicts the target nearly perfectly." in said(task)
    assert "'refund', 'code'." in task.info.notes[-1]


def test_a_suspected_leak_of_a_regression(tmp_path):
    frame = table()
    task = load(tmp_path, frame.assign(euros=frame.x * 7 + 1), target="x")
    assert "Suspected leak" in said(task)
    assert "'euros'." in said(task)


def test_fifty_thousand_texts(tmp_path):
    rows = 50_000
    texts = table(
        rows=rows, text=[f"t{row}" for row in range(rows)], pair=[f"p{row // 2}" for row in range(rows)]
    )
    texts["word"] = [f"w{row if row < 20_000 else row % 100}" for row in range(rows)]
    task = load(tmp_path, texts)
    text = said(task)
    assert "are left out: 'text'." in text
    assert "Column 'pair' has " in text
    assert "categories, all of them rare, and is left out." in text
    assert "rare ones share one level" in text
    assert task.train[0].shape[1] == 5
    assert task.model().tables[0].num_embeddings < 200


def test_rows_without_a_target_are_left_out(tmp_path):
    frame = table()
    frame.loc[:9, "label"] = None
    assert "10 rows without a value of the target 'label' are left out." in load(tmp_path, frame).info.notes


def test_long_files_train_longer(tmp_path):
    task = load(tmp_path, table(rows=25_000))
    assert task.training.batch_size == 256
    assert task.info.steps == 15 * 20_000 / 256 // 1 + 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**31), st.integers(1, 12))
def test_identical_rows_stay_on_one_side(tmp_path, seed, distinct):
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"a": generator.integers(0, distinct + 1, 60) / 3, "b": generator.choice(["u", "v", ""], 60)}
    )
    frame["id"] = np.arange(60)
    frame["label"] = generator.choice(["yes", "no"], 60)
    task = load(tmp_path, frame)
    train = {row.numpy().tobytes() for row in task.train[0]}
    assert not train & {row.numpy().tobytes() for row in task.valid[0]}


def test_no_file(tmp_path):
    with pytest.raises(TaskError, match=r"existing CSV file, got 'no such file'"):
        load_csv(tmp_path / "none.csv", "label")


def test_a_missing_target_names_the_closest_column(tmp_path):
    with pytest.raises(DataError, match=r"\('x', 'kind', 'label'\), got 'Lable'. Did you mean 'label'\?"):
        load(tmp_path, table(), target="Lable")


def test_a_header_without_rows(tmp_path):
    with pytest.raises(DataError, match=r"known in at least 20 rows, got 'a header without rows'"):
        load(tmp_path, table().head(0))


def test_one_row(tmp_path):
    with pytest.raises(DataError, match=r"The target 'label' must be known in at least 20 rows, got 1"):
        load(tmp_path, table().head(1))


def test_a_target_without_values(tmp_path):
    with pytest.raises(DataError, match=r"known in at least 20 rows, got 'no value in any row'"):
        load(tmp_path, table().assign(label=None))


def test_one_class(tmp_path):
    with pytest.raises(DataError, match=r"of at least two different values, got 'yes'"):
        load(tmp_path, table().assign(label="yes"))
    with pytest.raises(DataError, match=r"of at least two different values, got '3'"):
        load(tmp_path, table().assign(label=3))


def test_a_target_of_free_text(tmp_path):
    with pytest.raises(DataError, match=r"at most 200 classes, got '400 different texts in 400 rows'"):
        load(tmp_path, table().assign(label=[f"t{row}" for row in range(COUNT)]))


def test_a_target_of_numbers_and_a_word(tmp_path):
    frame = table(price=np.arange(COUNT).astype(str))
    frame.loc[3, "price"] = "cheap"
    with pytest.raises(
        DataError, match=r"a finite number in every row, or a class, got 'cheap'. Mend or empty the 1 "
    ):
        load(tmp_path, frame, target="price")


def test_nothing_to_learn_from(tmp_path):
    with pytest.raises(DataError, match=r"beside 'label' must be of some use, got 'no other column'"):
        load(tmp_path, table()[["label"]])
    with pytest.raises(DataError, match=r"of some use, got .Columns without any value are left out: 'empty'"):
        load(tmp_path, table()[["label"]].assign(empty=None))


def test_two_different_inputs_are_enough(tmp_path):
    task = load(tmp_path, table()[["label"]].assign(x=[1.5, None] * 200))
    assert len(task.train[1]) == len(task.valid[1]) == 200
