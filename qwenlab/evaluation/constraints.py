"""Does a text keep to a constraint? The kinds of IFEval that can be checked by counting and comparing.

The kinds and their arguments are those of Zhou et al., "Instruction-Following Evaluation for Large Language Models",
arXiv 2311.07911, with the names that its data has; an answer is read strictly, as a whole. Adding a kind is adding a
function here. `language:response_language` is none of them: it needs a language detector.

Figures stay close to published ones, and are not the same. Where this differs from IFEval's own program:

- Keywords, sections and postscript marks are texts, not regular expressions.
- Text in capitals or in small letters may be in any language; IFEval also asks that a detector takes it for English.
- Sentences and words in capitals are found by the rules below, not by NLTK. "I'm" is no word in capitals here.
- A section's mark opens its line; a mention of it elsewhere is no section.
- A bullet has a space behind its mark. A line of marks alone, as Markdown's divider is, is no bullet.
- A highlight has no space inside its asterisks, as in Markdown: "2 * 3 * 4" has none.
- Brackets with nothing but blanks or marks in them are no placeholder.
- "P.P.S." is no "P.S."
- A paragraph's first word is compared without any mark around it, and blank lines in a row part paragraphs once.
- A phrase to end with may itself end with a quotation mark.
- JSON has no NaN and no Infinity. Chinese and Arabic commas are commas.
"""

import inspect
import json
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from qwenlab.evaluation.item import Constraint

Count = Annotated[int, Field(ge=0)]
Word = Annotated[str, Field(min_length=1)]
Words = Annotated[list[Word], Field(min_length=1)]
Relation = Literal["at least", "less than"]

ALLOWED_RESPONSES = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
"""The three of IFEval; the data does not say them."""

COMMAS = ",\uff0c\u060c"
"""The Latin, the full-width and the Arabic one."""

NEVER_LAST = {"dr", "mr", "mrs", "ms", "prof", "st", "mt", "vs", "fig", "e.g", "i.e", "cf", "approx"}
"""Abbreviations that more words of the sentence follow."""

SOMETIMES_LAST = {"etc", "a.m", "p.m", "u.s", "u.k", "jr", "sr", "inc", "ltd", "co"}
"""Abbreviations that end a sentence where a capital letter follows."""

SENTENCE_END = re.compile(r"[.!?…]+[\"'”\u2019)\]*_]*(?=\s|\Z)|[。\uff01\uff1f]+[」』”\u2019\uff09]*")
"""The full-width marks of Chinese and Japanese need no blank behind them."""

LOOK_AHEAD = 20
"""Characters behind a mark in which the next word begins, blank lines and indentation included."""

WORD = re.compile(r"\w+")
COMPOUND = re.compile(r"\w+(?:[-'\u2019.]\w+)*")
BULLET = re.compile(r"^[ \t]*[*-][ \t]+(?![*\- \t]*$)\S", re.MULTILINE)
HIGHLIGHT = re.compile(r"\*\*(?=\S)[^*\n]+(?<=\S)\*\*|\*(?=\S)[^*\n]+(?<=\S)\*")
BRACKETED = re.compile(r"\[([^\[\]\n]*)\]")
TITLE = re.compile(r"<<([^<>\n]+)>>")
FENCED = re.compile(r"```\w*\s(.*)```", re.DOTALL)


class Kind(NamedTuple):
    """A kind of constraint."""

    check: Callable[..., bool]
    arguments: type[BaseModel]


KINDS: dict[str, Kind] = {}
"""By IFEval's name."""


def follows(constraint: Constraint, answer: str, prompt: str) -> bool:
    """Whether the answer to the prompt keeps to the constraint; an empty one keeps to nothing.

    Raises:
        ValueError: the constraint has a `fault`.
    """
    if said := fault(constraint):
        raise ValueError(said)
    check, arguments = KINDS[constraint.name]
    given = arguments.model_validate(constraint.arguments).model_dump()
    if "prompt" in inspect.signature(check).parameters:
        given["prompt"] = prompt
    return bool(answer.strip()) and check(answer, **given)


def fault(constraint: Constraint) -> str:
    """What is wrong with the constraint itself, with its name and the argument; empty for a good one."""
    if constraint.name not in KINDS:
        return f"{constraint.name} is not checked"
    try:
        KINDS[constraint.name].arguments.model_validate(constraint.arguments)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part + 1 if isinstance(part, int) else part) for part in first["loc"])
        return f"{constraint.name}: {where}: {first['msg']}"
    return ""


