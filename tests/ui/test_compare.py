"""The Compare tab's handlers, on a run that was really trained and a server that really answers."""

import itertools
import json
import os
import re
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qwenlab.comparison.questions import typed
from qwenlab.recipe import Recipe, read_recipe
from qwenlab.runs import Run, gpu_lock, list_runs
from qwenlab.runs.comparisons import list_comparisons, read_comparison, tally
from qwenlab.runs.launch import list_launches
from qwenlab.runs.serving import serving
from qwenlab.ui import asking
from qwenlab.ui.asking import Wanted, ask, ask_next, ask_on, at_rest
from qwenlab.ui.jobs import served
from qwenlab.ui.jobs.answers import Asking
from qwenlab.ui.prompts import HELD_OUT, PROBLEM, TYPED, as_given, questions, sources
from qwenlab.ui.question import Asked, begun_with, filled, next_one, turned
from qwenlab.ui.run_cache import called
from qwenlab.ui.shown import Seen, code_run, looked, newest_seen, vote
from qwenlab.ui.tabs.compare import changed, looked_at
from tests.serving import TINY, scripted
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
    waits, asks = changes.pop("waits", False), changes.pop("asking", Asking())
    wanted = Wanted([name], TYPED, None, "", prompt, 48, 0.0, 42, False)._replace(**changes)
    return list(ask(runs, asks, waits, "browser", "", *wanted))


def part(outputs: list[Any], name: str) -> Any:
    return outputs[Seen._fields.index(name)]


def texts(outputs: list[Any]) -> list[str]:
    """The columns' answers in a state of the page, as their HTML."""
    return re.findall(r'<div class="said">(.*?)</div>(?=<div class="stamp">|</section>)', _columns(outputs), re.DOTALL)


def together(states: list[list[Any]]) -> bool:
    """Whether there is a moment in which both have begun and neither has ended."""
    streamed = [texts(state) for state in states if texts(state)]
    nothing, ends = len('<div class="prose"></div>'), streamed[-1]
    return any(nothing < len(base) < len(ends[0]) and nothing < len(tuned) < len(ends[1]) for base, tuned in streamed)


def able(runs: Path, outputs: list[Any]) -> tuple[bool, ...]:
    """Whether there can be a vote, programs run, more asked, once the stream has ended."""
    return tuple(each.visible for each in at_rest(runs, part(outputs, "shown"))[4:])


def _columns(outputs: list[Any]) -> str:
    return str(part(outputs, "columns"))


def test_both_columns_stream_at_once_and_are_kept_with_their_stamps(runs: Path, name: str) -> None:
    end_servers(runs)
    while serving(runs):
        time.sleep(0.1)
    with scripted(runs, Run(runs / name), False, lambda prompt: "one two three " * 50, pace_s=0.02):
        # On a busy machine one may come too late for the other's batch, and then waits for it.
        assert any(together(asked(runs, name)) for _ in range(5))
    states = asked(runs, name)
    kept = list_comparisons(Run(runs / name))[-1]
    base, tuned = kept.columns
    assert [base.model, tuned.model] == ["base", name]
    assert base.text != tuned.text
    assert base.stamp["adapter"] is None
    assert tuned.stamp["adapter_sha256"]
    assert base.stamp["weights_sha256"] == tuned.stamp["weights_sha256"]
    assert part(states[-1], "shown") == f"{name}/{kept.name}"
    assert "adapter off" in _columns(states[-1])
    assert "tokens/s" in _columns(states[-1])


