"""Code Contests' parquet: its columns, and that of a hub (our own, on this machine) only the test split is fetched."""

import json
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from qwenlab.errors import UserError
from qwenlab.evaluation.programs import Problem, Test
from qwenlab.evaluation.programs.codecontests import load_parquet
from tests.evaluation.programs.code_contests import NONE, write_parquet
from tests.hub import COMMIT, NOWHERE, HubAnswers, asked

TEST_FILE = "data/test-00000-of-00001-9c49eeff30aacaa8.parquet"
CODE = """
import json, sys
from qwenlab.evaluation.programs.codecontests import fetch_test_split, load_parquet
from qwenlab.errors import UserError
results = {}
for name in sys.argv[1:]:
    try:
        path, commit = fetch_test_split(name)
        names = [problem.name for problem in load_parquet(path).problems]
        results[name] = {"file": path.name, "commit": commit, "names": names}
    except UserError as error:
        results[name] = {"message": error.message, "hint": error.hint}
print(json.dumps(results))
"""


def loaded(folder: Path, **columns: Any) -> Problem:
    (problem,) = load_parquet(write_parquet(folder / "test.parquet", columns)).problems
    return problem


def test_a_row_of_code_contests(tmp_path: Path) -> None:
    assert loaded(tmp_path) == Problem(
        name="1575_A. Sum",
        description="Add two numbers.",
        tests=(Test("1 2\n", "3\n"), Test("5 5\n", "10\n"), Test("0 0\n", "0\n")),
        examples=(Test("1 2\n", "3\n"),),
        difficulty="1200 to 1599",
        time_limit_s=0.5,
        memory_limit_bytes=256_000_000,
        contest="1575",
    )


def test_zero_and_empty_mean_none(tmp_path: Path) -> None:
    nothing = {"cf_contest_id": 0, "cf_index": "", "cf_rating": 0, "memory_limit_bytes": 0, "name": "p03000 AtCoder"}
    problem = loaded(tmp_path, **nothing, time_limit=None)
    least = Problem(name="", description="", tests=())
    assert (problem.contest, problem.difficulty) == (None, "unknown")
    assert problem.time_limit_s == least.time_limit_s and problem.memory_limit_bytes == least.memory_limit_bytes
    assert loaded(tmp_path, time_limit={"seconds": 0, "nanos": 0}).time_limit_s == least.time_limit_s


def test_two_right_outputs_of_one_input_are_two_tests(tmp_path: Path) -> None:
    both = {"input": ["1\n", "1\n"], "output": ["1\n", "2\n"]}
    tests = loaded(tmp_path, public_tests=NONE, private_tests=both, generated_tests=both).tests
    assert tests == (Test("1\n", "1\n"), Test("1\n", "2\n"))


def test_examples_that_the_description_shows_are_not_shown_again(tmp_path: Path) -> None:
    shown = "Add.\n\nExample\n\nInput\n\n\n 1 2 \n\n\nOutput\n\n\n3\n"
    assert loaded(tmp_path, description=shown).examples == ()
    other = "Add. 1 2 is a sum, and so is\n11 2\n"
    assert loaded(tmp_path, description=other).examples == (Test("1 2\n", "3\n"),)


def test_what_cannot_be_judged_is_left_out_and_named(tmp_path: Path) -> None:
    no_tests = {"name": "none"} | dict.fromkeys(("public_tests", "private_tests", "generated_tests"), NONE)
    found = load_parquet(
        write_parquet(
            tmp_path / "test.parquet",
            {"name": "talk", "description": "This is an interactive problem."},
            {},
            {"name": "file", "input_file": "input.txt"},
            no_tests,
        )
    )
    assert [problem.name for problem in found.problems] == ["1575_A. Sum"]
    assert found.left_out == {"interactive": ("talk",), "reads or writes files": ("file",), "no tests": ("none",)}


def test_bad_rows_are_told_with_their_number(tmp_path: Path) -> None:
    path = write_parquet(
        tmp_path / "p.parquet",
        {"name": "a"},
        {"name": "b", "private_tests": {"input": ["1"], "output": []}},
        {"name": "a"},
        {"name": "c", "generated_tests": {"input": [None], "output": ["1"]}},
    )
    with pytest.raises(UserError) as error:
        load_parquet(path)
    assert "p.parquet, row 2: tests.2.output: Input should be a valid string" in error.value.message
    assert "p.parquet, row 3: 'a' is there already, in row 1." in error.value.message
    assert "p.parquet, row 4: tests.3.input: Input should be a valid string" in error.value.message


