"""`python -m qwenlab.evaluate` on the real tiny model, in the real sandbox."""

import html
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qwenlab.errors import UserError
from qwenlab.evaluate import main
from qwenlab.evaluation.programs.sandbox import landlock
from qwenlab.recipe import read_recipe
from qwenlab.report.schema import Report, SuiteReport, read_report
from qwenlab.runs import Run, Status, list_evaluations
from qwenlab.runs.evaluation import Evaluation, newest
from tests.answering.vllm_stub import BASE_NAME, LORA_NAME, Stub, make_stub, serving_app
from tests.conftest import ROOT, Verb
from tests.serving import running
from tests.trained import linked_run, quick_self_check

TINY = ROOT / "recipes" / "tiny.toml"
BATCHES = ["evaluate.batch_size=6"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    quick_self_check(monkeypatch)


@pytest.fixture
def run(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Run:
    return linked_run(tmp_path / "runs", tmp_path_factory)


def evaluated(run: Run, **options: Any) -> Evaluation:
    """Evaluate it on the mini contest, in this process; the newest evaluation."""
    contest: dict[str, Any] = {} if options.keys() & {"resume", "rejudge", "problems", "suite"} else {"suite": "tiny"}
    main(run.name, runs=run.folder.parent, **contest | options)
    return newest(run)


def report_of(evaluation: Evaluation) -> Report:
    return read_report(evaluation.report_file)


def suite_of(evaluation: Evaluation) -> SuiteReport:
    """Of an evaluation of one."""
    (suite,) = report_of(evaluation).suites.values()
    return suite


def test_base_and_tuned_are_compared_and_the_sentence_is_last(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    evaluation = evaluated(run, limit=30, set_=BATCHES, noise_floor=True)
    report, suite = report_of(evaluation), suite_of(evaluation)
    shown = capsys.readouterr().out.splitlines()
    assert "Judge verified: 4 of 4 checks" in "".join(shown)
    assert shown.index("30 of 200 problems of tiny") < next(i for i, line in enumerate(shown) if "detectable" in line)
    assert shown[-1] == report.sentence
    assert suite.n == 30
    assert suite.metrics["pass"].model_dump()["gained"] > 0
    assert {path.name for path in evaluation.folder.iterdir()} >= {"report.json", "report.md", "report.html", "log.txt"}
    assert {path.name for path in evaluation.suite("tiny").folder.iterdir()} == {
        "items.jsonl", "samples.jsonl", "judged.jsonl",
    }  # fmt: skip
    assert evaluation.status is Status.finished
    assert suite.noise_floor is not None
    assert suite.noise_floor.n == 30
    assert len(suite.rows) == 30
    for name in ("report.md", "report.html", "log.txt"):
        text = (evaluation.folder / name).read_text(encoding="utf-8")
        text = re.sub(r"\\([<>*_])", r"\1", text) if name.endswith(".md") else re.sub(r"<[^>]*>", "", text)
        assert report.sentence in html.unescape(text)

    # Judged again, the verdicts are the same.
    again = evaluated(run, rejudge=True)
    assert again.folder == evaluation.folder
    assert report_of(again).without_times() == report.without_times()


def killed_when(run: Run, name: str, lines: int, *arguments: str) -> None:
    """Start it as a process, and kill it as soon as that file has so many lines."""
    runs = run.folder.parent
    command = [sys.executable, "-m", "qwenlab.evaluate", run.name, "--runs", str(runs), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    before = len(list_evaluations(run)) + ("--resume" not in arguments)
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        evaluations = list_evaluations(run)
        if len(evaluations) == before:
            found = evaluations[-1].suite("tiny").folder / name
            if found.exists() and found.read_bytes().count(b"\n") >= lines:
                break
        time.sleep(0.005)
    assert process.poll() is None, "it must still be at work"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.slow
def test_killed_five_times_it_reports_the_same(run: Run) -> None:
    whole = evaluated(run, limit=60, set_=BATCHES)
    killed_when(run, "samples.jsonl", 6, "--suite", "tiny", "--limit", "60", "--set", BATCHES[0])
    interrupted = newest(run)
    assert interrupted.folder != whole.folder
    assert interrupted.status is Status.lost
    for lines in (40, 80):
        killed_when(run, "samples.jsonl", lines, "--resume")
    for lines in (32, 64):
        killed_when(run, "judged.jsonl", lines, "--resume")
    assert evaluated(run, resume=True).folder == interrupted.folder
    first, second = (each.suite("tiny").samples_file.read_bytes() for each in (interrupted, whole))
    assert first == second
    assert report_of(interrupted).without_times() == report_of(whole).without_times()


def test_without_a_sandbox_pass_is_not_measured_and_all_else_is(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as without:
        without.setenv("PATH", "/none")
        without.setattr(landlock, "landlock_abi", lambda: 0)
        report = report_of(evaluated(run, limit=12, set_=BATCHES))
    assert report.sentence.startswith("Not measured: ")
    assert "sudo apt install bubblewrap" in report.sentence
    metrics = report.suites["tiny"].metrics
    assert metrics["generation"].model_dump()["after"]["count"] > 0
    assert metrics["syntax"].model_dump()["after"]["count"] > 0
    assert [criterion.status for criterion in report.criteria][1] == "not measured"

    # And with one, from the same answers.
    assert "Not measured" not in report_of(evaluated(run, rejudge=True)).sentence


def test_several_samples_a_problem(run: Run) -> None:
    suite = suite_of(evaluated(run, limit=8, samples=3, set_=["evaluate.temperature=0.8"]))
    assert set(suite.pass_at_k) == {1, 3}
    assert all(len(row.base) == len(row.tuned) == 3 for row in suite.rows)
    once, thrice = (suite.pass_at_k[k].after for k in (1, 3))
    assert once is not None
    assert thrice is not None
    assert thrice.value >= once.value


def test_asked_to_stop_it_stops_and_goes_on(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    def ask() -> None:
        while not list_evaluations(run) or not newest(run).suite("tiny").samples_file.exists():
            time.sleep(0.005)
        newest(run).request_stop()

    asking = threading.Thread(target=ask)
    asking.start()
    evaluation = evaluated(run, limit=10, set_=["evaluate.batch_size=1"])
    asking.join()
    assert evaluation.status is Status.stopped
    assert f"python -m qwenlab.evaluate {run.name} --resume" in capsys.readouterr().out
    assert not evaluation.report_file.exists()
    assert evaluated(run, resume=True).status is Status.finished
    assert suite_of(evaluation).n == 10


def test_problems_of_a_file(run: Run, tmp_path: Path) -> None:
    row = {"description": "Print the sum of two integers.", "tests": [{"input": "1 2\n", "output": "3\n"}]}
    lines = [json.dumps({"name": f"1_{letter}. Sum", **row}) for letter in "ABC"]
    (tmp_path / "problems.jsonl").write_text("\n".join(lines), encoding="utf-8")
    evaluation = evaluated(run, problems=str(tmp_path / "problems.jsonl"), limit=2)
    suite = suite_of(evaluation)
    assert suite.n == 2
    assert suite.asked.source.endswith("problems.jsonl")
    assert evaluation.suite("code_contests").items_file.read_text().count("\n") == 2


def test_a_server_answers_as_the_model_in_this_process(run: Run) -> None:
    here = report_of(evaluated(run, limit=12, set_=BATCHES))
    with running(run.folder.parent, run.name) as server:
        there = report_of(evaluated(run, limit=12, set_=BATCHES, endpoint=server.record.url))
    assert there.sentence == here.sentence
    assert there.without_times()["suites"] == here.without_times()["suites"]
    assert there.stamps["tuned"]["adapter_sha256"] == here.stamps["tuned"]["adapter_sha256"]


def trained_in(run: Run, thinking: bool, said: bool | None = None) -> None:
    """A run of that mode, by data.json; by run.json `said`, where that is another."""
    record = run.read()
    for linked in (run.record_file, run.data_file):  # to those that all tests share
        linked.unlink()
    model = record.model
    assert model
    run.write(record.model_copy(update={"model": model.model_copy(update={"thinking": thinking})}))
    run.data_file.write_text(json.dumps({"thinking": thinking if said is None else said}), encoding="utf-8")


@pytest.fixture
def vllm() -> Iterator[tuple[Stub, dict[str, Any]]]:
    """A server whose models think, and the options that have it asked."""
    stub = Stub()
    stub.thinks, stub.context = "reasoning_content", 100_000
    with serving_app(make_stub(stub)) as url:
        names = {"base_model": BASE_NAME, "tuned_model": LORA_NAME}
        yield stub, {"limit": 3, "endpoint": url} | names


def test_both_are_asked_in_the_run_s_mode_and_the_report_says_it(
    run: Run, vllm: tuple[Stub, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    stub, options = vllm
    trained_in(run, thinking=True)
    report = report_of(evaluated(run, **options))
    assert [body["chat_template_kwargs"] for body in stub.heard] == [{"enable_thinking": True}] * 6
    assert {body["max_tokens"] for body in stub.heard} == {
        run.recipe.evaluate.max_new_tokens + run.recipe.evaluate.max_thinking_tokens
    }
    assert report.thinking is True
    assert {stamp["thinking"] for stamp in report.stamps.values()} == {True}
    assert {one.reasoning for row in report.suites["tiny"].rows for one in (*row.base, *row.tuned)} == {"I am asked."}
    assert all(one.answer.startswith("This is") for row in report.suites["tiny"].rows for one in row.tuned)
    assert "base and tuned are asked with thinking on" in capsys.readouterr().out


def test_an_evaluation_goes_on_in_the_mode_that_it_began_with_alone(
    run: Run, vllm: tuple[Stub, dict[str, Any]]
) -> None:
    stub, options = vllm
    trained_in(run, thinking=True)
    stub.busy, stub.busy_status = 1000, 422
    with pytest.raises(UserError, match="answered 422"):
        evaluated(run, **options)
    stub.busy = 0
    trained_in(run, thinking=False)
    with pytest.raises(UserError, match=r"began with thinking on, and .*run.json now says thinking off"):
        evaluated(run, resume=True)
    trained_in(run, thinking=True)
    assert evaluated(run, resume=True).status is Status.finished


def test_a_mode_that_was_changed_by_hand_is_refused(run: Run, vllm: tuple[Stub, dict[str, Any]]) -> None:
    stub, options = vllm
    trained_in(run, thinking=True, said=False)
    with pytest.raises(UserError, match=r"run\.json says thinking on, and .*data\.json.* thinking off"):
        evaluated(run, **options)
    assert list_evaluations(run) == []
    assert stub.heard == []


def test_an_error_of_the_server_loses_no_answer_that_came(run: Run, vllm: tuple[Stub, dict[str, Any]]) -> None:
    stub, options = vllm
    stub.fails_after, stub.busy_status = 4, 422
    with pytest.raises(UserError, match="answered 422"):
        evaluated(run, **options, set_=["evaluate.batch_size=3"])
    assert newest(run).suite("tiny").samples_file.read_text(encoding="utf-8").count("\n") == 4
    stub.fails_after = 1000
    heard = len(stub.heard)
    assert suite_of(evaluated(run, resume=True)).n == 3
    assert len(stub.heard) - heard == 2, "only what is missing is asked for"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"resume": True}, "has no evaluation to go on with"),
        ({"rejudge": True}, "has no evaluation yet"),
        ({"resume": True, "limit": 3}, "It goes on with the settings that it began with."),
        ({"samples": 3}, "3 answers a problem at temperature 0 would be 3 times the same."),
        ({"problems": "none.jsonl"}, "none.jsonl"),
        ({"endpoint": "http://me:secret@127.0.0.1:9/v1"}, "http://127.0.0.1:9/v1 is given with a password."),
        ({"endpoint": "nonsense"}, "nonsense is not the address of a server."),
        ({"set_": ["evaluate.limt=3"]}, "did you mean evaluate.limit?"),
    ],
)
def test_what_can_be_mended_is_a_sentence(run: Run, options: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError) as caught:
        evaluated(run, **options)
    assert words in str(caught.value)


def test_a_run_without_an_adapter_cannot_be_evaluated(verb: Verb, tmp_path: Path) -> None:
    Run.create(tmp_path / "runs", read_recipe(TINY), "tiny")
    answer = verb("evaluate", "last")
    assert answer.returncode == 2
    assert "has delivered no adapter yet" in answer.stderr
    assert "Traceback" not in answer.stderr
