"""The Compare tab's handlers, on a run that was really trained and a server that really answers."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qwenlab.recipe import Recipe
from qwenlab.runs import Run, gpu_lock, list_runs
from qwenlab.runs.comparisons import list_comparisons, tally
from qwenlab.runs.launch import list_launches
from qwenlab.runs.serving import serving
from qwenlab.ui.jobs import served
from qwenlab.ui.tabs import compare
from qwenlab.ui.tabs.compare import HELD_OUT, PROBLEM, TYPED, Seen
from tests.serving import scripted
from tests.trained import copy_of_a_trained_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a trained run. What its server was started as is ended in the end."""
    folder = tmp_path_factory.mktemp("runs")
    copy_of_a_trained_run(folder, tmp_path_factory)
    yield folder
    end_servers(folder)


@pytest.fixture
def name(runs: Path) -> str:
    return list_runs(runs)[0].name


@pytest.fixture
def untrained(tmp_path: Path) -> Run:
    return Run.create(tmp_path, Recipe(), "untrained")


def end_servers(runs: Path) -> None:
    for launched in list_launches(runs, "serve"):
        if launched.is_alive:
            os.kill(launched.read().pid, signal.SIGTERM)


def asked(runs: Path, name: str, prompt: str = "Print the sum of two numbers.", **changes: Any) -> list[list[Any]]:
    """All that `ask` yields."""
    values: dict[str, Any] = {
        "waits": False,
        "names": [name],
        "source": TYPED,
        "which": None,
        "system": "",
        "prompt": prompt,
        "max_tokens": 48,
        "temperature": 0.0,
        "seed": 42,
        "blind": False,
    }
    return list(compare.ask(runs, **(values | changes)))


def part(outputs: list[Any], name: str) -> Any:
    return outputs[Seen._fields.index(name)]


def texts(outputs: list[Any]) -> list[str]:
    """The columns' answers in a state of the page."""
    return [piece.partition("</pre>")[0] for piece in str(part(outputs, "columns")).split("</h4><pre>")[1:]]


def test_both_columns_stream_at_once_and_are_kept_with_their_stamps(runs: Path, name: str) -> None:
    states = asked(runs, name, temperature=2.0, max_tokens=800)  # wild, and therefore long
    streamed = [texts(state) for state in states if texts(state)]
    # In between there is a moment in which both have begun and neither has ended.
    ends = streamed[-1]
    assert any(0 < len(base) < len(ends[0]) and 0 < len(tuned) < len(ends[1]) for base, tuned in streamed)
    kept = list_comparisons(Run(runs / name))[-1]
    base, tuned = kept.columns
    assert [base.model, tuned.model] == ["base", name]
    assert base.text != tuned.text
    assert base.stamp["adapter"] is None
    assert tuned.stamp["adapter_sha256"]
    assert base.stamp["weights_sha256"] == tuned.stamp["weights_sha256"]
    assert part(states[-1], "shown") == kept.name
    assert "adapter off" in part(states[-1], "columns")
    assert "tokens/s" in part(states[-1], "columns")


