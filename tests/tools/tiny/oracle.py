"""A second, independent reading of every operation: from its English words, with plain loops, to its output."""

import re
from collections.abc import Callable, Iterable
from typing import Any

Table = dict[str, Callable[..., Any]]


def kept(a: list[int], keep: Callable[[int], bool]) -> list[int]:
    return [x for x in a if keep(x)]


FILTERS: Table = {
    r"all the {it}": lambda a: a,
    r"the even {it}": lambda a: kept(a, lambda x: str(x)[-1] in "02468"),
    r"the odd {it}": lambda a: kept(a, lambda x: str(x)[-1] in "13579"),
    r"the positive {it}": lambda a: kept(a, lambda x: x >= 1),
    r"the negative {it}": lambda a: kept(a, lambda x: str(x).startswith("-")),
    r"the {it} greater than (\d+)": lambda a, k: kept(a, lambda x: x >= k + 1),
    r"the {it} less than (\d+)": lambda a, k: kept(a, lambda x: x <= k - 1),
    r"the {it} divisible by (\d+)": lambda a, k: kept(a, lambda x: k * (x // k) == x),
    r"the {it} not divisible by (\d+)": lambda a, k: kept(a, lambda x: k * (x // k) != x),
}
MAPS: Table = {
    r"{it}": lambda a: a,
    r"the squares of {it}": lambda a: [x**2 for x in a],
    r"the absolute values of {it}": lambda a: [max(x, -x) for x in a],
    r"{it} after multiplying each by (\d+)": lambda a, j: [sum([x] * j) for x in a],
    r"{it} after adding (\d+) to each": lambda a, j: [j - -x for x in a],
}
AGGREGATES: Table = {
    r"the sum of {it}": lambda a: added(a),
    r"the largest of {it}": lambda a: ordered(a)[-1] if a else 0,
    r"the smallest of {it}": lambda a: ordered(a)[0] if a else 0,
    r"the number of {it}": lambda a: added(1 for _ in a),
    r"the difference between the largest and the smallest of {it}": lambda a: (
        ordered(a)[-1] - ordered(a)[0] if a else 0
    ),
    r"{it} in the given order": lambda a: a,
    r"{it} in reverse order": lambda a: [a[i] for i in range(len(a) - 1, -1, -1)],
    r"{it} in increasing order": lambda a: ordered(a),
    r"{it} in decreasing order": lambda a: [-x for x in ordered([-x for x in a])],
}
STRINGS: Table = {
    r"{it} reversed": lambda s: "".join(reversed(s)),
    r"{it} in upper case": lambda s: "".join(chr(ord(c) - 32) for c in s),
    r"the length of {it}": lambda s: added(1 for _ in s),
    r"the number of vowels in {it}": lambda s: len(re.findall("[aeiou]", s)),
    r"{it} is a palindrome": lambda s: all(s[i] == s[len(s) - 1 - i] for i in range(len(s))),
    r"the number of letters '(.)' in {it}": lambda s, k: len(re.findall(k, s)),
    r"{it} with every '(.)' replaced by '(.)'": lambda s, k, j: "".join(j if c == k else c for c in s),
    r"{it} without the letter '(.)'": lambda s, k: "".join(c for c in s if c != k),
    r"{it} repeated (\d+) times": lambda s, k: "".join(s for _ in range(k)),
    r"the first (\d+) characters of {it}": lambda s, k: "".join(c for i, c in enumerate(s) if i < k),
    r"the last (\d+) characters of {it}": lambda s, k: "".join(c for i, c in enumerate(s) if len(s) - i <= k),
    r"the characters of {it} with step (\d+)": lambda s, k: "".join(c for i, c in enumerate(s) if i % k == 0),
    r"{it} starts with '(.)'": lambda s, k: s[0] == k,
    r"{it} contains '(.)'": lambda s, k: any(c == k for c in s),
    r"{it} has more than (\d+) characters": lambda s, k: added(1 for _ in s) >= k + 1,
    r"the first index of '(.)' in {it}, counted from 0, or -1": lambda s, k: next(
        (i for i, c in enumerate(s) if c == k), -1
    ),
}
INTEGERS: Table = {
    r"n times (\d+)": lambda n, k: added([k] * n),
    r"n plus (\d+)": lambda n, k: k - -n,
    r"the remainder of n divided by (\d+)": lambda n, k: n - k * int(n / k),
    r"the integer part of n divided by (\d+)": lambda n, k: int(n / k),
    r"(\d+) to the power of n": lambda n, k: multiplied([k] * n),
    r"n to the power of (\d+)": lambda n, k: multiplied([n] * k),
    r"n is divisible by (\d+)": lambda n, k: n in range(0, n + 1, k),
    r"n is greater than (\d+)": lambda n, k: n >= k + 1,
    r"n is less than (\d+)": lambda n, k: n <= k - 1,
    r"the sum of the digits of n": lambda n: added(ord(c) - 48 for c in str(n)),
    r"the sum of the positive multiples of (\d+) up to n": lambda n, k: added(i for i in range(1, n + 1) if i % k == 0),
    r"the first n positive multiples of (\d+)": lambda n, k: list(range(k, n * k + 1, k)),
    r"the numbers from 1 to n with step (\d+)": lambda n, k: [i for i in range(1, n + 1) if (i - 1) % k == 0],
    r"the number of digits (\d+) in n": lambda n, k: added(ord(c) - 48 == k for c in str(n)),
    r"the largest multiple of (\d+) not exceeding n": lambda n, k: max(i for i in range(n + 1) if i % k == 0),
}
PAIRS: Table = {
    r"x plus (\d+) times y": lambda x, y, k: added([x, *[y] * k]),
    r"the product of x and y plus (\d+)": lambda x, y, k: added([k, *[y] * x]),
    r"the sum of x and y modulo (\d+)": lambda x, y, k: x + y - k * int((x + y) / k),
    r"the sum of x and y is (\d+)": lambda x, y, k: k - x == y,
    r"the sum of x and y is greater than (\d+)": lambda x, y, k: y >= k + 1 - x,
    r"the absolute difference of x and y times (\d+)": lambda x, y, k: added([max(x - y, y - x)] * k),
    r"the larger of x and y plus (\d+)": lambda x, y, k: ordered([x, y])[1] + k,
}
RULES: dict[str, Table] = {"string": STRINGS, "integer": INTEGERS, "pair": PAIRS}


def answer(kind: str, phrases: list[str], value: Any) -> str:
    """What must be printed for a value, given the first synonym of each part of the operation."""
    tables = [FILTERS, MAPS, AGGREGATES] if kind == "list" else [RULES[kind]]
    arguments = list(value) if kind == "pair" else [value]
    for table, phrase in zip(tables, phrases, strict=True):
        arguments = [_apply(table, phrase, arguments)]
    result = arguments[0]
    if isinstance(result, bool):
        return "YES" if result else "NO"
    return " ".join(map(str, result)) if isinstance(result, list) else str(result)


def added(numbers: Iterable[int]) -> int:
    total = 0
    for number in numbers:
        total += number
    return total


def multiplied(numbers: Iterable[int]) -> int:
    product = 1
    for number in numbers:
        product *= number
    return product


def ordered(numbers: list[int]) -> list[int]:
    """Insertion sort, so that nothing here is the code under test."""
    result: list[int] = []
    for number in numbers:
        position = len([x for x in result if x <= number])
        result.insert(position, number)
    return result


def _apply(table: Table, phrase: str, arguments: list[Any]) -> Any:
    matches = [
        (reading, match)
        for pattern, reading in table.items()
        if (match := re.fullmatch(pattern.replace("{it}", r"\{it\}"), phrase))
    ]
    [(reading, match)] = matches
    return reading(*arguments, *(int(group) if group.isdigit() else group for group in match.groups()))
