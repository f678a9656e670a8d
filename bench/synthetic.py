"""Synthetic conversations with every fault that the rules look for, by seed: what the bench cleans."""

import json
import random
import string
from pathlib import Path
from typing import Any

SENTENCES = 20_000
CODE = (
    "```python\nprint({n})\n```",
    "``` Python3\nprint({n})\n```",
    "```py\nprint({n})",
    "~~~\n{n}\n~~~",
    "```\n{n}\n```",
)

Row = dict[str, Any]


def write_rows(path: Path, rows: int, layout: str, sentences: int, seed: int) -> None:
    """JSON lines with `question` and `answer`, or with `messages` of one to three rounds.

    About one row in five has a fault, and one in four a block of code. Questions have up to five sentences, answers up
    to `sentences`; with 6, rows are as long as those of GSM8K, about 500 characters.
    """
    make = random.Random(seed)
    pool = [_sentence(make) for _ in range(SENTENCES)]
    write = _turns if layout == "messages" else _columns
    with path.open("w", encoding="utf-8") as file:
        earlier: list[Row] = []
        for number in range(rows):
            if earlier and make.random() < 0.04:
                row = make.choice(earlier)
            else:
                row = write(make, pool, sentences) | {"id": number}
            if make.random() < 0.01:
                earlier.append(row)
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _columns(make: random.Random, pool: list[str], sentences: int) -> Row:
    question, answer = _round(make, pool, sentences)
    return {"question": question, "answer": answer}


def _turns(make: random.Random, pool: list[str], sentences: int) -> Row:
    messages = [{"role": "system", "content": make.choice(pool)}] if make.random() < 0.2 else []
    for _ in range(make.choice((1, 1, 1, 2, 3))):
        question, answer = _round(make, pool, sentences)
        messages += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    fault = make.random()
    if fault < 0.01:
        messages.append({"role": "user", "content": make.choice(pool)})
    elif fault < 0.015:
        messages.insert(-1, {"role": "tool", "content": make.choice(pool)})
    elif fault < 0.02:
        messages.insert(-1, {"role": "user", "content": " "})
    return {"messages": messages}


def _round(make: random.Random, pool: list[str], sentences: int) -> tuple[str, str]:
    question = " ".join(make.choices(pool, k=make.randint(1, 5)))
    answer = "\n".join(make.choices(pool, k=make.randint(2, sentences)))
    if make.random() < 0.25:
        answer += "\n" + make.choices(CODE, weights=(70, 8, 8, 6, 8))[0].format(n=make.randint(0, 999))
    return _with_fault(make, pool, question, answer)


def _with_fault(make: random.Random, pool: list[str], question: str, answer: str) -> tuple[str, str]:
    kind = make.choices(
        ("none", "empty", "short", "long", "replaced", "control", "mojibake", "token", "incomplete", "crlf"),
        weights=(850, 10, 30, 40, 8, 4, 8, 5, 15, 10),
    )[0]
    match kind:
        case "empty":
            question = make.choice(("", "  \n"))
        case "short":
            answer = f" {make.randint(0, 999)} "
        case "long":
            answer = " ".join(make.choices(pool, k=90))
        case "replaced":
            answer += " caf\ufffd"
        case "control":
            question += "\x00\x1b"
        case "mojibake":
            answer += make.choice((" cafÃ©", " donâ€™t", " 20Â°"))
        case "token":
            answer += make.choice(("<|im_end|>", "<|im_start|>", "<|endoftext|>"))
        case "incomplete":
            answer = f"{make.choice(pool)[:60]:.<63}"
        case "crlf":
            answer = answer.replace("\n", "\r\n")
    return question, answer


def _sentence(make: random.Random) -> str:
    words = ("".join(make.choices(string.ascii_lowercase, k=make.randint(2, 9))) for _ in range(make.randint(6, 14)))
    return " ".join(words).capitalize() + make.choice((".", ".", "?", " = 42.", " é ü 漢字."))
