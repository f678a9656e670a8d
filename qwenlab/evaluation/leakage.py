"""Items whose question the run has learned: to remember an answer is not to know how to find it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from qwenlab.evaluation.item import Item, Items

if TYPE_CHECKING:
    import polars as pl

LEARNED = "its question is in the training rows"


class Leaks(NamedTuple):
    """Names of items, each in one of the two."""

    exact: tuple[str, ...]
    """The question stands in the training rows."""
    near: tuple[str, ...]
    """A half or more of the question, by runs of 13 words, stands in one prompt of the training rows."""

    def taken_out(self, items: Items) -> Items:
        """The items without the exact ones, which are left out by reason; the near ones stay. It may leave none."""
        known = set(self.exact)
        left_out = items.left_out | ({LEARNED: self.exact} if known else {})
        return items._replace(
            items=tuple(item for item in items.items if item.name not in known),
            left_out=left_out,
        )


def find_leaks(items: Sequence[Item], train: "pl.DataFrame") -> Leaks:
    """Look for what the items ask in the rows that a run was trained on.

    What an item asks is what the user says in it, and its question as a report shows it, without what a suite adds:
    that alone where the conversation has several turns, unless it is long enough not to be "Go on.".

    Args:
        items: with different names.
        train: columns `file`, `row` and `messages`, as `run_data(run).train` has them.
    """
    from qwenlab.data.leakage import RUN, learned  # polars loads when rows are read

    owners: list[int] = []
    questions: list[str] = []
    for place, item in enumerate(items):
        said = [turn["content"] for turn in item.messages if turn["role"] == "user"]
        asked = {"\n".join(said)}
        if len(said) == 1 or len(item.shown.split()) >= RUN:
            asked.add(item.shown)
        owners += [place] * len(asked)
        questions += sorted(asked)
    found = learned(train, questions)
    exact = {owners[at] for at in found.exact}
    near = {owners[at] for at in found.near} - exact
    return Leaks(*(tuple(items[place].name for place in sorted(places)) for places in (exact, near)))