def test_files_that_are_something_else_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    with pytest.raises(UserError, match="cannot be read: No such file"):
        load_parquet(path)
    path.write_text('{"name": "sum"}\n')
    with pytest.raises(UserError, match=r"cannot be read: .*arquet"):
        load_parquet(path)
    pl.DataFrame({"name": ["a"], "question": ["b"]}).write_parquet(path)
    with pytest.raises(UserError, match="has no column description and no public_tests"):
        load_parquet(path)
    pl.DataFrame({"name": ["a"], "description": ["b"], "public_tests": ["c"]}).write_parquet(path)
    with pytest.raises(UserError, match="public_tests is not of lists of texts, but String"):
        load_parquet(path)
    sound = pl.read_parquet(write_parquet(path, {}))
    sound.with_columns(pl.lit(2.5).alias("time_limit")).write_parquet(path)
    with pytest.raises(UserError, match="time_limit is not of seconds and nanos, but Float64"):
        load_parquet(path)
    with pytest.raises(UserError, match="is empty"):
        load_parquet(write_parquet(path))
    path.write_bytes(write_parquet(path, {}).read_bytes().replace(b"cf_rating", b"cf_r\xa5ting"))
    with pytest.raises(UserError, match=r"p\.parquet"):
        load_parquet(path)


def test_a_list_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert len(loaded(tmp_path, private_tests={"input": None, "output": None}).tests) == 3
    with pytest.raises(UserError, match=r"tests\.2\.output: Input should be a valid string"):
        loaded(tmp_path, private_tests={"input": ["1"], "output": None})


def test_a_library_that_panics_has_not_read_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def panic(*given: object, **named: object) -> None:
        raise pl.exceptions.PanicException("Thrift out of range")

    monkeypatch.setattr(pl, "read_parquet", panic)
    with pytest.raises(UserError, match=r"is damaged: its reader gave up \(Thrift out of range"):
        loaded(tmp_path)


class Hub(HubAnswers):
    """What the library asks for a data set: org/good is as Code Contests is, others are missing, gated or broken."""

    files: dict[str, bytes]
    asked: list[str]

    def do_GET(self) -> None:  # noqa: N802
        path = self.path.partition("?")[0]
        files = [name for name in self.files if "org/bare" not in path or not name.startswith("data/test")]
        self.asked.append(path)
        if "org/missing" in path:
            self.answer(401, error="RepoNotFound")
        elif "org/broken" in path:
            self.answer(503)
        elif path.startswith("/api/datasets/"):
            siblings = [{"rfilename": name} for name in files]
            info = {"id": "org/good", "sha": COMMIT, "siblings": siblings, "private": False, "disabled": False}
            entries = [{"type": "file", "path": name, "size": len(self.files[name]), "oid": name} for name in files]
            self.answer(200, json.dumps(entries if "/tree/" in path else info).encode())
        elif "org/gated" in path:
            self.answer(403, error="GatedRepo")
        elif (name := path.partition(f"/resolve/{COMMIT}/")[2]) in files:
            self.answer(200, self.files[name])
        else:
            self.answer(404, error="EntryNotFound")

    do_HEAD = do_GET  # noqa: N815


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hub")


@pytest.fixture(scope="module")
def up(home: Path) -> Iterator[dict[str, Any]]:
    content = write_parquet(home / "made.parquet", {}).read_bytes()
    Hub.files = {"README.md": b"---\n", "data/train-00000-of-00039.parquet": b"gigabytes", TEST_FILE: content}
    Hub.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        names = ("org/good", "org/missing", "org/gated", "org/broken", "org/bare")
        yield asked(CODE, home, f"http://127.0.0.1:{server.server_port}", *names)
        server.shutdown()
        thread.join()


def test_only_the_test_split_is_fetched(up: dict[str, Any]) -> None:
    assert up["org/good"] == {"file": Path(TEST_FILE).name, "commit": COMMIT, "names": ["1575_A. Sum"]}
    assert {path.rpartition("/")[2] for path in Hub.asked if "org/good/resolve/" in path} == {Path(TEST_FILE).name}


def test_what_was_fetched_needs_no_hub(up: dict[str, Any], home: Path) -> None:
    assert asked(CODE, home, NOWHERE, "org/good") == {"org/good": up["org/good"]}
    assert asked(CODE, home, NOWHERE, "org/good", offline="1") == {"org/good": up["org/good"]}


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("org/missing", "There is no file or folder org/missing here, and the hub has no such data set", "HF_TOKEN"),
        ("org/gated", "org/gated is gated", "HF_TOKEN"),
        ("org/broken", "org/broken is not on this machine and the hub cannot be reached", "HF_ENDPOINT"),
        ("org/bare", "org/bare has 0 files data/test-*.parquet", "deepmind/code_contests"),
    ],
)
def test_a_refusal_is_told_with_its_reason(up: dict[str, Any], name: str, message: str, hint: str) -> None:
    assert message in up[name]["message"] and hint in up[name]["hint"]


def test_a_hub_out_of_reach_is_told(tmp_path: Path) -> None:
    message = asked(CODE, tmp_path, NOWHERE, "org/other")["org/other"]["message"]
    assert message == "org/other is not on this machine and the hub cannot be reached."
