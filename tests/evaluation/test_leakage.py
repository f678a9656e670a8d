"""Items whose question was learned: found by what is asked, and left out by reason."""

from pathlib import Path

from qwenlab.evaluation.item import Item, Items, Message, Reference
from qwenlab.evaluation.leakage import Leaks, find_leaks
from qwenlab.evaluation.suites import gsm8k
from tests.data.made import ANSWER, QUESTION, asked, talked, write_jsonl
from tests.evaluation.suites.asking import items_of

LONG = "how many of the clips that were sold in April were sold again in the month of May"


def item(name: str, *turns: tuple[str, str], shown: str = "") -> Item:
    messages: tuple[Message, ...] = tuple({"role": role, "content": content} for role, content in turns)
    return Item(name=name, messages=messages, shown=shown or turns[-1][1], task=Reference(answer=ANSWER))


def test_a_question_is_found_whatever_the_suite_adds_to_it() -> None:
    train = asked(("How many?", ANSWER), (f"Think first. {LONG} And why?", ANSWER))
    items = [
        item("other", ("user", "How few?")),
        item("short", ("system", "Be brief."), ("user", "How many?\n\nGive the number alone."), shown="How many?"),
        item("long", ("user", f"{LONG}\n\nGive the number alone."), shown=LONG),
        item("near", ("user", f"Say {LONG[:-5]} and June.")),
    ]
    assert find_leaks(items, train) == Leaks(exact=("short", "long"), near=("near",))


def test_a_prompt_that_was_learned_as_the_suite_asks_it_is_found() -> None:
    train = asked(("How many?\n\nGive the number alone.", ANSWER))
    assert find_leaks([item("a", ("user", "How many?\n\nGive the number alone."), shown="How many?")], train).exact == (
        "a",
    )


def test_a_short_last_turn_is_a_question_only_with_what_came_before() -> None:
    train = talked([("user", "How many?"), ("assistant", ANSWER), ("user", "Sure?"), ("assistant", ANSWER)])
    items = [
        item("same", ("user", "How many?"), ("assistant", "72"), ("user", "Sure?")),
        item("another", ("user", "How few?"), ("assistant", "72"), ("user", "Sure?")),
    ]
    assert find_leaks(items, train) == Leaks(exact=("same",), near=())


def test_a_long_last_turn_is_a_question_by_itself() -> None:
    items = [item("last", ("user", "Hello!"), ("assistant", "Hello."), ("user", LONG))]
    assert find_leaks(items, asked((LONG, ANSWER))) == Leaks(exact=("last",), near=())


def test_what_was_learned_is_left_out_beside_what_was_before() -> None:
    items = tuple(item(name, ("user", name)) for name in "abc")
    found = Leaks(exact=("b",), near=("c",)).taken_out(Items(items, "1", {"no number": ("z",)}))
    assert [item.name for item in found.items] == ["a", "c"]
    assert found.left_out == {"no number": ("z",), "its question is in the training rows": ("b",)}
    whole = Items(items, "1", {})
    assert Leaks((), ("c",)).taken_out(whole) == whole


def test_no_items_have_no_leaks() -> None:
    assert find_leaks([], asked(("How many?", ANSWER))) == Leaks((), ())


def test_a_suite_that_was_trained_on_is_found_whole(tmp_path: Path) -> None:
    rows = [{"question": f"{n}. {QUESTION}", "answer": f"#### {n}"} for n in range(12)]
    source = write_jsonl(tmp_path / "test.jsonl", rows)
    train = asked(*((row["question"], row["answer"]) for row in rows))
    items = items_of(gsm8k, str(source))
    leaks = find_leaks(items.items, train)
    assert len(leaks.exact) == 12 and not leaks.near and not leaks.taken_out(items).items
