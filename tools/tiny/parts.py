"""The parts that operations are composed of, each with its code and several ways to say it in English.

A list operation is a filter, then a map, then an aggregate; the others are one rule with one or two parameters.
`{k}` and `{j}` stand for parameters, `{it}` for what the part is applied to.
"""

import string
from collections.abc import Sequence
from typing import Literal, NamedTuple

Kind = Literal["list", "string", "integer", "pair"]
Mode = Literal["value", "values", "yes-no"]

LETTERS = string.ascii_lowercase


class Part(NamedTuple):
    """A piece of a computation: its code, its synonyms, and what its parameters may be."""

    code: str
    phrases: tuple[str, ...]
    mode: Mode = "value"
    k: Sequence[int | str] = ()
    j: Sequence[int | str] = ()
    inputs: range = range(401)  # the integers n that make sense as input


ALL = Part("", ("all the {it}", "all {it}", "the given {it}"))
FILTERS = (
    ALL,
    Part("x % 2 == 0", ("the even {it}", "all even {it}", "the {it} that are even")),
    Part("x % 2 != 0", ("the odd {it}", "all odd {it}", "the {it} that are odd")),
    Part("x > 0", ("the positive {it}", "all positive {it}", "the {it} that are positive")),
    Part("x < 0", ("the negative {it}", "all negative {it}", "the {it} that are negative")),
    Part(
        "x > {k}",
        ("the {it} greater than {k}", "the {it} above {k}", "all {it} larger than {k}", "the {it} that exceed {k}"),
        k=range(1, 61),
    ),
    Part(
        "x < {k}",
        ("the {it} less than {k}", "the {it} below {k}", "all {it} smaller than {k}", "the {it} that are under {k}"),
        k=range(1, 61),
    ),
    Part(
        "x % {k} == 0",
        ("the {it} divisible by {k}", "all multiples of {k}", "the {it} that are multiples of {k}"),
        k=range(3, 13),
    ),
    Part(
        "x % {k} != 0",
        (
            "the {it} not divisible by {k}",
            "all {it} that are not multiples of {k}",
            "the {it} that {k} does not divide",
        ),
        k=range(3, 13),
    ),
)

SAME = Part("x", ("{it}",))
MAPS = (
    SAME,
    Part("x * x", ("the squares of {it}", "{it} after squaring each", "the squared values of {it}")),
    Part("abs(x)", ("the absolute values of {it}", "{it} without their signs", "the magnitudes of {it}")),
    Part(
        "x * {j}",
        ("{it} after multiplying each by {j}", "the results of multiplying {it} by {j}", "{it} multiplied by {j} each"),
        j=range(2, 10),
    ),
    Part(
        "x + {j}",
        ("{it} after adding {j} to each", "the results of adding {j} to {it}", "{it} increased by {j} each"),
        j=range(1, 31),
    ),
)

COUNT = Part("len(b)", ("the number of {it}", "the count of {it}", "the total count of {it}"))
UNCHANGED = Part(
    "b", ("{it} in the given order", "{it} in their original order", "{it} without changing the order"), "values"
)
AGGREGATES = (
    Part("sum(b)", ("the sum of {it}", "the total of {it}", "the result of adding up {it}")),
    Part("max(b, default=0)", ("the largest of {it}", "the maximum of {it}", "the biggest of {it}")),
    Part("min(b, default=0)", ("the smallest of {it}", "the minimum of {it}", "the least of {it}")),
    COUNT,
    Part(
        "max(b, default=0) - min(b, default=0)",
        (
            "the difference between the largest and the smallest of {it}",
            "the maximum minus the minimum of {it}",
            "the gap between the smallest and the largest of {it}",
        ),
    ),
    UNCHANGED,
    Part("b[::-1]", ("{it} in reverse order", "{it} in reversed order", "{it} from last to first"), "values"),
    Part(
        "sorted(b)",
        ("{it} in increasing order", "{it} sorted from small to large", "{it} in ascending order"),
        "values",
    ),
    Part(
        "sorted(b, reverse=True)",
        ("{it} in decreasing order", "{it} in descending order", "{it} sorted from large to small"),
        "values",
    ),
)

