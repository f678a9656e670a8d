"""What a problem computes: an operation on a list, a string, an integer or a pair, composed of parts.

The program and the statement of a problem are always made from the same operation, so they cannot disagree.
"""

import random
from dataclasses import dataclass

from tools.tiny.parts import AGGREGATES, ALL, COUNT, FILTERS, MAPS, RULES, SAME, UNCHANGED, Kind, Mode, Part

WEIGHTS: dict[Kind, int] = {"list": 5, "string": 3, "integer": 3, "pair": 2}


@dataclass(frozen=True)
class Operation:
    """One computation with its parameters filled in.

    `lines` are the statements that prepare the result, `result` is the expression itself. `phrases` holds one tuple
    of synonyms for each part, innermost first.
    """

    kind: Kind
    lines: tuple[str, ...]
    result: str
    mode: Mode
    phrases: tuple[tuple[str, ...], ...]
    parameters: tuple[int | str, ...] = ()
    inputs: range = range(401)

    @property
    def body(self) -> str:
        """The text that identifies the computation, whatever surrounds it."""
        return "\n".join([self.kind, *self.lines, self.result, self.mode])

    @property
    def numbers(self) -> list[int]:
        return [p for p in self.parameters if isinstance(p, int)]

    @property
    def letters(self) -> list[str]:
        return [p for p in self.parameters if isinstance(p, str)]


def draw(rng: random.Random) -> Operation:
    """A random operation: five lists to three strings, three integers and two pairs."""
    kind = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    return _draw_list(rng) if kind == "list" else _draw_rule(rng, kind)


def _draw_list(rng: random.Random) -> Operation:
    chosen, mapped, aggregate = rng.choice(FILTERS), rng.choice((SAME, SAME, SAME, *MAPS)), rng.choice(AGGREGATES)
    if aggregate is COUNT:  # a count does not see what a map did
        mapped = SAME
    if aggregate in (COUNT, UNCHANGED) and chosen is ALL and mapped is SAME:  # else nothing would be computed
        chosen = rng.choice(FILTERS[1:])
    k, j = _parameters(rng, chosen)[0], _parameters(rng, mapped)[1]
    condition = f" if {_fill(chosen.code, k, j)}" if chosen.code else ""
    plain = chosen is ALL and mapped is SAME
    return Operation(
        kind="list",
        lines=("b = a" if plain else f"b = [{_fill(mapped.code, k, j)} for x in a{condition}]",),
        result=aggregate.code,
        mode=aggregate.mode,
        phrases=tuple(tuple(_fill(phrase, k, j) for phrase in part.phrases) for part in (chosen, mapped, aggregate)),
        parameters=tuple(p for p in (k, j) if p is not None),
    )


def _draw_rule(rng: random.Random, kind: Kind) -> Operation:
    rule = rng.choice(RULES[kind])
    k, j = _parameters(rng, rule)
    return Operation(
        kind=kind,
        lines=(),
        result=_fill(rule.code, k, j),
        mode=rule.mode,
        phrases=(tuple(_fill(phrase, k, j) for phrase in rule.phrases),),
        parameters=tuple(p for p in (k, j) if p is not None),
        inputs=rule.inputs,
    )


def _parameters(rng: random.Random, part: Part) -> tuple[int | str | None, int | str | None]:
    k = rng.choice(part.k) if part.k else None
    j = rng.choice([option for option in part.j if option != k]) if part.j else None
    return k, j


def _fill(text: str, k: int | str | None, j: int | str | None) -> str:
    return text.replace("{k}", str(k)).replace("{j}", str(j))
