import numpy as np
import pandas as pd
import pytest

from rightrate.errors import DataError, TaskError
from rightrate.tasks.csv import reading
from rightrate.tasks.csv.reading import read


def written(folder, content):
    path = folder / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators(tmp_path, separator):
    path = written(
        tmp_path, "".join(f"{separator.join(row)}\n" for row in (["a", "b c"], ["1", "x y"], ["2", "z"]))
    )
    table = read(path, seed=0)
    assert table.frame.to_numpy().tolist() == [["1", "x y"], ["2", "z"]]
    assert table.notes == (() if separator == "," else (f"Fields are separated by {separator!r}.",))


@pytest.mark.parametrize(
    ("encoding", "note"), [("utf-8", None), ("utf-8-sig", None), ("cp1252", "cp1252"), ("utf-16", "utf-16")]
)
def test_encodings(tmp_path, encoding, note):
    table = read(written(tmp_path, "näme,b\nJürgen,1\nAda,2\n".encode(encoding)), seed=0)
    assert list(table.frame.columns) == ["näme", "b"]
    assert table.frame["näme"][0] == "Jürgen"
    assert table.notes == ((f"The file is not in UTF-8; it was read as {note}.",) if note else ())


@pytest.mark.parametrize("content", ["", "\n\n", "  \n"])
def test_an_empty_file(tmp_path, content):
    with pytest.raises(DataError, match=r"with a header line and rows, got 'an empty file'"):
        read(written(tmp_path, content), seed=0)


def test_no_file_and_a_folder(tmp_path):
    with pytest.raises(TaskError, match=r"existing CSV file, got 'no such file'. Check the path."):
        read(tmp_path / "none.csv", seed=0)
    with pytest.raises(TaskError, match=r"existing CSV file, got 'a folder'"):
        read(tmp_path, seed=0)


def test_binary_data(tmp_path):
    with pytest.raises(DataError, match=r"a text file, got 'binary data'. Export the sheet"):
        read(written(tmp_path, b"PK\x03\x04\x00\x00"), seed=0)


def test_bytes_of_no_encoding(tmp_path):
    with pytest.raises(
        DataError, match=r"UTF-8 or Windows-1252, got 'bytes that are neither'. Save it again"
    ):
        read(written(tmp_path, b"a,b\n\x81\x8d,1\n"), seed=0)


@pytest.mark.parametrize("content", ["a,b\n1,2\n1,2,3\n", "a,b\n1,2,3\n1,2,3\n"])
def test_lines_of_different_lengths(tmp_path, content):
    with pytest.raises(
        DataError, match=r"must be a table, got .*Every line needs as many fields as the header"
    ):
        read(written(tmp_path, content), seed=0)


def test_a_long_file_is_sampled_uniformly_in_order_and_says_so(tmp_path):
    count = 60_000
    path = written(tmp_path, "x,y\n" + "".join(f"{row},1\n" for row in range(count)))
    table = read(path, seed=0, most_rows=2000)
    rows = table.frame["x"].astype(int).to_numpy()
    assert table.rows == count
    assert len(rows) == 2000
    assert (np.diff(rows) > 0).all()
    # The mean of 2,000 rows has a standard error of 387; five of them fail once in two million seeds.
    assert abs(rows.mean() - count / 2) < 5 * 387
    assert table.notes == ("The file has 60,000 rows; 2,000 of them, drawn at random, are used.",)
    pd.testing.assert_frame_equal(table.frame, read(path, seed=0, most_rows=2000).frame)
    assert not table.frame.equals(read(path, seed=1, most_rows=2000).frame)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_records_may_span_lines_and_a_sample_keeps_them_whole(tmp_path, monkeypatch, encoding):
    monkeypatch.setattr(reading, "_BLOCK_BYTES", 7)
    text = "\n\na,b\n" + "".join(f'"ä ""{row}""\nsecond, line",{row}\n' for row in range(300))
    table = read(written(tmp_path, text.encode(encoding)), seed=0, most_rows=50)
    assert table.rows == 300
    assert len(table.frame) == 50
    assert (table.frame["a"] == 'ä "' + table.frame["b"] + '"\nsecond, line').all()
    whole = read(tmp_path / "table.csv", seed=0)
    assert len(whole.frame) == whole.rows == 300


def test_a_lone_quotation_mark_does_not_swallow_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "_BLOCK_BYTES", 64)
    monkeypatch.setattr(reading, "_MOST_RECORD_BYTES", 256)
    rows = (
        ["x,size"] + [f"{row},1" for row in range(100)] + ['100,5"'] + [f"{row},1" for row in range(101, 200)]
    )
    table = read(written(tmp_path, "\n".join(rows)), seed=0)
    assert len(table.frame) == 200
    assert len(read(tmp_path / "table.csv", seed=0, most_rows=20).frame) >= 20
