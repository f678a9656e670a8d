"""`python -m qwenlab.prefer`: a judge model behind a real server, beside blind votes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock

from qwenlab.errors import UserError
from qwenlab.evaluation.item import Item, Reference, ShortAnswer, Task
from qwenlab.evaluation.samples import Sample, Side
from qwenlab.files import append_lines
from qwenlab.jobs.prefer import prefer
from qwenlab.recipe import Recipe
from qwenlab.report.preference import OPINION, Preferred
from qwenlab.runs import Evaluation, Run
from qwenlab.runs.comparisons import Column, Comparison, choose, keep, now
from tests.answering.judge_stub import JudgeStub, always_first, longer, make_judge
from tests.answering.vllm_stub import serving_app
from tests.conftest import Verb

FREE = Reference(answer="the data's own")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "runs", Recipe(), "one")


@contextmanager
def judged_by(stub: JudgeStub) -> Iterator[str]:
    with serving_app(make_judge(stub)) as url:
        yield url


def evaluated(run: Run, suites: dict[str, list[tuple[str, str, Task]]]) -> Evaluation:
    """A new evaluation with those answers of base and tuned, by suite."""
    evaluation = Evaluation.create(run, run.recipe.evaluate)
    for name, rows in suites.items():
        folder = evaluation.folder / "suites" / name
        folder.mkdir(parents=True)
        for number, (base, tuned, task) in enumerate(rows):
            item = f"{name}-{number}"
            asked = ({"role": "user", "content": f"Question {number}?"},)
            answers: dict[Side, str] = {"base": base, "tuned": tuned}
            append_lines(folder / "items.jsonl", [Item(name=item, messages=asked, shown="?", task=task)])
            append_lines(
                folder / "samples.jsonl",
                [
                    Sample(item=item, model=side, sample=0, answer=answer, tokens=1, truncated=False)
                    for side, answer in answers.items()
                ],
            )
    return evaluation


def voted(run: Run, base: str, tuned: str, choice: str | None, blind: bool = True, second: str = "base") -> None:
    columns = tuple(
        Column(model=model, text=text, finish="stop", tokens=1, seconds=1, stamp={})
        for model, text in ((run.name, tuned), (second, base))
    )
    asked = ({"role": "user", "content": f"Which of {base} and {tuned}?"},)
    made = Comparison(created=now(), messages=asked, max_tokens=9, temperature=0, seed=1, columns=columns, blind=blind)
    keep(run, made)
    if choice is not None:
        choose(run, made.name, {"tuned": run.name, "tie": ""}.get(choice, choice))


def test_the_answers_of_an_evaluation_beside_blind_votes(run: Run, verb: Verb) -> None:
    rows: list[tuple[str, str, Task]] = [(f"no {n}", f"longer {n}", FREE) for n in range(8)]
    rows += [("the longer one", "short", FREE), ("four", "five", FREE), ("same", "same", FREE)]
    evaluation = evaluated(run, {"held_out": rows, "gsm8k": [("1", "22", ShortAnswer(form="number", gold="1"))]})
    for number in range(4):
        voted(run, f"no {number}", f"longer {number}", "tuned")
    voted(run, "the longest of all", "not it", "tuned")
    voted(run, "four", "five", "tie")
    stub = JudgeStub(longer)
    with judged_by(stub) as url:
        answer = verb("prefer", run.name, "--judge", url, "--runs", run.folder.parent)
        assert answer.returncode == 0, answer.stderr
        again = verb("prefer", run.name, "--judge", url, "--runs", run.folder.parent)
    assert len(stub.heard) == 2 * 10 + 2 * 6, "each once, in both orders"
    for said in (
        "held_out: A judge model preferred the tuned answers: 8 of 9 decided pairs (p = 0.039), 1 tie, 1 pair of equal "
        "answers.",
        "It agreed with 4 of your 5 blind votes (80 %, 95 % interval 38 to 96 %; with 1 tie, Cohen's kappa 0.60).",
        f"{OPINION} It was asked of judge-7b at {url}.",
    ):
        assert said in answer.stdout and said in again.stdout
    assert "gsm8k" not in answer.stdout, "what is right there, is known"
    assert any("the data's own" in prompt for prompt in stub.prompts)

    found = Preferred.read(evaluation.folder / "preference.json")
    assert found.evaluation == evaluation.name and found.agreement and found.agreement.n == 6
    assert found.suites["held_out"].opinions[-1].outcome == "identical"
    assert found.suites["held_out"].figures.wins == 8


def test_a_judge_that_goes_by_the_place_prefers_nothing(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    evaluated(run, {"held_out": [(f"no {n}", f"longer {n}", FREE) for n in range(8)]})
    with judged_by(JudgeStub(always_first)) as url:
        figures = prefer(run, url).suites["held_out"].figures
    assert (figures.flipped.count, figures.first, figures.p_value) == (8, 8, None)
    assert "A judge model decided none of 8 pairs, 8 flipped with the order." in capsys.readouterr().out


def test_votes_alone_are_judged_where_no_evaluation_has_free_text(run: Run) -> None:
    voted(run, "no", "longer", "tuned")
    voted(run, "no", "longer", None)
    voted(run, "no", "longer", "base", blind=False)
    voted(run, "no", "longer", "tuned", second="another-run")
    stub = JudgeStub(longer)
    with judged_by(stub) as url:
        found = prefer(run, url)
    assert found.evaluation is None and found.suites == {} and found.agreement and found.agreement.n == 1
    assert len(stub.heard) == 2
    assert Preferred.read(run.folder / "preference.json") == found


def test_a_named_suite_is_judged_whatever_its_answers_are(run: Run) -> None:
    evaluated(run, {"gsm8k": [(f"{n}", f"{n}{n}", ShortAnswer(form="number", gold="1")) for n in range(9)]})
    evaluated(run, {})  # a newer one that was stopped before it had an answer
    stub = JudgeStub(longer)
    with judged_by(stub) as url:
        with pytest.raises(UserError, match="no answers in free text and no blind votes") as refused:
            prefer(run, url)
        assert "--blind" in refused.value.hint and "--suite NAME" in refused.value.hint
        with pytest.raises(UserError, match="no answers to held_out"):
            prefer(run, url, suite="held_out")
        found = prefer(run, url, suite="gsm8k", limit=3)
    assert found.suites["gsm8k"].figures.wins == 3 and len(stub.heard) == 6


def test_a_server_that_fails_keeps_what_came(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    evaluated(run, {"held_out": [(f"no {n}", f"longer {n}", FREE) for n in range(20)]})
    stub = JudgeStub(longer)
    stub.fails_after = 16
    with judged_by(stub) as url:
        with pytest.raises(UserError, match="out of credit"):
            prefer(run, url)
        assert "16 of 40 replies are kept; the same command goes on with the others." in capsys.readouterr().out
        stub.fails_after = 10**6
        assert prefer(run, url).suites["held_out"].figures.wins == 20
    assert len(stub.heard) == 40


def test_of_several_models_one_is_named(run: Run) -> None:
    voted(run, "no", "longer", "tuned")
    with judged_by(JudgeStub(longer, models=("small", "large"))) as url:
        with pytest.raises(UserError, match="has 2 models, and one is to judge") as several:
            prefer(run, url)
        assert "small, large" in several.value.hint and "--judge-model" in several.value.hint
        with pytest.raises(UserError, match="has no model huge"):
            prefer(run, url, "huge")
        assert prefer(run, url, "large").judge == "large"
        assert "@" not in prefer(run, url.replace("//", "//user:secret@"), "large").server
    with pytest.raises(UserError, match="cannot be reached"):
        prefer(run, url)


def test_two_at_once_are_refused(run: Run) -> None:
    voted(run, "no", "longer", "tuned")
    with (
        judged_by(JudgeStub(longer)) as url,
        FileLock(run.folder / ".prefer.lock"),
        pytest.raises(UserError, match="A judge model is being asked about"),
    ):
        prefer(run, url)


def test_a_judge_of_the_weights_that_it_judges_is_noted(run: Run) -> None:
    evaluation = evaluated(run, {"held_out": [("no", "longer", FREE)]})
    evaluation.update(stamps={"base": {"weights_sha256": "one"}, "tuned": {"model": "elsewhere"}})
    stub = JudgeStub(longer)
    for weights, notes in (("other", 0), ("one", 1)):
        stub.stamp = {"model": "judge-7b", "weights_sha256": weights}
        with judged_by(stub) as url:
            assert len(prefer(run, url).notes) == notes


def test_what_makes_an_opinion_worth_little_is_noted(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    evaluated(run, {"held_out": [("same", "same", FREE)] * 3})
    with judged_by(JudgeStub(longer)) as url:
        [note] = prefer(run, url).notes
    assert "server that ignores the adapter" in note
    evaluated(run, {"held_out": [("one", "another", FREE)]})
    with judged_by(JudgeStub(lambda a, b: "I like both.")) as url:
        [note] = prefer(run, url).notes
    assert str(run.folder / "opinions.jsonl") in note
    assert "decided none of 1 pairs, 1 unreadable" in capsys.readouterr().out