def test_reasoning_streams_into_its_fold_and_is_kept(runs: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run, thought = Run(runs / name), "7 times 7 is 49, and 7 more is what is asked for. " * 4
    end_servers(runs)
    while serving(runs):
        time.sleep(0.1)
    monkeypatch.setattr(asking, "check_modes", lambda found: {"base": True, name: True})
    with scripted(runs, run, True, lambda prompt: f"<think>\n{thought}</think>\n\n56, of course.", pace_s=0.01):
        states = [str(part(state, "columns")) for state in asked(runs, name, max_tokens=200)]
        blind = asked(runs, name, max_tokens=200, blind=True)
    growing = [state for state in states if 'class="thought growing" open' in state]
    assert growing, "open while it thinks"
    assert any("7 times 7" in state and "of course" not in state for state in growing)
    assert "open><summary>" not in states[-1], "folded when it is done"
    assert "reasoned for" in states[-1] and "tokens</summary>" in states[-1]
    assert states[-1].count("<p>56, of course.</p>") == 2
    assert '<div class="prose"><p>7 times 7' in states[-1], "rendered when it is done"
    assert "thinking on" in states[-1]
    for kept in list_comparisons(run)[-2:]:
        assert [column.reasoning for column in kept.columns] == [thought.strip()] * 2
        assert [column.text for column in kept.columns] == ["56, of course."] * 2
        assert all(column.reasoning_tokens for column in kept.columns)
    hidden = str(part(blind[-1], "columns"))
    assert "reasoned for" in hidden and name not in hidden and "thinking on" not in hidden
    vote(runs, 0, part(blind[-1], "shown"))
    assert sum(tally(run)) == 1


def test_the_same_question_has_the_same_answers(runs: Path, name: str) -> None:
    assert texts(asked(runs, name)[-1]) == texts(asked(runs, name)[-1])


def begin(runs: Path, name: str) -> tuple[str, int, str, str, str]:
    """What the page fills in for the run: source, length, which, system, prompt."""
    source, longest, which, system, prompt, *_ = begun_with(runs, [name], "", TYPED, "", 512)
    return source.value, longest, which.value, system, prompt


def test_a_contest_problem_is_asked_and_its_programs_are_run(runs: Path, name: str) -> None:
    source, max_tokens, which, system, prompt = begin(runs, name)
    assert (source, max_tokens) == (PROBLEM, 128)
    last = asked(runs, name, prompt, source=source, which=which, system=system, max_tokens=max_tokens)[-1]
    assert able(runs, last) == (False, True, True)
    assert "Answer in the data" in _columns(last) and "print" in list_comparisons(Run(runs / name))[-1].expected
    told, after = code_run(runs, part(last, "shown"))
    assert "in a sandbox" in part(told, "notice")
    verdicts = [column.verdict for column in list_comparisons(Run(runs / name))[-1].columns]
    assert verdicts[1] == "AC"
    assert verdicts[0] != "AC"
    assert '<span class="chip accent" title="AC">passes all tests</span>' in _columns(after)
    assert not part(after, "code").visible


def test_a_problem_that_was_edited_is_not_judged_by_the_problems_tests(runs: Path, name: str) -> None:
    source, _, which, system, prompt = begin(runs, name)
    last = asked(runs, name, prompt + "Quickly!", source=source, which=which, system=system)[-1]
    kept = list_comparisons(Run(runs / name))[-1]
    assert (kept.problem, kept.expected) == (None, "")
    assert able(runs, last) == (False, False, True) and "Answer in the data" not in _columns(last)


def test_held_out_rows_come_with_their_own_answer(runs: Path, name: str) -> None:
    which, system, prompt, following, *_ = filled(runs, [name], HELD_OUT)
    assert following.visible
    assert "competitive programmer" in system
    assert prompt
    last = asked(runs, name, prompt, source=HELD_OUT, which=which.value, system=system, max_tokens=8)[-1]
    assert list_comparisons(Run(runs / name))[-1].expected.startswith("```python")
    assert "Answer in the data" in _columns(last) and f"System message: <q>{system[:40]}" in _columns(last)
    second = which.choices[1][1]
    assert filled(runs, [name], HELD_OUT, second)[2] != prompt


def test_line_ends_of_a_browser_are_no_edit(runs: Path, name: str) -> None:
    rows = questions(Run(runs / name), HELD_OUT)
    which, row = next((key, row) for key, row in rows.items() if "\n" in row.text)
    other = typed(row.text.replace("\n", "\r\n"), row.system)
    assert as_given(Run(runs / name), HELD_OUT, which, other) == row
    assert as_given(Run(runs / name), HELD_OUT, which, typed(row.text)).expected == "", "another system message"


def test_who_types_finds_nothing_of_a_source_s_left_and_nothing_typed_is_lost(runs: Path, name: str) -> None:
    *_, system, prompt = begin(runs, name)

    def turn(to: str, system: str, prompt: str, own: tuple[str, str]) -> tuple[str, str, tuple[str, str]]:
        _, system, prompt, _, _, _, *own_now = turned(runs, [name], to, None, system, prompt, *own)
        return system, prompt, (own_now[0], own_now[1])

    assert turn(TYPED, system, prompt, ("", "")) == ("", "", ("", ""))
    assert turn(TYPED, system, "My own.", ("", "")) == ("", "My own.", ("", "My own."))
    assert turn(TYPED, "Be kind.", prompt, ("", "")) == ("Be kind.", "", ("Be kind.", ""))
    back_at_it = turn(PROBLEM, "Be kind.", "My own.", ("", ""))
    assert back_at_it == (system, prompt, ("Be kind.", "My own."))
    assert turn(TYPED, *back_at_it) == ("Be kind.", "My own.", ("Be kind.", "My own."))


def test_own_data_are_asked_about_themselves(runs: Path, name: str, tmp_path: Path) -> None:
    assert sources(Run(runs / name)) == [PROBLEM, HELD_OUT, TYPED]
    file = tmp_path / "sums.csv"
    rows = "".join(f"What is {number} plus {number}?,The sum is {2 * number}.\n" for number in range(100))
    file.write_text("question,answer\n" + rows)
    settings = {"source": str(file), "min_chars": 1, "validation_split": 0.1}
    own = Run.create(tmp_path, read_recipe(TINY).with_values(data=settings), "own")
    assert sources(own) == [HELD_OUT, TYPED]
    nothing = Run.create(tmp_path, own.recipe.with_values(data={"validation_split": 0.0}), "nothing")
    assert sources(nothing) == [PROBLEM, TYPED]
    source, _, which, _, prompt, *_ = begun_with(tmp_path, [own.name], "", TYPED, "", 512)
    assert source.value == HELD_OUT and prompt.startswith("What is") and len(which.choices) == 10


def test_blind_columns_have_no_names_until_the_choice(runs: Path, name: str) -> None:
    states = asked(runs, name, blind=True)
    for state in states:
        shown = str(part(state, "columns"))
        assert name not in shown and called(runs, name) not in shown
        assert ">base<" not in shown
        assert "adapter" not in shown
    last = states[-1]
    assert not part(last, "votes").visible, "the stream has not ended yet"
    assert able(runs, last) == (True, False, False)
    kept = list_comparisons(Run(runs / name))[-1]
    tuned = [column.model for column in kept.columns].index(name)
    before = tally(Run(runs / name))
    after = vote(runs, tuned, f"{name}/{kept.name}")
    assert called(runs, name) in part(after, "columns")
    assert not part(after, "votes").visible
    assert tally(Run(runs / name)) == (before[0] + 1, *before[1:])
    assert "95 % interval" in part(after, "tally")
    again = vote(runs, 1 - tuned, f"{name}/{kept.name}")
    assert "decided already" in part(again, "notice")


def test_a_reload_shows_the_newest_comparison_and_the_earlier_ones(runs: Path, name: str) -> None:
    asked(runs, name, "Is this <b>bold</b> & {{braced}}?", max_tokens=4)
    asked(runs, name, max_tokens=4)
    first, last = list_comparisons(Run(runs / name))[-2:]
    seen = newest_seen(runs, [name])
    assert part(seen, "shown") == f"{name}/{last.name}"
    earlier = part(seen, "earlier")
    assert "Is this &lt;b&gt;bold&lt;/b&gt; &amp; &#123;&#123;braced" in earlier
    assert f'data-show="{name}/{first.name}"' in earlier
    assert "Is this &lt;b&gt;bold&lt;/b&gt;" in _columns(looked(runs, f"{name}/{first.name}")), (
        "the question is the head"
    )


def test_a_run_that_is_added_leaves_alone_what_was_typed(runs: Path, name: str) -> None:
    first = changed(runs, "ready", [name], [], TYPED, "", 512)
    assert first[0] == [name] and begin(runs, name)[-1] in first
    unchanged = {"__type__": "update"}
    for names in ([name], [name, "another"], []):
        now, *rest = changed(runs, "ready", names, [name], TYPED, "My own.", 300)
        assert now == (names or [name])
        assert all(value == unchanged for value in rest)


def test_another_first_run_keeps_what_was_typed_and_fills_what_was_not(
    runs: Path, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Run.create(runs, Run(runs / name).recipe.with_values(evaluate={"max_new_tokens": 77}), "other").name
    try:
        unchanged = {"__type__": "update"}
        _, source, longest, _, system, prompt, *_ = changed(runs, "ready", [other], [name], TYPED, "My own.", 128)
        assert (source.value, longest, system, prompt) == (TYPED, 77, unchanged, unchanged)
        *_, longest, _, system, prompt = changed(runs, "ready", [other], [name], PROBLEM, begin(runs, name)[-1], 300)[
            :6
        ]
        assert longest == unchanged and prompt == begin(runs, other)[-1]
    finally:
        shutil.rmtree(runs / other)


def first_seen(runs: Path, names: list[str], draft: list[Any] | None) -> tuple[list[str], list[Any]]:
    """The runs, and the values of `Asked` and `Own`."""
    ready, begun, *values = looked_at(runs, "", names, draft)
    assert ready == "ready"
    return begun, [getattr(value, "value", value) for value in values[: len(Asked._fields) + 2]]


def test_a_page_that_is_opened_again_has_what_was_filled_in(runs: Path, name: str) -> None:
    draft = [[name, "gone"], TYPED, None, "Be kind.", "My own.", 300, 0.5, 7, True, "", "Older."]
    assert first_seen(runs, [], draft) == ([name], [[name], *draft[1:]])
    of_a_row = [[name], HELD_OUT, next(iter(questions(Run(runs / name), HELD_OUT))), *draft[3:]]
    assert first_seen(runs, [name], of_a_row) == ([name], of_a_row)
    for nothing in (None, [], ["of", "another", "edition"]):
        begun, values = first_seen(runs, [], nothing)
        assert begun == [name] and values[1] == PROBLEM and values[4:6] == [begin(runs, name)[-1], 128]


def test_a_run_that_is_brought_along_keeps_what_was_typed(runs: Path, name: str) -> None:
    other = Run.create(runs, Run(runs / name).recipe.with_values(evaluate={"max_new_tokens": 77}), "other").name
    try:
        draft = [[name], TYPED, None, "Be kind.", "My own.", 128, 0.5, 7, True, "", "Older."]
        assert first_seen(runs, [other], draft) == ([other], [[other], *draft[1:5], 77, *draft[6:]])
        untouched = [[name], PROBLEM, None, "", begin(runs, name)[-1], 300, 0.5, 7, True, "", ""]
        _, values = first_seen(runs, [other], untouched)
        assert values[4:6] == [begin(runs, other)[-1], 300]
        assert changed(runs, "", [other], [], TYPED, "", 512)[0] == {"__type__": "update"}, "not before it is ready"
    finally:
        shutil.rmtree(runs / other)


def test_what_is_asked_on_goes_on_in_each_column_s_own_conversation(runs: Path, name: str) -> None:
    run = Run(runs / name)
    end_servers(runs)
    while serving(runs):
        time.sleep(0.1)
    prompts: list[str] = []

    def said(prompt: str) -> str:
        prompts.append(prompt)
        return f"Answer {len(prompts)}."

    with scripted(runs, run, False, said):
        first = asked(runs, name, "One?", system="Be kind.")[-1]
        field, *states = list(ask_on(runs, Asking(), "browser", part(first, "shown"), "Two?"))[-1]
    kept = list_comparisons(run)[-1]
    assert field == "" and [turn.question for turn in kept.later] == ["Two?"]
    answers = [column.text for column in kept.columns]
    assert sorted(answers) == ["Answer 1.", "Answer 2."]
    for place, answer in enumerate(answers):
        spoken = [message["content"] for message in kept.conversation(place)]
        assert spoken[:4] == ["Be kind.", "One?", answer, "Two?"]
        assert any(answer in prompt and prompt.index(answer) < prompt.index("Two?") for prompt in prompts[2:])
    assert _columns(states).count('class="turn"') == 2


def test_a_record_of_an_earlier_edition_is_read(runs: Path, name: str) -> None:
    asked(runs, name, max_tokens=4)
    kept = list_comparisons(Run(runs / name))[-1]
    file = runs / name / "comparisons" / f"{kept.name}.json"
    old = {key: value for key, value in json.loads(file.read_text()).items() if key not in ("expected", "later")}
    file.write_text(json.dumps(old))
    assert read_comparison(Run(runs / name), kept.name) == kept
    assert len(kept.conversation(0)) == 2


def test_stop_keeps_what_was_written_and_says_so(runs: Path, name: str) -> None:
    run, asks = Run(runs / name), Asking()
    end_servers(runs)
    while serving(runs):
        time.sleep(0.1)
    wanted = Wanted([name], TYPED, None, "", "Count.", 400, 0.0, 42, False)
    with scripted(runs, run, False, lambda prompt: "one two three " * 100, pace_s=0.02):
        before = len(list_comparisons(run))
        states = ask(runs, asks, False, "browser", "", *wanted)
        assert next(state for state in states if "one two" in _columns(state))
        asks.stop("another browser")
        assert "answering" in _columns(next(states))
        asks.stop("browser")
        *_, last = states
    assert "Stopped" in part(last, "notice") and "answering" not in _columns(last)
    kept = list_comparisons(run)
    assert len(kept) == before + 1
    assert {column.finish for column in kept[-1].columns} == {"stopped"}
    # They may be answered one after the other: what was not begun is stopped, too.
    assert any(column.text.startswith("one two") for column in kept[-1].columns)
    assert _columns(last).count('<span class="amber">stopped</span>') == 2


def test_the_next_one_is_the_next_that_was_not_judged(runs: Path, name: str) -> None:
    run, names = Run(runs / name), list(questions(Run(runs / name), PROBLEM))
    wanted = Wanted([name], PROBLEM, names[0], "", "", 4, 0.0, 42, True)
    which, system, prompt, *last = list(ask_next(runs, Asking(), "browser", "", *wanted))[-1]
    assert (which, prompt) == (names[1], questions(run, PROBLEM)[names[1]].text) and "programmer" in system
    vote(runs, -1, part(last, "shown"))
    found = next_one(run, PROBLEM, names[0], True)
    assert found and found[0] == names[2]
    found = next_one(run, PROBLEM, names[-1], False)
    assert found and found[0] == names[0], "round and round"


def test_a_gpu_that_is_taken_is_told_and_not_waited_for(runs: Path, name: str, tmp_path: Path) -> None:
    alone = tmp_path / "runs"
    alone.mkdir()
    (alone / name).symlink_to(runs / name)
    with gpu_lock(alone, "20261122-153012-other"):
        states = asked(alone, name)
    assert len(states) == 1
    assert "20261122-153012-other is at work" in part(states[0], "notice")
    assert part(states[0], "wait").visible
    assert list_launches(alone, "serve") == []


def test_who_waits_is_answered_when_the_gpu_is_free_and_can_withdraw(runs: Path, name: str, tmp_path: Path) -> None:
    alone = tmp_path / "runs"
    alone.mkdir()
    (alone / name).symlink_to(runs / name)
    with gpu_lock(alone, "20261122-153012-other"):
        asks = Asking()
        wanted = Wanted([name], TYPED, None, "", "Hello?", 16, 0.0, 42, False)
        waiting = ask(alone, asks, True, "browser", "", *wanted)
        assert any("is at work" in part(state, "notice") for state in itertools.islice(waiting, 2))
        assert served.pending(alone, [name]) is not None
        asks.stop("browser")
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
