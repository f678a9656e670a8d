"""Downloads: exactly the files of an export that was made, streamed as they lie."""

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from qwenlab.runs import Run
from qwenlab.runs.exports import list_exports
from qwenlab.ui.downloads import address
from tests.routes import LOGIN, asked, page
from tests.ui.made import made_run

LOCAL = {"Host": "127.0.0.1:7860", "Accept-Encoding": "gzip"}
WEIGHTS = bytes(range(256)) * 9000


def exported(runs: Path, name: str = "gguf") -> Run:
    """A run with one export and much beside it that is none."""
    run = made_run(runs)
    folder = run.folder / "exports" / name
    (folder / "more").mkdir(parents=True)
    (folder / "model.gguf").write_bytes(WEIGHTS)
    (folder / "README.md").write_text("# Card\n\nChecked: its greedy answers equal the adapter's on 20 prompts.\n")
    (folder / "more" / ("l" * 120)).write_text("long")
    (folder / "outside").symlink_to(run.record_file)
    (folder.parent / ".merged.tmp").mkdir()
    (folder.parent / ".merged.tmp" / "half").write_text("half")
    (folder.parent / "linked").symlink_to(run.folder)
    return run


@pytest.fixture
def app(tmp_path: Path) -> Any:
    return page(tmp_path, None)


def test_a_file_is_sent_as_it_lies_and_gone_on_with(tmp_path: Path, app: Any) -> None:
    run = exported(tmp_path)
    (export,) = list_exports(run)
    at = address(export, export.folder / "model.gguf").removeprefix(".")
    answer = asked(app, "GET", at, LOCAL)
    assert answer.content == WEIGHTS and answer.headers["Content-Length"] == str(len(WEIGHTS))
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{run.name}.gguf"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff" and "Content-Encoding" not in answer.headers
    ranged = asked(app, "GET", at, LOCAL | {"Range": "bytes=10-19"})
    assert ranged.status_code == 206 and ranged.content == WEIGHTS[10:20]


def test_a_folder_is_an_archive_of_known_length(tmp_path: Path, app: Any) -> None:
    run = exported(tmp_path)
    (export,) = list_exports(run)
    at = address(export).removeprefix(".")
    answer = asked(app, "GET", at, LOCAL)
    assert answer.headers["Content-Length"] == str(len(answer.content)) and "Content-Encoding" not in answer.headers
    assert answer.headers["Content-Disposition"].startswith("attachment")
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        top = f"{run.name}-gguf"
        assert set(archive.getnames()) == {f"{top}/README.md", f"{top}/model.gguf", f"{top}/more/{'l' * 120}"}
        member = archive.extractfile(f"{top}/model.gguf")
        assert member and member.read() == WEIGHTS
    head = asked(app, "HEAD", at, LOCAL)
    assert head.headers["Content-Length"] == answer.headers["Content-Length"] and head.content == b""


def test_nothing_else_is_sent(tmp_path: Path, app: Any) -> None:
    run = exported(tmp_path)
    other = made_run(tmp_path, "other")
    (tmp_path / "secret").write_text("secret")
    at = f"/exports/{run.name}/gguf"
    up = ("..", "%2e%2e", "..%2f..", "%2e%2e%2f%2e%2e", "..%5c..")
    paths = [f"{at}/{one}/{name}" for one in up for name in ("", "run.json", "../run.json", "README.md", "model.gguf")]
    paths += [f"/exports/{one}/{two}" for one in (*up, ".", "%2e") for two in (run.name, "exports", "gguf", "secret")]
    paths += [f"/exports/{run.name}/{one}" for one in (*up, ".", "%2e", ".merged.tmp", "linked", "none", "gguf%00")]
    paths += [f"{at}/outside", f"{at}/more", f"{at}//etc/passwd", f"{at}/%2fetc%2fpasswd", f"{at}/{tmp_path}/secret"]
    paths += [f"/exports/{run.name}/linked/run.json", f"/exports/{run.name}/.merged.tmp/half", f"/exports/{run.name}/"]
    paths += [f"/exports/{other.name}/gguf", f"/exports/{other.name}/gguf/model.gguf", "/exports/", "/exports/x"]
    for path in paths:
        for method in ("GET", "HEAD"):
            assert asked(app, method, path, LOCAL).status_code == 404, path
    assert asked(app, "POST", at, LOCAL).status_code == 404
    assert asked(app, "GET", at, LOCAL).status_code == 200, "and the export itself is"


def test_a_login_stands_before_it(tmp_path: Path) -> None:
    run = exported(tmp_path)
    assert asked(page(tmp_path, LOGIN), "GET", f"/exports/{run.name}/gguf/model.gguf", LOCAL).status_code == 401


def test_a_file_that_was_cut_meanwhile_is_no_whole_download(tmp_path: Path, app: Any) -> None:
    from qwenlab.ui import downloads

    run = exported(tmp_path)
    (export,) = list_exports(run)
    members = [downloads._member(path, path.name) for path in export.files]
    (export.folder / "model.gguf").write_bytes(b"short")
    with pytest.raises(RuntimeError, match="was cut"):
        list(downloads._written(members))


def test_addresses_hold_any_name(tmp_path: Path, app: Any) -> None:
    run = exported(tmp_path, "a b#?%41")
    (export,) = list_exports(run)
    assert asked(app, "GET", address(export, export.folder / "README.md").removeprefix("."), LOCAL).status_code == 200
