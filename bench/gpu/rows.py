"""Rows to train on: arithmetic told in sentences, by seed, all of about the same length."""

import json
import random
from pathlib import Path

NAMES = (
    "Ada",
    "Ben",
    "Chen",
    "Dana",
    "Emil",
    "Fatima",
    "Goran",
    "Hana",
    "Ines",
    "Jonas",
    "Kofi",
    "Lena",
    "Mira",
    "Noor",
)
THINGS = ("apples", "books", "coins", "pencils", "stamps", "shells", "tickets", "marbles", "postcards", "candles")
VERBS = ("finds", "buys", "receives", "borrows", "collects")


def write_rows(file: Path, count: int, characters: int, seed: int = 7) -> None:
    """JSON lines with `question` and `answer`, together about so many characters."""
    make = random.Random(seed)
    with file.open("w", encoding="utf-8") as lines:
        for _ in range(count):
            name, thing, total = make.choice(NAMES), make.choice(THINGS), make.randint(2, 99)
            question = f"{name} has {total} {thing} and goes on to count them. How many are there in the end?"
            steps: list[str] = []
            while len(question) + sum(map(len, steps)) < characters:
                more = make.randint(2, 99)
                verb = make.choice(VERBS)
                steps.append(f"{name} {verb} {more} {thing}: {total} + {more} = {total + more}.\n")
                total += more
            row = {"question": question, "answer": f"{''.join(steps)}The answer is {total}."}
            lines.write(json.dumps(row) + "\n")
