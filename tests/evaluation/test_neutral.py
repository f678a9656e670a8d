"""The conversations by which drift is measured: they ship, and they are what they should be."""

import json
from collections import Counter
from importlib import resources

ROWS = [
    json.loads(line)
    for line in (resources.files("qwenlab") / "evaluation/neutral.jsonl").read_text(encoding="utf-8").splitlines()
]


def test_they_are_200_different_pairs_of_a_question_and_its_answer() -> None:
    assert len(ROWS) == 200
    for row in ROWS:
        assert row.keys() == {"topic", "messages"}
        assert [turn["role"] for turn in row["messages"]] == ["user", "assistant"]
        assert all(turn["content"] == turn["content"].strip() != "" for turn in row["messages"])
    assert (
        len({row["messages"][0]["content"] for row in ROWS})
        == len({row["messages"][1]["content"] for row in ROWS})
        == 200
    )


def test_no_topic_outweighs_the_others() -> None:
    counts = Counter(row["topic"] for row in ROWS)
    assert len(counts) >= 30
    assert max(counts.values()) <= 20
    assert sum(counts[topic] for topic in ("chinese", "spanish", "german", "french")) == 25


def test_they_are_short() -> None:
    assert max(len(turn["content"]) for row in ROWS for turn in row["messages"]) < 500