STRINGS = (
    Part("s[::-1]", ("{it} reversed", "the reverse of {it}", "{it} written backwards")),
    Part("s.upper()", ("{it} in upper case", "{it} in uppercase letters", "{it} with all letters capitalized")),
    Part("len(s)", ("the length of {it}", "the number of characters in {it}", "how many characters {it} has")),
    Part(
        "sum(c in 'aeiou' for c in s)",
        ("the number of vowels in {it}", "the count of vowels in {it}", "how many vowels {it} has"),
    ),
    Part(
        "s == s[::-1]", ("{it} is a palindrome", "{it} reads the same backwards", "{it} equals its reverse"), "yes-no"
    ),
    Part(
        "s.count('{k}')",
        ("the number of letters '{k}' in {it}", "the count of '{k}' in {it}", "how many times '{k}' occurs in {it}"),
        k=LETTERS,
    ),
    Part(
        "s.replace('{k}', '{j}')",
        (
            "{it} with every '{k}' replaced by '{j}'",
            "{it} after replacing each '{k}' with '{j}'",
            "{it} where all '{k}' become '{j}'",
        ),
        k=LETTERS,
        j=LETTERS,
    ),
    Part(
        "s.replace('{k}', '')",
        ("{it} without the letter '{k}'", "{it} after removing every '{k}'", "{it} with all '{k}' deleted"),
        k=LETTERS,
    ),
    Part(
        "s * {k}",
        ("{it} repeated {k} times", "{k} copies of {it} joined together", "{it} written {k} times in a row"),
        k=range(2, 10),
    ),
    Part(
        "s[:{k}]",
        ("the first {k} characters of {it}", "the first {k} letters of {it}", "the prefix of {it} of length {k}"),
        k=range(2, 13),
    ),
    Part(
        "s[-{k}:]",
        ("the last {k} characters of {it}", "the last {k} letters of {it}", "the suffix of {it} of length {k}"),
        k=range(2, 13),
    ),
    Part(
        "s[::{k}]",
        ("the characters of {it} with step {k}", "the letters of {it} in steps of {k}", "{it} read with a step of {k}"),
        k=range(2, 10),
    ),
    Part(
        "s.startswith('{k}')",
        ("{it} starts with '{k}'", "{it} begins with '{k}'", "the first letter of {it} is '{k}'"),
        "yes-no",
        k=LETTERS,
    ),
    Part(
        "'{k}' in s",
        ("{it} contains '{k}'", "the letter '{k}' is in {it}", "'{k}' occurs in {it}"),
        "yes-no",
        k=LETTERS,
    ),
    Part(
        "len(s) > {k}",
        ("{it} has more than {k} characters", "{it} has over {k} letters", "{it} is longer than {k} characters"),
        "yes-no",
        k=range(2, 13),
    ),
    Part(
        "s.find('{k}')",
        (
            "the first index of '{k}' in {it}, counted from 0, or -1",
            "the index of the first '{k}' in {it}, counted from 0, or -1",
            "where '{k}' first occurs in {it}, counted from 0, or -1",
        ),
        k=LETTERS,
    ),
)

