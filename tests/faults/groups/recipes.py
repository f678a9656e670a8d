"""Recipes that are damaged or extreme: one that comes back equal from its file, or a sentence."""

import random
from collections.abc import Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path

from qwenlab.recipe import RECIPES, Recipe, fields, recipe_toml
from tests.faults.asked import Asked
from tests.faults.damaged_bytes import damaged
from tests.faults.group import Attempt, LostError

TITLE = "recipes damaged or extreme"
PROMISE = "a recipe that comes back equal from its file, or a sentence of at most 20,000 characters"
ALL = 2000
FIRST = 300

SEED = 18
LONGEST = 20_000


def attempts(count: int, folder: Path) -> Iterator[Attempt]:
    """Named ones first, then every setting with extreme values, then the recipes that come along with drawn faults."""
    path = folder / "recipe.toml"
    with Asked() as asked:
        yield from islice(chain(_named(asked, path), _drawn(asked, path)), count)


def _named(asked: Asked, path: Path) -> Iterator[Attempt]:
    for name, text in TEXTS.items():
        yield Attempt(name, partial(_ask_text, asked, path, text.encode("utf-8", "surrogatepass")))
    for name in ("a\0b", "a" * 5000, f"/{'a' * 5000}/r.toml", "/dev", "/dev/null/x", "~nobody-of-this-name"):
        yield Attempt(f"the name {name[:30]!r}", partial(_ask, asked, "recipe", name))


def _drawn(asked: Asked, path: Path) -> Iterator[Attempt]:
    draw = random.Random(SEED)
    extremes = [
        (section, key, value, how) for section, key, _ in fields() for value in EXTREME for how in ("file", "override")
    ]
    for section, key, value, how in draw.sample(extremes, 700):
        name = f"{section}.{key} = {value[:20]} as {how}"
        if how == "file":
            text = f"[{section}]\n{key} = {value}\n".encode()
            yield Attempt(name, partial(_ask_text, asked, path, text))
        else:
            yield Attempt(name, partial(_ask, asked, "override", f"{section}.{key}={value}"))
    texts = [file.read_bytes() for file in sorted(RECIPES.glob("*.toml"))]
    texts.append(recipe_toml(Recipe()).encode())
    for number in range(ALL):
        text = damaged(draw.choice(texts), random.Random(f"{SEED} {number}"))
        yield Attempt(f"damaged {number}", partial(_ask_text, asked, path, text))


def _ask_text(asked: Asked, path: Path, text: bytes) -> None:
    path.write_bytes(text)
    _ask(asked, "recipe", str(path))


def _ask(asked: Asked, how: str, what: str) -> None:
    heard = asked.ask(how, what)
    if heard.refused and not 0 < len(heard.said) < LONGEST:
        raise LostError(f"the refusal has {len(heard.said):,} characters")
    if not heard.refused and heard.said != "equal":
        raise LostError("what is read back from its file is another recipe")


DEEP = 3000
NAME = "n" * 5000

TEXTS = {
    "nothing": "",
    "lists in lists": f"[train]\nseed = {'[' * DEEP}{']' * DEEP}",
    "lists in lists without an end": f"[train]\nseed = {'[' * 100_000}",
    "tables in tables": f"[data]\ncolumns = {'{a=' * DEEP}1{'}' * DEEP}",
    "a key of thousands of parts": f"{'a.' * DEEP}b = 1",
    "a setting of thousands of parts": f"[data.columns]\nuser{'.a' * DEEP} = 1",
    "a header of thousands of parts": f"[{'a.' * DEEP}b]\nc = 1",
    "lists in a known setting": f"[lora]\ntarget_modules = {'[' * 50}{']' * 50}",
    "an integer of 5,000 digits": f"[train]\nseed = {'7' * 5000}",
    "an integer of 5,000 hexadecimal digits": f"[train]\nmax_steps = 0x{'f' * 5000}",
    "such an integer in a list": f"[lora]\ntarget_modules = ['q_proj', 0x{'f' * 5000}]",
    "such an integer under an unknown key": f"[nothing]\nat = {{all = [0x{'f' * 5000}]}}",
    "such an integer above the tables": f"seed = 0b{'1' * 20_000}",
    "an integer of 64 bits": f"[train]\nmax_steps = {2**63}",
    "the largest integer": f"[train]\nmax_steps = {2**63 - 1}",
    "a fraction of 5,000 digits": f"[train]\nlearning_rate = 0.{'0' * 5000}1",
    "infinitely many epochs": "[train]\nnum_train_epochs = inf",
    "no number of epochs": "[train]\nnum_train_epochs = nan",
    "a NUL in a path": '[data]\nsource = "a\\u0000b.jsonl"',
    "every control character": '[data]\nsystem_prompt = "'
    + "".join(f"\\u{code:04x}" for code in range(32))
    + '\\u007f"',
    "line ends of every kind": '[data]\nsystem_prompt = "a\\r\\nb\\rc\\nd\\u0085e\\u2028f"',
    "quotes and backslashes": "[data]\nsystem_prompt = '''\\\"\"\"\\n''\"'''",
    "characters beyond 16 bits": '[model]\nname = "\\U0001F600\\U0010FFFF"',
    "half a pair of surrogates": '[model]\nname = "\\ud800"',
    "half a pair of surrogates, as bytes": '[model]\nname = "\ud800"',
    "an unknown key of 5,000 letters": f"[train]\n{NAME} = 1",
    "an unknown section of 5,000 letters": f"[{NAME}]\na = 1",
    "a known setting of a million letters": f'[train]\nseed = "{"a" * 1_000_000}"',
    "a source of a million letters": f'[data]\nsource = "{"a" * 1_000_000}"',
    "a column of a million letters": f'[data]\ncolumns = {{user = "{"a" * 1_000_000}"}}',
    "a thousand unknown keys": "[train]\n" + "".join(f"k{number} = 1\n" for number in range(1000)),
    "a hundred thousand layers": "[lora]\ntarget_modules = [" + '"a",' * 100_000 + "]",
    "a table that is a number": "train = 1",
    "a table that is a list": "[[train]]\nseed = 1",
    "a key twice": "[train]\nseed = 1\nseed = 2",
    "dates and times": "[data]\nsource = 1979-05-27T07:32:00Z\nfallback = [07:32:00, 1979-05-27]",
    "a byte order mark": "\ufeff[train]\nseed = 1",
}

EXTREME = (
    "0", "-1", "1", "-0.0", "1e308", "1e999", "-1e999", "inf", "nan", "5e-324", f"{2**31}", f"{2**63 - 1}", f"{2**63}",
    f"{-(2**63)}", "7" * 4300, "7" * 4301, f"0x{'f' * 4000}", "true", "false", '""', '" "', '"\\u0000"', f'"{NAME}"',
    "[]", "[[]]", '[""]', "[1, 2.5, true]", "{}", '{user = ""}', "{user = {user = 1}}", "1979-05-27", "07:32:00",
    '"auto"', '"NaN"', "'''\n\n'''", "[" * 2000 + "]" * 2000, "\"../../../etc/passwd\"", '"~"', '"/dev/zero"',
)  # fmt: skip
"""As TOML writes them."""
