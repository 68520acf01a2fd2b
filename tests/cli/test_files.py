import os
from pathlib import Path

import pytest

from rightrate.cli.files import check_writable, write, write_bytes, write_json
from rightrate.errors import ConfigError


def test_a_check_leaves_nothing_behind(tmp_path: Path) -> None:
    check_writable("--json", tmp_path / "out.json")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_text("old")
    check_writable("--json", path)
    assert path.read_text() == "old"
    write("--json", path, "new\nlines\udcff\n")
    assert path.read_bytes() == b"new\nlines?\n"
    assert list(tmp_path.iterdir()) == [path]


def test_bytes_are_written_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "out.png"
    write_bytes("--png", path, b"\x89PNG\r\n\x00")
    assert path.read_bytes() == b"\x89PNG\r\n\x00"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(ConfigError, match=r"^--png must be a file that can be written, got .*No such file"):
        write_bytes("--png", tmp_path / "none" / "out.png", b"")


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "a", tmp_path / "b"
    target.write_text("old")
    link.symlink_to(target)
    check_writable("--json", link)
    write("--json", link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    read, written = os.pipe()
    with os.fdopen(read) as reading:
        path = Path(f"/dev/fd/{written}")
        check_writable("--json", path)
        write("--json", path, "new")
        os.close(written)
        assert reading.read() == "new"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (".", r"--report must be a file, got '.*'\. Name a file in it"),
        (
            "none/out.html",
            r"--report must be in a folder that exists, got '.*none/out.html'\. Make the folder",
        ),
        ("x" * 300, r"--report must be a file that can be written, got '.*\. File name too long"),
    ],
)
def test_what_cannot_be_written_is_found_before(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_writable("--report", tmp_path / name)


def test_a_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(ConfigError, match=r"that can be written, got '.*out'\. Permission denied\."):
        check_writable("--json", tmp_path / "out")


def test_a_full_disk_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.json"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match=r"--json must be a file that can be written.*No space left"):
        write("--json", path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_to_stdout_is_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    write_json("-", {"name": "größe \udcff"})
    assert capsys.readouterr().out == '{\n  "name": "gr\\u00f6\\u00dfe \\udcff"\n}\n'