INTEGERS = (
    Part("n * {k}", ("n times {k}", "the product of n and {k}", "n multiplied by {k}"), k=range(2, 61)),
    Part("n + {k}", ("n plus {k}", "the sum of n and {k}", "n increased by {k}"), k=range(2, 61)),
    Part(
        "n % {k}",
        ("the remainder of n divided by {k}", "n modulo {k}", "what is left when n is divided by {k}"),
        k=range(2, 31),
    ),
    Part(
        "n // {k}",
        ("the integer part of n divided by {k}", "n divided by {k}, rounded down", "how many times {k} fits into n"),
        k=range(2, 31),
    ),
    Part(
        "{k} ** n",
        ("{k} to the power of n", "{k} raised to the power n", "the n-th power of {k}"),
        k=range(2, 10),
        inputs=range(13),
    ),
    Part(
        "n ** {k}",
        ("n to the power of {k}", "n raised to the power {k}", "the {k}-th power of n"),
        k=range(4, 10),
        inputs=range(31),
    ),
    Part(
        "n % {k} == 0", ("n is divisible by {k}", "n is a multiple of {k}", "{k} divides n"), "yes-no", k=range(3, 41)
    ),
    Part("n > {k}", ("n is greater than {k}", "n is larger than {k}", "n exceeds {k}"), "yes-no", k=range(3, 61)),
    Part("n < {k}", ("n is less than {k}", "n is smaller than {k}", "n is under {k}"), "yes-no", k=range(3, 61)),
    Part("sum(map(int, str(n)))", ("the sum of the digits of n", "the digit sum of n", "the total of the digits of n")),
    Part(
        "sum(range({k}, n + 1, {k}))",
        (
            "the sum of the positive multiples of {k} up to n",
            "the total of all positive multiples of {k} not exceeding n",
            "the result of adding up the positive multiples of {k} up to n",
        ),
        k=range(2, 21),
    ),
    Part(
        "[i * {k} for i in range(1, n + 1)]",
        (
            "the first n positive multiples of {k}",
            "the n smallest positive multiples of {k}",
            "the positive multiples of {k} from the first to the n-th",
        ),
        "values",
        k=range(2, 21),
        inputs=range(1, 21),
    ),
    Part(
        "list(range(1, n + 1, {k}))",
        (
            "the numbers from 1 to n with step {k}",
            "the numbers from 1 to n in steps of {k}",
            "the numbers 1 to n going up by {k}",
        ),
        "values",
        k=range(2, 10),
        inputs=range(1, 61),
    ),
    Part(
        "str(n).count('{k}')",
        (
            "the number of digits {k} in n",
            "the count of the digit {k} in n",
            "how many times the digit {k} occurs in n",
        ),
        k=range(10),
    ),
    Part(
        "n - n % {k}",
        (
            "the largest multiple of {k} not exceeding n",
            "the biggest multiple of {k} up to n",
            "n rounded down to a multiple of {k}",
        ),
        k=range(3, 41),
    ),
)

PAIRS = (
    Part(
        "x + y * {k}",
        ("x plus {k} times y", "the sum of x and {k} times y", "x increased by y times {k}"),
        k=range(2, 41),
    ),
    Part(
        "x * y + {k}",
        ("the product of x and y plus {k}", "x times y plus {k}", "x multiplied by y, increased by {k}"),
        k=range(2, 41),
    ),
    Part(
        "(x + y) % {k}",
        (
            "the sum of x and y modulo {k}",
            "the remainder of the sum of x and y divided by {k}",
            "what is left when the sum of x and y is divided by {k}",
        ),
        k=range(2, 41),
    ),
    Part(
        "x + y == {k}",
        ("the sum of x and y is {k}", "x plus y equals {k}", "x and y add up to {k}"),
        "yes-no",
        k=range(3, 61),
    ),
    Part(
        "x + y > {k}",
        ("the sum of x and y is greater than {k}", "x plus y is larger than {k}", "x and y add up to more than {k}"),
        "yes-no",
        k=range(3, 61),
    ),
    Part(
        "abs(x - y) * {k}",
        (
            "the absolute difference of x and y times {k}",
            "the distance between x and y multiplied by {k}",
            "{k} times the distance between x and y",
        ),
        k=range(2, 21),
    ),
    Part(
        "max(x, y) + {k}",
        ("the larger of x and y plus {k}", "the maximum of x and y plus {k}", "the bigger of x and y increased by {k}"),
        k=range(2, 61),
    ),
)

RULES: dict[Kind, tuple[Part, ...]] = {"string": STRINGS, "integer": INTEGERS, "pair": PAIRS}
