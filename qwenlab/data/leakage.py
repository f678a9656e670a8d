"""Which of some texts are also among the users' prompts of a data set: word for word, or in a long run of words.

After Brown et al. 2020, "Language Models are Few-Shot Learners" (arXiv:2005.14165), appendix C: two texts overlap when
they share a run of 13 words, and runs that more than 10 documents hold are ignored, as common phrases. Words are what
stands between white space, in lower case. A text of fewer words is compared as a whole only.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from qwenlab.data.conversations import role_text
from qwenlab.data.report import TEXT_LENGTH, Overlap, OverlapExample, Row

RUN = 13
COMMON_ABOVE = 10

EXAMPLES = 5
SLICE = 50_000
"""Texts whose words are in memory at once."""

NEAR = 0.5
"""A question that shares so much of itself is nearly another; less is what all of a kind have in common, such as how
its input is described. One run of 13 words is what `overlap` counts, whose report is read and acted on by a person."""


def overlap(conversations: pl.DataFrame, texts: pl.DataFrame) -> Overlap:
    """Look for each text (`file`, `row`, `text`) among the users' prompts of the conversations.

    For instance `overlap(train, prompts(validation))`, or `overlap(train, numbered("problems", descriptions))`.
    """
    train, other = _numbered_words(prompts(conversations), "train"), _numbered_words(texts, "other")
    exact = _same_text(train, other)
    near = _shared_runs(train, other.join(exact, on="other", how="anti"))
    return Overlap(
        compared=texts.height,
        exact=exact.height,
        near=near.height,
        examples=_examples("exact", exact, train, other) + _examples("near", near, train, other),
    )


class Learned(NamedTuple):
    """Which of some questions a model has learned from: their positions, each in one of the two, in order."""

    exact: list[int]
    near: list[int]


def learned(conversations: pl.DataFrame, questions: Sequence[str]) -> Learned:
    """Look for questions in the conversations that are learned from.

    Exact: what the user says in a turn, or in all turns together, but for case and white space; or, from 13 words on,
    part of that. Near: of its runs of 13 words, a half and more stand in what one user says.
    """
    whole, texts = prompts(conversations), numbered("questions", questions)
    said = _numbered_words(pl.concat([whole, _user_turns(conversations)]), "train").unique("text", keep="first")
    other = _numbered_words(texts, "other")
    exact = _same_text(said, other)["other"].to_list()
    rest = other.filter(~pl.col("other").is_in(exact))
    inside = _contained(said["text"], rest.filter(pl.col("text").str.count_matches(" ", literal=True) >= RUN - 1))
    rest = rest.filter(~pl.col("other").is_in(inside))
    train = _numbered_words(whole, "train").unique("text", keep="first", maintain_order=True)
    runs = pl.col("text").str.count_matches(" ", literal=True) + 2 - RUN
    shared = _shared_runs(train.drop("train").with_row_index("train"), rest).join(
        rest.select("other", runs), on="other"
    )
    near = shared.filter(pl.col("len") >= NEAR * pl.col("text"))["other"].to_list()
    return Learned(sorted([*exact, *inside]), sorted(near))


def prompts(conversations: pl.DataFrame) -> pl.DataFrame:
    """What the user says in each conversation, as texts to compare."""
    return conversations.select("file", "row", text=role_text("user"))


def numbered(name: str, texts: Sequence[str]) -> pl.DataFrame:
    """Texts from anywhere, to compare; `name` stands for their file, and rows are counted from 1."""
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String}).with_row_index("row", 1)
    return frame.select(pl.lit(name).alias("file"), "row", "text")


def _user_turns(conversations: pl.DataFrame) -> pl.DataFrame:
    """Each turn of the user by itself, as texts to compare."""
    turns = conversations.select("file", "row", turn="messages").explode("turn")
    role, content = (pl.col("turn").struct.field(name) for name in ("role", "content"))
    return turns.filter(role == "user").select("file", "row", text=content)


def _contained(said: pl.Series, other: pl.DataFrame) -> list[int]:
    """The numbers of those other texts that are part of one that was said, as whole words."""
    if other.is_empty():
        return []
    found = said.str.extract_many(other["text"].unique().implode(), overlapping=True)
    pairs = pl.DataFrame({"said": said, "text": found}).filter(pl.col("text").list.len() > 0).explode("text")
    inside: set[str] = set()
    for whole, text in pairs.iter_rows():
        if text not in inside and re.search(rf"(?<!\w){re.escape(text)}(?!\w)", whole):
            inside.add(text)
    return other.filter(pl.col("text").is_in(list(inside)))["other"].to_list()


def _numbered_words(texts: pl.DataFrame, index: str) -> pl.DataFrame:
    """The texts in lower case, with single spaces for all white space, under a number of their own."""
    text = pl.col("text").fill_null("").str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars(" ")
    return texts.with_columns(text).with_row_index(index)


def _same_text(train: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """Each other text that is a training text, with the first such: `other`, `train`, `at` (the first word)."""
    firsts = train.filter(pl.col("text") != "").unique("text", keep="first")
    pairs = other.join(firsts.select("text", "train"), on="text", maintain_order="left")
    return pairs.select("other", "train", at=pl.lit(0, pl.UInt32))


def _shared_runs(train: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """Each other text that shares a run of words: `other`, the `train` text that shares most, how many (`len`), and
    where (`at`)."""
    wanted = _uncommon(_runs(other, "other"))
    is_wanted = pl.col("run").is_in(wanted["run"].implode())
    parts = train.iter_slices(SLICE) if train.height else [train]
    found = pl.concat([_runs(part, "train").drop("at").filter(is_wanted) for part in parts])
    pairs = wanted.join(_uncommon(found), on="run")
    shared = pairs.group_by("other", "train").agg(pl.len(), pl.col("at").min())
    most = shared.sort("other", -pl.col("len").cast(pl.Int64), "train")
    return most.unique("other", keep="first", maintain_order=True).select("other", "train", "at", "len")


def _uncommon(runs: pl.DataFrame) -> pl.DataFrame:
    """Without the runs that more than so many texts hold; each run once for each text."""
    index = runs.columns[0]
    return runs.unique([index, "run"]).filter(pl.len().over("run") <= COMMON_ABOVE)


def _runs(texts: pl.DataFrame, index: str) -> pl.DataFrame:
    """A hash of every run of words: the text's number, the `run`, and the word `at` which it begins."""
    words = texts["text"].str.split(" ")
    hashes = words.explode().hash().to_numpy()
    count = max(len(hashes) - RUN + 1, 0)
    run = np.zeros(count, dtype=np.uint64)
    for offset in range(RUN):
        run *= np.uint64(0x9E3779B97F4A7C15)  # odd, so that no word's hash is lost to overflow
        run += hashes[offset : offset + count]
    lengths = words.list.len().to_numpy()
    owner = np.repeat(np.arange(len(lengths)), lengths)
    inside = owner[:count] == owner[RUN - 1 : RUN - 1 + count]
    at = np.arange(count) - np.repeat(np.cumsum(lengths) - lengths, lengths)[:count]
    return pl.DataFrame(
        {
            index: texts[index].to_numpy()[owner[:count][inside]],
            "run": run[inside],
            "at": at[inside].astype(np.uint32),
        }
    )


def _examples(kind: str, pairs: pl.DataFrame, train: pl.DataFrame, other: pl.DataFrame) -> list[OverlapExample]:
    examples = []
    for other_index, train_index, at in pairs.select("other", "train", "at").head(EXAMPLES).rows():
        here, there = other.row(other_index, named=True), train.row(train_index, named=True)
        text = here["text"] if kind == "exact" else " ".join(here["text"].split(" ")[at : at + RUN])
        examples.append(
            OverlapExample(
                kind=kind,
                train=Row(file=there["file"], row=there["row"]),
                other=Row(file=here["file"], row=here["row"]),
                text=text[:TEXT_LENGTH],
            )
        )
    return examples