def test_reasoning_streams_into_its_fold_and_is_kept(runs: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run, thought = Run(runs / name), "7 times 7 is 49, and 7 more is what is asked for. " * 4
    end_servers(runs)
    while serving(runs):
        time.sleep(0.1)
    monkeypatch.setattr(compare, "check_modes", lambda found: {"base": True, name: True})
    with scripted(runs, run, True, lambda prompt: f"<think>\n{thought}</think>\n\n56, of course.", pace_s=0.01):
        states = [str(part(state, "columns")) for state in asked(runs, name, max_tokens=200)]
        blind = asked(runs, name, max_tokens=200, blind=True)
    growing = [state for state in states if 'class="thought growing" open' in state]
    assert growing, "open while it thinks"
    assert any("7 times 7" in state and "of course" not in state for state in growing)
    assert "open><summary>" not in states[-1], "folded when it is done"
    assert "reasoned for" in states[-1] and "tokens</summary>" in states[-1]
    assert states[-1].count("56, of course.") == 2
    assert "thinking on" in states[-1]
    for kept in list_comparisons(run)[-2:]:
        assert [column.reasoning for column in kept.columns] == [thought.strip()] * 2
        assert [column.text for column in kept.columns] == ["56, of course."] * 2
        assert all(column.reasoning_tokens for column in kept.columns)
    hidden = str(part(blind[-1], "columns"))
    assert "reasoned for" in hidden and name not in hidden and "thinking on" not in hidden
    compare.vote(runs, 0, [name], part(blind[-1], "shown"))
    assert sum(tally(run)) == 1


def test_the_same_question_has_the_same_answers(runs: Path, name: str) -> None:
    assert texts(asked(runs, name)[-1]) == texts(asked(runs, name)[-1])


def test_a_contest_problem_is_asked_and_its_programs_are_run(runs: Path, name: str) -> None:
    source, max_tokens, which, system, prompt, expected, notice = compare.begin(runs, [name])
    assert (source, max_tokens, notice) == (PROBLEM, 128, "")
    assert "print" in expected
    chosen = which.value
    last = asked(runs, name, prompt, source=source, which=chosen, system=system, max_tokens=max_tokens)[-1]
    assert part(last, "code").interactive
    after = compare.code_run(runs, [name], part(last, "shown"))
    verdicts = [column.verdict for column in list_comparisons(Run(runs / name))[-1].columns]
    assert verdicts[1] == "AC"
    assert verdicts[0] != "AC"
    assert "accepted" in part(after, "columns")


def test_a_problem_that_was_edited_is_not_judged_by_the_problems_tests(runs: Path, name: str) -> None:
    _, _, which, system, prompt, *_ = compare.begin(runs, [name])
    last = asked(runs, name, prompt + "Quickly!", source=PROBLEM, which=which.value, system=system)[-1]
    assert list_comparisons(Run(runs / name))[-1].problem is None
    assert not part(last, "code").interactive


def test_held_out_rows_come_with_their_own_answer(runs: Path, name: str) -> None:
    which, system, prompt, expected, notice = compare.fill(runs, [name], HELD_OUT)
    assert notice == ""
    assert "competitive programmer" in system
    assert prompt
    assert expected.startswith("```python")
    second = which.choices[1][1]
    assert compare.fill(runs, [name], HELD_OUT, second)[2] != prompt


def test_blind_columns_have_no_names_until_the_choice(runs: Path, name: str) -> None:
    states = asked(runs, name, blind=True)
    for state in states:
        shown = str(part(state, "columns"))
        assert name not in shown
        assert ">base<" not in shown
        assert "adapter" not in shown
    last = states[-1]
    assert part(last, "votes").visible
    kept = list_comparisons(Run(runs / name))[-1]
    tuned = [column.model for column in kept.columns].index(name)
    before = tally(Run(runs / name))
    after = compare.vote(runs, tuned, [name], kept.name)
    assert name in part(after, "columns")
    assert not part(after, "votes").visible
    assert tally(Run(runs / name)) == (before[0] + 1, *before[1:])
    assert "95 % interval" in part(after, "tally")
    again = compare.vote(runs, 1 - tuned, [name], kept.name)
    assert "decided already" in part(again, "notice")


def test_a_reload_shows_the_newest_comparison_and_the_earlier_ones(runs: Path, name: str) -> None:
    last = asked(runs, name, "Is this <b>bold</b> & {{braced}}?")[-1]
    asked(runs, name)
    seen = compare.newest_seen(runs, [name])
    assert part(seen, "shown") == list_comparisons(Run(runs / name))[-1].name
    earlier = part(seen, "earlier")
    assert "Is this &lt;b&gt;bold&lt;/b&gt; &amp; &#123;&#123;braced" in earlier
    assert texts(last)[0] in earlier


def test_a_change_that_is_none_leaves_alone_what_was_typed(runs: Path, name: str) -> None:
    first = compare.changed(runs, [name], [])
    assert first[0] == [name]
    assert compare.fill(runs, [name], PROBLEM)[2] in first
    again = compare.changed(runs, [name], first[0])
    assert len(again) == len(first)
    assert all(value == {"__type__": "update"} for value in again)


def test_a_gpu_that_is_taken_is_told_and_not_waited_for(runs: Path, name: str, tmp_path: Path) -> None:
    alone = tmp_path / "runs"
    alone.mkdir()
    (alone / name).symlink_to(runs / name)
    with gpu_lock(alone, "20261122-153012-other"):
        states = asked(alone, name)
    assert len(states) == 1
    assert "The GPU is with 20261122-153012-other" in part(states[0], "notice")
    assert part(states[0], "wait").visible
    assert list_launches(alone, "serve") == []


def test_who_waits_is_answered_when_the_gpu_is_free_and_can_withdraw(runs: Path, name: str, tmp_path: Path) -> None:
    alone = tmp_path / "runs"
    alone.mkdir()
    (alone / name).symlink_to(runs / name)
    with gpu_lock(alone, "20261122-153012-other"):
        waiting = compare.ask(alone, True, [name], TYPED, None, "", "Hello?", 16, 0.0, 42, False)
        assert "The GPU is with" in part(next(waiting), "notice")
        assert served.pending(alone, [name]) is not None
        compare.halted(alone, [name])
        told = [str(part(state, "notice")) for state in waiting]
    assert "Stopped." in told[-1] and not any("could not be loaded" in notice for notice in told)
    assert serving(alone) is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"names": []}, "No run is chosen"),
        ({"prompt": " "}, "The prompt is empty"),
        ({"max_tokens": None}, "A sampling setting is empty"),
        ({"blind": True, "names": ["a", "b"]}, "between one run and its base"),
        ({"names": ["a"]}, "There is no run a"),
    ],
)
def test_what_cannot_be_asked_is_told(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    [state] = asked(tmp_path, "a", **changes)
    assert sentence in part(state, "notice")


def test_a_run_without_an_adapter_is_told(untrained: Run) -> None:
    [state] = asked(untrained.folder.parent, untrained.name)
    assert "has no adapter yet" in part(state, "notice")


def test_a_prompt_that_is_too_long_is_told_in_its_column(runs: Path, name: str) -> None:
    before = len(list_comparisons(Run(runs / name)))
    last = asked(runs, name, "long " * 5000)[-1]
    assert "alert" in part(last, "columns")
    assert len(list_comparisons(Run(runs / name))) == before


def test_a_server_that_ends_before_it_answers_is_told_in_its_own_words(runs: Path, name: str, tmp_path: Path) -> None:
    broken = tmp_path / "runs" / name
    broken.mkdir(parents=True)
    for file in ("recipe.toml", "run.json"):
        (broken / file).write_bytes((runs / name / file).read_bytes())
    (broken / "adapter").mkdir()
    states = asked(broken.parent, name)
    assert "has no adapter yet" in part(states[-1], "notice")
