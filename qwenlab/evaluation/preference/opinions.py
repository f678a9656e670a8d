"""A judge model is asked about each pair twice, in both orders; every reply is kept as it comes.

Models favour an answer for where it stands, so one counts as better only where the judge says so in both orders: Zheng
et al., "Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena", arXiv 2306.05685, section 3.4.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from qwenlab.answering.answerer import Answer, Answerer, Ask, Listener, Sampling
from qwenlab.evaluation.preference.pairs import Compared, Pair
from qwenlab.evaluation.preference.prompt import asked, read_reply
from qwenlab.files import Record, append_lines, drop_torn_line, read_lines
from qwenlab.stats.preference import Outcome

SAMPLING = Sampling(max_new_tokens=2048)
"""Greedy. One word is asked for; the room is for a judge that cannot but think first."""

AT_ONCE = 16
"""Requests that a server has to answer at the same time."""

KEPT_CHARACTERS = 500
"""Of a reply: its word, or enough to see why there is none."""

ORDERS: tuple[Compared, Compared] = ("base", "tuned")


class Reply(Record):
    """A line of opinions.jsonl: what the judge said of one pair in one order."""

    asked: str
    """Hash of the judge and of all that it was asked: the same again is not asked again."""
    judge: str
    pair: str
    first: Compared
    """Whose answer was A."""
    said: str
    """Its beginning and its end, where it is long."""
    finish: str
    tokens: int


class Judge(NamedTuple):
    """A model that is asked."""

    answerer: Answerer
    model: str

    def fingerprint(self, ask: Ask) -> str:
        """Of the judge, what it is asked and how."""
        whole = [self.answerer.stamp(self.model), list(ask.messages), ask.sampling]
        return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def opinions(pairs: Sequence[Pair], judge: Judge, path: Path, progress: Callable[[int, int], None]) -> list[Outcome]:
    """What the judge makes of each pair.

    Args:
        path: a .jsonl file of replies; what is there is not asked again, and each new one is appended as it comes.
        progress: told the replies that are there and all that there will be, at first and after each batch.

    Raises:
        UserError: the server cannot be asked; what it said before is kept.
    """
    wanted = {
        (number, first): Ask(asked(pair, first), SAMPLING, judge.model, shorten=True)
        for number, pair in enumerate(pairs)
        if not pair.is_identical
        for first in ORDERS
    }
    prints = {place: judge.fingerprint(ask) for place, ask in wanted.items()}
    drop_torn_line(path)
    kept = {reply.asked: reply for reply in read_lines(path, Reply)}
    # The same pair may stand there twice, once as an item and once as a comparison.
    todo = {prints[place]: place for place in wanted if prints[place] not in kept}
    listener = _Keeping(judge.model, path, kept)
    total = len(set(prints.values()))
    progress(total - len(todo), total)
    rows = list(todo.items())
    for begin in range(0, len(rows), AT_ONCE):
        batch = rows[begin : begin + AT_ONCE]
        listener.batch = [(key, pairs[number].name, first) for key, (number, first) in batch]
        judge.answerer.answer([wanted[place] for _, place in batch], listener)
        progress(total - len(rows) + begin + len(batch), total)
    return [_outcome(pair, number, prints, kept) for number, pair in enumerate(pairs)]


class _Keeping(Listener):
    """Keeps replies the moment they are whole; rows have threads of their own."""

    hears_pieces = False

    def __init__(self, judge: str, path: Path, kept: dict[str, Reply]) -> None:
        self.batch: list[tuple[str, str, Compared]] = []
        """Of each row: its hash, its pair's name, and whose answer is A."""
        self._judge, self._path, self._kept = judge, path, kept
        self._lock = threading.Lock()

    def done(self, row: int, answer: Answer) -> None:
        if answer.finish == "cancelled":
            return
        key, pair, first = self.batch[row]
        reply = Reply(
            asked=key,
            judge=self._judge,
            pair=pair,
            first=first,
            said=_shortened(answer.text.strip()),
            finish=answer.finish,
            tokens=answer.tokens,
        )
        with self._lock:
            append_lines(self._path, [reply])
            self._kept[key] = reply


def _outcome(pair: Pair, number: int, prints: Mapping[tuple[int, Compared], str], kept: Mapping[str, Reply]) -> Outcome:
    """One word for the replies in both orders."""
    if pair.is_identical:
        return "identical"
    base_first, tuned_first = (read_reply(kept[prints[number, first]].said) for first in ORDERS)
    if base_first is None or tuned_first is None:
        return "unreadable"
    both: dict[tuple[str, str], Outcome] = {
        ("A", "B"): "base",
        ("B", "A"): "tuned",
        ("tie", "tie"): "tie",
        ("A", "A"): "first",
        ("B", "B"): "second",
    }
    return both.get((base_first, tuned_first), "unsteady")


def _shortened(text: str) -> str:
    if len(text) <= KEPT_CHARACTERS:
        return text
    half = KEPT_CHARACTERS // 2
    return f"{text[:half]}\n…\n{text[-half:]}"