def kind(name: str) -> Callable[[Callable[..., bool]], Callable[..., bool]]:
    """Make a function the checker of that kind.

    It is given the answer, and by name the constraint's arguments, which its annotations hold to; what is called
    `prompt` is no argument of the constraint but the text that was asked.
    """

    def add(check: Callable[..., bool]) -> Callable[..., bool]:
        _, *parameters = inspect.signature(check).parameters.values()
        fields: dict[str, Any] = {
            each.name: (each.annotation, ... if each.default is each.empty else each.default)
            for each in parameters
            if each.name != "prompt"
        }
        KINDS[name] = Kind(check, create_model(name, __config__=ConfigDict(extra="forbid"), **fields))
        return check

    return add


@kind("keywords:existence")
def _has_keywords(answer: str, keywords: Words) -> bool:
    """Inside of longer words too, in any case."""
    return all(word.lower() in answer.lower() for word in keywords)


@kind("keywords:frequency")
def _keyword_frequency(answer: str, keyword: Word, frequency: Count, relation: Relation) -> bool:
    """Inside of longer words too, in any case."""
    return _holds(answer.lower().count(keyword.lower()), relation, frequency)


@kind("keywords:forbidden_words")
def _lacks_words(answer: str, forbidden_words: Words) -> bool:
    """As whole words, in any case."""
    return not any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", answer, re.IGNORECASE) for word in forbidden_words)


@kind("keywords:letter_frequency")
def _letter_frequency(
    answer: str,
    letter: Annotated[str, Field(min_length=1, max_length=1)],
    let_frequency: Count,
    let_relation: Relation,
) -> bool:
    """In any case; other characters, such as "#", are counted as well."""
    return _holds(answer.lower().count(letter.lower()), let_relation, let_frequency)


@kind("length_constraints:number_words")
def _number_of_words(answer: str, num_words: Count, relation: Relation) -> bool:
    """A word is a run of letters, digits and underscores: "don't" is two."""
    return _holds(len(WORD.findall(answer)), relation, num_words)


@kind("length_constraints:number_sentences")
def _number_of_sentences(answer: str, num_sentences: Count, relation: Relation) -> bool:
    return _holds(len(sentences(answer)), relation, num_sentences)


@kind("length_constraints:number_paragraphs")
def _number_of_paragraphs(answer: str, num_paragraphs: Count) -> bool:
    """Paragraphs between dividers of three asterisks; before the first and behind the last there may be none."""
    return _parts(answer, "***") == num_paragraphs


@kind("length_constraints:nth_paragraph_first_word")
def _first_word_of_paragraph(
    answer: str, num_paragraphs: Count, nth_paragraph: Annotated[int, Field(ge=1)], first_word: Word
) -> bool:
    """Paragraphs between blank lines."""
    paragraphs = re.split(r"\n\s*\n", answer.strip())
    if len(paragraphs) != num_paragraphs or nth_paragraph > num_paragraphs:
        return False
    return _bare(paragraphs[nth_paragraph - 1].split()[0]) == _bare(first_word)


@kind("detectable_content:number_placeholders")
def _placeholders(answer: str, num_placeholders: Count) -> bool:
    return sum(bool(WORD.search(text)) for text in BRACKETED.findall(answer)) >= num_placeholders


@kind("detectable_content:postscript")
def _postscript(answer: str, postscript_marker: Word) -> bool:
    """The mark anywhere, in any case, with or without a blank behind its full stops."""
    mark = re.escape(postscript_marker.strip()).replace(r"\.", r"\.\s?")
    return bool(re.search(rf"(?<![\w.]){mark}", answer, re.IGNORECASE))


@kind("detectable_format:number_bullet_lists")
def _bullets(answer: str, num_bullets: Count) -> bool:
    """Exactly so many."""
    return len(BULLET.findall(answer)) == num_bullets


@kind("detectable_format:constrained_response")
def _constrained_response(answer: str) -> bool:
    """With or without other text around it."""
    return any(response in answer for response in ALLOWED_RESPONSES)


@kind("detectable_format:number_highlighted_sections")
def _highlights(answer: str, num_highlights: Count) -> bool:
    return len(HIGHLIGHT.findall(answer)) >= num_highlights


