"""A judge model behind a real server: both orders, replies that are kept, and none asked twice."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qwenlab.answering.remote import remote_answerer
from qwenlab.errors import UserError
from qwenlab.evaluation.preference.opinions import AT_ONCE, KEPT_CHARACTERS, Judge, Reply, opinions
from qwenlab.evaluation.preference.pairs import Pair
from qwenlab.files import read_lines
from qwenlab.stats.preference import Outcome
from tests.answering.judge_stub import JudgeStub, Rule, always_first, longer, make_judge
from tests.answering.vllm_stub import BASE_NAME, Stub, make_stub, serving_app

QUESTION = ({"role": "user", "content": "Why?"},)


def pair(name: str, base: str, tuned: str) -> Pair:
    return Pair(name, QUESTION, base, tuned)


PAIRS = [pair("up", "short", "much longer"), pair("down", "much longer", "short"), pair("even", "four", "five"),
    pair("same", "one", "one\n")]  # fmt: skip


@contextmanager
def judging(stub: JudgeStub) -> Iterator[Judge]:
    with serving_app(make_judge(stub)) as url, remote_answerer(url) as answerer:
        yield Judge(answerer, answerer.names[0])


def said(rule: Rule, pairs: list[Pair], path: Path) -> list[Outcome]:
    with judging(JudgeStub(rule)) as judge:
        return opinions(pairs, judge, path, lambda done, total: None)


def test_a_judge_that_goes_by_the_answer_says_the_same_in_both_orders(tmp_path: Path) -> None:
    assert said(longer, PAIRS, tmp_path / "opinions.jsonl") == ["tuned", "base", "tie", "identical"]


def test_a_judge_that_goes_by_the_place_decides_nothing(tmp_path: Path) -> None:
    flipped: list[Outcome] = ["first", "first", "first", "identical"]
    assert said(always_first, PAIRS, tmp_path / "one.jsonl") == flipped
    assert said(lambda a, b: "B", PAIRS[:1], tmp_path / "two.jsonl") == ["second"]
    assert said(lambda a, b: "A" if a < b else "tie", PAIRS[:1], tmp_path / "three.jsonl") == ["unsteady"]


def test_garbage_is_unreadable_and_kept_to_be_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "opinions.jsonl"
    garbage = "x" * 10_000 + "y"
    assert said(lambda a, b: garbage if a == "short" else "A", PAIRS[:1], path) == ["unreadable"]
    [kept] = [reply for reply in read_lines(path, Reply) if reply.first == "base"]
    assert kept.said.endswith("y") and len(kept.said) < KEPT_CHARACTERS + 10
    # The same from what was kept: a verdict at the end of a long reply is still found.
    long = tmp_path / "long.jsonl"
    for _ in range(2):
        assert said(lambda a, b: f"{'Hm. ' * 500}\nVerdict: {longer(a, b)}", PAIRS[:1], long) == ["tuned"]


def test_a_pair_that_the_judge_has_no_room_for_is_unreadable_and_stops_nobody(tmp_path: Path) -> None:
    path = tmp_path / "opinions.jsonl"
    with serving_app(make_stub(Stub())) as url, remote_answerer(url) as answerer:
        asked = opinions(PAIRS[:2], Judge(answerer, BASE_NAME), path, lambda done, total: None)
    assert asked == ["unreadable", "unreadable"]
    assert {(reply.said, reply.finish) for reply in read_lines(path, Reply)} == {("", "length")}


def test_what_was_said_is_not_asked_again_even_after_a_cut(tmp_path: Path) -> None:
    path = tmp_path / "opinions.jsonl"
    many = [pair(f"n{number}", f"{number:02}", f"{number:02}!") for number in range(AT_ONCE)]
    stub = JudgeStub(longer)
    stub.fails_after = AT_ONCE + 3
    with judging(stub) as judge:
        with pytest.raises(UserError, match="out of credit"):
            opinions(many, judge, path, lambda done, total: None)
        kept = len(read_lines(path, Reply))
        assert AT_ONCE <= kept <= AT_ONCE + 3
        with path.open("a", encoding="utf-8") as file:
            file.write('{"asked": "torn')
        stub.fails_after, before = 10**6, len(stub.heard)
        told: list[tuple[int, int]] = []
        assert opinions(many, judge, path, lambda *now: told.append(now)) == ["tuned"] * AT_ONCE
        assert told[0] == (kept, 2 * AT_ONCE) and told[-1] == (2 * AT_ONCE, 2 * AT_ONCE)
        assert len(stub.heard) - before == 2 * AT_ONCE - kept
        assert len(read_lines(path, Reply)) == 2 * AT_ONCE
        opinions(many, judge, path, lambda done, total: None)
        assert len(stub.heard) - before == 2 * AT_ONCE - kept


def test_another_judge_or_another_answer_is_asked_anew_and_the_same_pair_once(tmp_path: Path) -> None:
    path = tmp_path / "opinions.jsonl"
    stub = JudgeStub(longer, models=("one", "two"))
    with serving_app(make_judge(stub)) as url, remote_answerer(url) as answerer:
        for model, asked in itertools.product(
            ("one", "two"), ([PAIRS[0], PAIRS[0]._replace(name="again")], [PAIRS[0]._replace(tuned="longer still")])
        ):
            assert set(opinions(asked, Judge(answerer, model), path, lambda done, total: None)) == {"tuned"}
    assert len(stub.heard) == 2 * 2 * 2
    assert {reply.judge for reply in read_lines(path, Reply)} == {"one", "two"}


def test_the_judge_is_asked_greedily_and_told_nothing_of_who_answered(tmp_path: Path) -> None:
    stub = JudgeStub(longer)
    with judging(stub) as judge:
        opinions(PAIRS, judge, tmp_path / "opinions.jsonl", lambda done, total: None)
    assert len(stub.heard) == 6, "equal answers are not sent"
    assert {body["temperature"] for body in stub.heard} == {0}
    assert not [prompt for prompt in stub.prompts if "base" in prompt or "tuned" in prompt]
