"""readings.jsonl: items that are read and not generated, a line an item, appended as they are read.

Of a choice, how probable each letter is for base and tuned; of a reference text, its loss. What was read before a kill
is there and is not read again.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from qwenlab.answering.likelihood import Likelihood, Reader
from qwenlab.evaluation.item import Choice, Item, Reference
from qwenlab.files import Record, append_lines, drop_torn_line, read_lines

ReadSide = Literal["base", "tuned"]


class Letters(Record):
    """Of a choice: the probability that an answer begins with each letter, for each side."""

    kind: Literal["letters"] = "letters"
    letters: tuple[str, ...]
    base: tuple[float, ...]
    tuned: tuple[float, ...]

    def chosen(self, side: ReadSide) -> str | None:
        """The likeliest letter; None where several are equally likely, or none is at all."""
        shares = self.of(side)
        most = max(shares)
        return self.letters[shares.index(most)] if shares.count(most) == 1 else None

    def mass(self, side: ReadSide) -> float:
        """What all letters have together. Where it is small, the model would have said something else, and a change of
        the score says little."""
        return sum(self.of(side))

    def of(self, side: ReadSide) -> tuple[float, ...]:
        return self.base if side == "base" else self.tuned


class Loss(Record):
    """Of a reference text: the loss of each side and KL(base || tuned), in nats a token.

    None where the context left nothing of the text.
    """

    kind: Literal["loss"] = "loss"
    tokens: int
    base: float | None
    tuned: float | None
    divergence: float | None


class Reading(Record):
    """What both sides make of an item."""

    item: str
    found: Annotated[Letters | Loss, Field(discriminator="kind")]


def read_items(
    items: Sequence[Item],
    reader: Reader,
    model: str,
    thinking: bool | None,
    path: Path,
    progress: Callable[[int], None],
) -> list[Reading]:
    """Read what is not in the file yet; all readings in the order of the items.

    Args:
        items: each a choice or a reference text, and each of another name.
        model: the name under which the adapter answers.
        thinking: whether the run was trained to think first. Letters are read with thinking off: none comes behind an
            open `<think>`.
        path: of the file, which is made where it is not there.
        progress: told after every item how many are read, those counted that were there before.

    Raises:
        UserError: as `Reader`; or a line of the file is no reading.
    """
    drop_torn_line(path)
    known = {reading.item: reading for reading in read_lines(path, Reading)}
    done = sum(item.name in known for item in items)
    for item in items:
        if item.name in known:
            continue
        known[item.name] = _read(item, reader, model, thinking)
        append_lines(path, [known[item.name]])
        done += 1
        progress(done)
    return [known[item.name] for item in items]


def unread(items: Sequence[Item], path: Path) -> int:
    """How many of the items are not in the file yet."""
    known = {reading.item for reading in read_lines(path, Reading)}
    return sum(item.name not in known for item in items)


def _read(item: Item, reader: Reader, model: str, thinking: bool | None) -> Reading:
    match item.task:
        case Choice(letters=letters):
            shares = reader.letters(item.messages, letters, model, None if thinking is None else False)
            return Reading(item=item.name, found=Letters(letters=letters, base=shares.base, tuned=shares.tuned))
        case Reference(answer=answer, reasoning=reasoning):
            thought = {"reasoning_content": reasoning} if reasoning else {}
            conversation = [*item.messages, {"role": "assistant", "content": answer} | thought]
            [found] = reader.likelihoods([conversation], model, thinking)
            return Reading(item=item.name, found=_loss(found))
    raise TypeError(f"{item.name}: a {item.task.kind} is not read")


def _loss(found: Likelihood) -> Loss:
    if not found.tokens:
        return Loss(tokens=0, base=None, tuned=None, divergence=None)
    return Loss(tokens=found.tokens, base=found.base, tuned=found.tuned, divergence=found.divergence)
