"""The cleaning pipeline as one writes it with `datasets`: a function of a row for each rule. What the bench compares.

It is also a second opinion: written from the description of the rules, it must keep what the data room keeps.
"""

import re
from pathlib import Path
from typing import Any

MIN_CHARS, MAX_CHARS = 50, 4096
CONTROL_TOKENS = ("<|im_start|>", "<|im_end|>", "<|endoftext|>")
FAULT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]"
    "|Ã[\u0080-\u00bf€ƒ†‡‰ŠŒŽ™œžŸ\u02c6\u02dc]|Â[\u00a0-\u00bf]|â€|ðŸ|ï»¿|ï¿½"
)
PYTHON_FENCE = re.compile(r"( {0,3})```[ \t]*(python3?|py3?)[ \t]*", re.IGNORECASE)

Row = dict[str, Any]


def read_rows(source: Path) -> Any:
    """A `datasets.Dataset` of a JSONL file."""
    import datasets

    datasets.disable_progress_bars()
    return datasets.load_dataset("json", data_files=str(source), split="train")


def clean_rows(rows: Any) -> Any:
    """A `datasets.Dataset` with the cleaned `messages`."""
    seen: set[int] = set()

    def is_new(row: Row) -> bool:
        key = hash(tuple(turns(row)))
        if key in seen:
            return False
        seen.add(key)
        return True

    for keep in (
        has_no_tools,
        is_filled,
        is_long_enough,
        is_short_enough,
        is_new,
        is_decoded,
        has_no_tokens,
        is_complete,
    ):
        rows = rows.filter(keep)
    rows = rows.map(in_one_form, remove_columns=rows.column_names)
    return rows.filter(is_conversation)


def turns(row: Row) -> list[tuple[str, str]]:
    """(role, content) of each turn, up to the last answer, where there is a question before it."""
    if "messages" not in row:
        return [("user", row["question"]), ("assistant", row["answer"])]
    said = [(message["role"], message["content"]) for message in row["messages"]]
    answered = max((number for number, (role, _) in enumerate(said, 1) if role == "assistant"), default=0)
    is_open = bool(said) and said[-1][0] in ("user", "system")
    return said[:answered] if is_open and "user" in [role for role, _ in said[:answered]] else said


def said_by(role: str, row: Row) -> str:
    """All texts of one role."""
    return "\n".join(content or "" for speaker, content in turns(row) if speaker == role)


def has_no_tools(row: Row) -> bool:
    return all(message["role"] != "tool" for message in row.get("messages", ()))


def is_filled(row: Row) -> bool:
    return bool(said_by("user", row).strip()) and bool(said_by("assistant", row).strip())


def is_long_enough(row: Row) -> bool:
    return len(said_by("user", row).strip()) >= MIN_CHARS and len(said_by("assistant", row).strip()) >= MIN_CHARS


def is_short_enough(row: Row) -> bool:
    return sum(len(content or "") for _, content in turns(row)) <= MAX_CHARS


def is_decoded(row: Row) -> bool:
    return not any(FAULT.search(content or "") for _, content in turns(row))


def has_no_tokens(row: Row) -> bool:
    return not any(token in (content or "") for _, content in turns(row) for token in CONTROL_TOKENS)


def is_complete(row: Row) -> bool:
    answer = said_by("assistant", row)
    return not (len(answer) < 100 and ("..." in answer or "…" in answer))


def is_conversation(row: Row) -> bool:
    messages = turns(row)
    known = all(role in ("system", "user", "assistant") and (content or "").strip() for role, content in messages)
    return bool(messages) and known and messages[-1][0] == "assistant"


def in_one_form(row: Row) -> Row:
    return {"messages": [{"role": role, "content": with_standard_fences(content)} for role, content in turns(row)]}


def with_standard_fences(text: str) -> str:
    """Python fences as "```python", tildes as backticks, the last fence closed, LF line ends."""
    text = text.replace("\r\n", "\n")
    if "```" not in text and "~~~" not in text:
        return text
    lines = text.split("\n")
    if "````" in text or (any(map(_is_fence, lines)) and any(line.startswith("~~~") for line in lines)):
        return text
    lines = _without_tildes(lines)
    for number, line in enumerate(lines):
        if match := PYTHON_FENCE.fullmatch(line):
            lines[number] = f"{match[1]}```python"
    opened = False
    for line in lines:
        if _is_fence(line) and (not opened or not line.strip("` \t")):
            opened = not opened
    text = "\n".join(lines)
    return f"{text}```" if opened and text.endswith("\n") else f"{text}\n```" if opened else text


def _is_fence(line: str) -> bool:
    return re.fullmatch(r" {0,3}```[^`]*", line) is not None


def _without_tildes(lines: list[str]) -> list[str]:
    """Tilde fences as backticks: those that are closed, and those that name a language."""
    lines = list(lines)
    number = 0
    while number < len(lines):
        opening = re.fullmatch(r"~~~[ \t]*([\w+#.-]*)[ \t]*", lines[number])
        if opening:
            closing = [later for later in range(number + 1, len(lines)) if lines[later].rstrip(" \t") == "~~~"]
            if closing or opening[1]:
                lines[number] = f"```{opening[1]}"
            if closing:
                lines[closing[0]] = "```"
                number = closing[0]
        number += 1
    return lines
