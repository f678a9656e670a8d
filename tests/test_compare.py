"""The verb on the tiny model with untrained adapters, and against servers."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from qwenlab.answering.answerer import Sampling
from qwenlab.answering.remote import remote_answerer
from qwenlab.compare import main
from qwenlab.comparison.questions import Question
from qwenlab.comparison.screen import Screen
from qwenlab.errors import UserError
from qwenlab.evaluation.programs.verdict import Verdict
from qwenlab.runs import Run, find_run
from qwenlab.runs.comparisons import Comparison, list_comparisons
from qwenlab.runs.shared_base import named, shared_base
from tests.answering.vllm_stub import BASE_NAME, LORA_NAME, Stub, make_stub, serving_app
from tests.conftest import Verb
from tests.serving import make_runs, running

QUESTION = "Read two integers and print their sum."


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("runs")
    make_runs(runs)
    return runs


def newest(runs: Path, name: str, count: int = 1) -> list[Comparison]:
    return list_comparisons(find_run(runs, name))[-count:]


def test_base_and_run_answer_side_by_side_and_it_is_kept(runs: Path, verb: Verb) -> None:
    result = verb("compare", "one", "--prompt", QUESTION, "--max-tokens", 24, "--runs", runs)
    assert result.returncode == 0, result.stderr
    [kept] = newest(runs, "one")
    base, tuned = kept.columns
    assert kept.messages == ({"role": "user", "content": QUESTION},)
    assert (base.model, tuned.model) == ("base", find_run(runs, "one").name)
    assert base.text != tuned.text
    assert base.stamp["weights_sha256"] == tuned.stamp["weights_sha256"]
    assert (base.stamp["adapter"], base.stamp["adapter_sha256"]) == (None, None)
    assert tuned.stamp["adapter"] == str(find_run(runs, "one").adapter)
    assert base.tokens <= 24
    assert base.seconds > 0
    for said in ("adapter off", "adapter on", "tokens/s", "```python", base.stamp["weights_sha256"][:8]):
        assert said in result.stdout


def test_the_same_comparison_again_has_the_same_answers(runs: Path) -> None:
    for _ in range(2):
        main(["one", "two"], prompt=QUESTION, temperature=1.5, seed=3, max_tokens=16, runs=runs)
    first, second = newest(runs, "one", 2)
    assert [column.text for column in first.columns] == [column.text for column in second.columns]
    assert len({column.text for column in first.columns}) == 3, "base, one and two"


def test_many_prompts_are_answered_in_batches_as_each_alone(runs: Path, tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("".join(f"{QUESTION} {'Please. ' * n}\n" for n in range(10)), encoding="utf-8")
    main(["one"], prompts=file, max_tokens=8, runs=runs)
    many = newest(runs, "one", 10)
    assert [len(kept.columns) for kept in many] == [2] * 10
    main(["one"], prompt=many[9].messages[-1]["content"], max_tokens=8, runs=runs)
    [alone] = newest(runs, "one")
    assert alone.messages == many[9].messages
    assert [column.text for column in alone.columns] == [column.text for column in many[9].columns]


def test_programs_are_run_and_have_their_verdicts(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "problems.jsonl"
    problem = {"name": "sum", "description": QUESTION, "tests": [{"input": "1 2\n", "output": "never\n"}]}
    file.write_text(json.dumps(problem) + "\n", encoding="utf-8")
    main(["one"], problems=str(file), run_code=True, max_tokens=100, runs=runs)
    [kept] = newest(runs, "one")
    assert kept.problem == "sum"
    assert all(column.verdict in ("", *Verdict) and column.verdict != Verdict.AC for column in kept.columns)
    assert kept.columns[0].verdict, "the base answers with a program"
    assert kept.columns[0].detail.startswith("test 1 of 1")
    assert kept.columns[0].detail.split(":")[0] in capsys.readouterr().out


def test_blind_choices_are_kept_and_tallied(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("sys.stdin", io.StringIO("a\nb\ntie\n"))
    main(["two"], held_out=4, blind=True, max_tokens=8, runs=runs)
    shown = capsys.readouterr().out
    kept = newest(runs, "two", 4)
    assert [one.choice for one in kept] == [kept[0].columns[0].model, kept[1].columns[1].model, "", None]
    before_first_choice = shown.partition("Which is better?")[0]
    assert "adapter" not in before_first_choice
    assert find_run(runs, "two").name not in before_first_choice
    assert f"A was {kept[0].columns[0].model}, B was {kept[0].columns[1].model}" in shown
    assert "stopped" in shown, "the input ended before the fourth choice"
    assert "of 2 (" in shown
    assert "no preference in 1" in shown


def test_a_server_answers_the_same(runs: Path) -> None:
    main(["one"], prompt=QUESTION, max_tokens=16, runs=runs)
    with running(runs, "one") as served:
        main(["one"], prompt=QUESTION, max_tokens=16, runs=runs, endpoint=served.record.url)
    in_memory, remote = newest(runs, "one", 2)
    assert [column.text for column in in_memory.columns] == [column.text for column in remote.columns]
    assert [column.stamp for column in in_memory.columns] == [column.stamp for column in remote.columns]


def test_a_lora_module_of_vllm_is_compared_by_its_name(runs: Path) -> None:
    with serving_app(make_stub(Stub())) as url:
        main(
            ["one"],
            prompt="Hi",
            max_tokens=8,
            runs=runs,
            endpoint=url,
            base_model=BASE_NAME,
            tuned_model=LORA_NAME,
        )
        with pytest.raises(UserError, match="has no model base"):
            main(["one"], prompt="Hi", runs=runs, endpoint=url)
    [kept] = newest(runs, "one")
    assert [column.text for column in kept.columns] == [f"This is {BASE_NAME}.", f"This is {LORA_NAME}."]
    assert kept.columns[1].stamp == {"model": LORA_NAME, "endpoint": url, "thinking": None}


def test_answers_grow_live_on_a_terminal() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    models = {"base": [BASE_NAME], "mine": [LORA_NAME]}
    with serving_app(make_stub(Stub())) as url, remote_answerer(url, models) as answerer:
        question = Question(({"role": "user", "content": "Hi"},))
        [columns] = Screen(console).ask(answerer, [question], Sampling(8), dict.fromkeys(models), [1, 0], blind=True)
    assert [column.model for column in columns] == ["base", "mine"]
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "This is my-run." in shown
    assert "mine" not in shown, "blind"


def in_mode(run: Run, thinking: bool | None) -> None:
    """As if it had been trained so."""
    model = run.read().model
    assert model
    run.update(model=model.model_copy(update={"thinking": thinking}).model_dump())


def test_reasoning_is_a_line_of_its_own_and_each_run_is_asked_as_it_was_trained(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [find_run(runs, name) for name in ("one", "two")]
    stub = Stub()
    stub.thinks, stub.context = "reasoning_content", 100_000
    names: dict[str, Any] = {"base_model": BASE_NAME, "tuned_model": LORA_NAME}
    try:
        for run, thinking in zip(found, (True, False), strict=True):
            in_mode(run, thinking)
        with serving_app(make_stub(stub)) as url:
            main(["one"], prompt="Hi", max_tokens=8, runs=runs, endpoint=url, **names)
            assert "as it was trained" not in capsys.readouterr().out
            main(["two"], prompt="Hi", max_tokens=8, runs=runs, endpoint=url, **names)
        modes = [body["chat_template_kwargs"]["enable_thinking"] for body in stub.heard]
        assert modes == [True, True, False, False], "base and run alike"
        [kept] = newest(runs, "one")
        assert [column.reasoning for column in kept.columns] == ["I am asked."] * 2
        assert [column.text for column in kept.columns] == [f"This is {BASE_NAME}.", f"This is {LORA_NAME}."]
        assert "reasoned for 11 characters" in capsys.readouterr().out
        main(["one", "two"], prompt="Hi", max_tokens=8, runs=runs)
        assert f"(base: thinking on, {found[0].name}: thinking on, {found[1].name}: thinking off)" in " ".join(
            capsys.readouterr().out.split()
        )
    finally:
        for run in found:
            in_mode(run, None)


def test_a_mode_that_was_changed_by_hand_is_refused(runs: Path) -> None:
    run = find_run(runs, "one")
    run.data_file.write_text('{"thinking": true}', encoding="utf-8")
    try:
        with pytest.raises(UserError, match=r"run\.json says no thinking mode, and .*data\.json"):
            main(["one"], prompt="Hi", runs=runs)
    finally:
        run.data_file.unlink()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "No prompt was given."),
        ({"prompt": "x", "held_out": 2}, "No prompt was given."),
        ({"prompt": "x", "run_code": True}, "--run-code needs problems"),
        ({"run": ["one", "two"], "prompt": "x", "blind": True}, "between two"),
        ({"run": ["one", "one"], "prompt": "x"}, "Two models would be called"),
        ({"prompt": "x", "max_tokens": 5000}, "context is 1,024"),
        ({"prompt": "x", "endpoint": "nowhere"}, "not the address of a server"),
    ],
)
def test_what_cannot_be_compared_is_a_sentence(runs: Path, changes: dict[str, Any], said: str) -> None:
    values: dict[str, Any] = {"run": ["one"]} | changes
    with pytest.raises(UserError) as refused:
        main(**values, runs=runs)
    assert said in str(refused.value)


def test_runs_on_other_weights_are_told_apart(runs: Path) -> None:
    one, two = find_run(runs, "one"), find_run(runs, "two")
    record = two.read().model
    assert record
    before = two.read()
    two.update(model=record.model_copy(update={"sha256": "0" * 64}).model_dump())
    try:
        with pytest.raises(UserError, match="not the same weights"):
            shared_base(named([one, two]))
    finally:
        two.write(before)
