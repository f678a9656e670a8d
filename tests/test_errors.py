"""What comes from outside is a sentence, and a bug stays one."""

import errno
import os
from pathlib import Path

import pytest
import typer

from qwenlab import cli
from qwenlab.errors import UserError, is_panic, outside, outside_told
from qwenlab.files import append_lines, write_atomically
from qwenlab.runs.label import Label


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "The disk is full."),
        (OSError(errno.EROFS, os.strerror(errno.EROFS), "runs/a"), "runs/a: the file system is read-only."),
        (PermissionError(errno.EACCES, os.strerror(errno.EACCES), b"runs/a"), "runs/a: permission denied."),
        (
            RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"),
            "The disk is full.",
        ),
        (RuntimeError("[enforce fail at inline_container.cc:668] . unexpected pos 64 vs 0"), "The disk is full."),
        (RuntimeError("PytorchStreamWriter failed writing file data/3: file write failed"), "The disk is full."),
        (ValueError("embedded null byte"), "The name of a file holds a NUL character."),
        (MemoryError(), "This machine's memory does not suffice."),
    ],
)
def test_what_comes_from_outside_is_a_sentence_with_what_to_do(error: Exception, said: str) -> None:
    told = outside(error)
    assert told and told.message == said and told.hint


@pytest.mark.parametrize("error", [KeyError("a"), FileNotFoundError(errno.ENOENT, "No such file"), ValueError("b")])
def test_a_bug_keeps_its_traceback(error: Exception) -> None:
    with pytest.raises(type(error)), outside_told():
        raise error


def test_a_sentence_says_what_could_not_be_done_where_that_is_known(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match=r"my\.csv cannot be read: permission denied"),
        outside_told("my.csv cannot be read"),
    ):
        raise PermissionError(errno.EACCES, "Permission denied")


def test_a_long_name_is_not_repeated_in_full(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught, outside_told():
        (tmp_path / ("a" * 5000)).read_bytes()
    assert "too long" in caught.value.message and len(caught.value.message) < 300


def test_a_verb_ends_with_2_on_a_full_disk(capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "runs/x/log.txt")

    with pytest.raises(SystemExit) as ended:
        cli.run(main, "qwenlab x", [])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("runs/x/log.txt: the disk is full.\nMake room")


def test_a_panic_of_a_library_is_told_from_other_errors() -> None:
    class PanicException(BaseException):
        pass

    assert is_panic(PanicException("called `Option::unwrap()` on a `None` value"))
    assert not is_panic(typer.Abort()) and not is_panic(KeyboardInterrupt())


def test_a_file_that_could_not_be_written_leaves_the_old_one_and_no_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "label.json"
    path.write_text("before")

    def half(self: Path, text: str, encoding: str) -> int:
        self.write_bytes(text.encode()[:3])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", half)
    with pytest.raises(UserError, match=r"label\.json cannot be written: the disk is full"):
        write_atomically(path, "after")
    assert [file.name for file in tmp_path.iterdir()] == ["label.json"] and path.read_bytes() == b"before"


def test_lines_that_cannot_be_appended_are_a_sentence() -> None:
    with pytest.raises(UserError, match=r"/dev/full cannot be written: the disk is full"):
        append_lines(Path("/dev/full"), [Label(title="a")])