@kind("detectable_format:multiple_sections")
def _sections(answer: str, section_spliter: Word, num_sections: Count) -> bool:
    """Lines that begin with the mark and a number, behind marks such as Markdown's of a heading; case counts."""
    mark = rf"^[^\w\n]*{re.escape(section_spliter)}\s?\d+"
    return len(re.findall(mark, answer, re.MULTILINE)) >= num_sections


@kind("detectable_format:json_format")
def _is_json(answer: str) -> bool:
    """Any JSON value, in a code block or not."""
    text = answer.strip()
    fenced = FENCED.fullmatch(text)
    try:
        json.loads(fenced[1] if fenced else text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return True


@kind("detectable_format:title")
def _title(answer: str) -> bool:
    """Anywhere."""
    return any(title.strip() for title in TITLE.findall(answer))


@kind("combination:two_responses")
def _two_responses(answer: str) -> bool:
    """Two that differ, between dividers of six asterisks; before the first and behind the last there may be none."""
    responses = {part.strip() for part in answer.split("******")} - {""}
    return _parts(answer, "******") == len(responses) == 2


@kind("combination:repeat_prompt")
def _repeats_prompt(answer: str, prompt: str, prompt_to_repeat: str = "") -> bool:
    """First of all and in any case: what is to be repeated, or the whole prompt where the data does not say."""
    return answer.strip().lower().startswith((prompt_to_repeat or prompt).strip().lower())


@kind("startend:end_checker")
def _ends_with(answer: str, end_phrase: Word) -> bool:
    """In any case; a quotation mark may follow."""
    return answer.strip().strip('"').lower().endswith(end_phrase.strip().strip('"').lower())


@kind("startend:quotation")
def _is_quoted(answer: str) -> bool:
    """By straight marks."""
    return len(answer.strip()) > 1 and answer.strip()[0] == answer.strip()[-1] == '"'


@kind("change_case:capital_word_frequency")
def _capital_words(answer: str, capital_frequency: Count, capital_relation: Relation) -> bool:
    """Words with no small letter, "I" and "A" among them; a hyphen or a full stop parts no word."""
    return _holds(sum(word.isupper() for word in COMPOUND.findall(answer)), capital_relation, capital_frequency)


@kind("change_case:english_capital")
def _all_capitals(answer: str) -> bool:
    return answer.isupper()


@kind("change_case:english_lowercase")
def _all_small(answer: str) -> bool:
    return answer.islower()


@kind("punctuation:no_comma")
def _no_comma(answer: str) -> bool:
    return not any(comma in answer for comma in COMMAS)


def sentences(text: str) -> list[str]:
    """The sentences of a text: up to a full stop, question or exclamation mark that a blank follows, and the rest.

    None ends at the full stop of an abbreviation or an initial, behind a number that stands alone, as that of a list's
    item, or at dots that a small letter follows. Limits: the abbreviations are English, and few; "etc." ends nothing in
    a text without capitals; "Plan B. Then" is one sentence; a heading or an item without a mark at its end belongs to
    what follows.
    """
    found, start, seen = [], 0, 0
    for end in SENTENCE_END.finditer(text):
        if _ends_sentence(text[seen : end.start()], end[0], text[end.end() : end.end() + LOOK_AHEAD].lstrip()):
            found.append(text[start : end.end()].strip())
            start = end.end()
        seen = end.end()
    return [sentence for sentence in (*found, text[start:].strip()) if WORD.search(sentence)]


def _ends_sentence(before: str, mark: str, after: str) -> bool:
    """Whether the mark between these texts does; they reach to the mark before this one, and a little further."""
    word = re.sub(r"^\W+", "", (before.split() or [""])[-1])
    if not after or not mark.startswith((".", "…")):
        return True
    if mark.startswith(("..", "…")):
        return not after[0].islower()
    if word.lower() in SOMETIMES_LAST:
        return after[0].isupper()
    is_initial = len(word) == 1 and word.isupper() and word != "I"
    stands_alone = word.isdigit() and before.strip(" \t\n#>*-") == word
    return not (word.lower() in NEVER_LAST or is_initial or stands_alone)


def _holds(count: int, relation: Relation, limit: int) -> bool:
    return count >= limit if relation == "at least" else count < limit


def _parts(answer: str, divider: str) -> int | None:
    """How many parts of text there are; None where nothing stands between two dividers."""
    parts = [bool(part.strip()) for part in answer.split(divider)]
    return sum(parts) if all(parts[1:-1]) else None


def _bare(word: str) -> str:
    """In small letters, without marks around it."""
    return re.sub(r"^\W+|\W+$", "", word).lower()


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
