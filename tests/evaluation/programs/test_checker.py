"""The three rules of comparison: cases by hand, and what must hold of any output."""

import time
import tracemalloc
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenlab.evaluation.programs import checker
from qwenlab.evaluation.programs.checker import deepmind, default, expects_decimals, presentation, strict

BIG = b"9" * 6000

CASES = [
    # got, expected, default, strict, deepmind
    (b"3\n", b"3\n", True, True, True),
    (b"3", b"3\n", True, True, True),
    (b"1 2 \n3\n\n", b"1 2\n3", True, True, True),
    (b"1 2\r\n3\r\n", b"1 2\n3", True, True, True),
    (b"1\n2\n3", b"1 2 3", True, False, True),
    (b"  1", b"1", True, False, True),
    (b"", b"", True, True, True),
    (b"\n", b"", True, True, True),
    (b"", b"1", False, False, False),
    (b"1", b"", False, False, False),
    (b"1 2", b"1 2 3", False, False, False),
    (b"1 2 3 4", b"1 2 3", False, False, False),
    (b"1 2 3\nextra", b"1 2 3", False, False, False),
    (b"12 3", b"1 23", False, False, False),
    # integers
    (b"007", b"7", True, False, True),
    (b"+7", b"7", True, False, True),
    (b"-0", b"0", True, False, True),
    (b"0", b"-0", True, False, True),
    (b"-7", b"7", False, False, False),
    (b"7.0", b"7", False, False, True),
    (b"11", b"0011", False, False, True),  # a string of digits
    (b"2147483648", b"2147483649", False, False, False),
    (b"100000000000000000000", b"100000000000000000001", False, False, True),  # DeepMind's flaw
    (BIG, BIG, True, True, True),
    (b"0" + BIG, BIG, True, False, False),  # too long for a double
    (BIG[:-1] + b"8", BIG, False, False, False),
    ("٣".encode(), b"3", False, False, False),  # int() would take it
    (b"1_000", b"1000", False, False, False),
    # decimal numbers
    (b"0.3333333", b"0.33333333", True, False, True),
    (b"0.333", b"0.33333333", False, False, False),
    (b"0.33333", b"0.33333333", False, False, True),
    (b"1000000.5", b"1000000.0", True, False, False),
    (b"1e6", b"1000000.0", True, False, True),
    (b"2", b"2.0", True, False, True),
    (b".5", b"0.5", True, False, True),
    (b"5.", b"5.0", True, False, True),
    (b"1.5e3", b"1500.0", True, False, True),
    (b"1E3", b"1e3", True, False, True),
    (b"nan", b"0.5", False, False, False),
    (b"inf", b"0.5", False, False, False),
    (b"1e999", b"1e998", False, False, False),
    (b"nan", b"nan", True, True, True),
    (b"inf 1", b"inf 1.0", True, False, False),
    (b"0x1p-1", b"0.5", False, False, False),
    (b"0.5x", b"0.5", False, False, False),
    (b"1.2.3", b"1.2.4", False, False, False),
    # words
    (b"Yes", b"YES", True, False, True),
    (b"impossible", b"Impossible", True, False, True),
    (b"y", b"Y", False, False, True),
    (b"alice", b"Alice", False, False, True),
    (b"Alice", b"Alice", True, True, True),
    (b"no", b"yes", False, False, False),
    # not text
    (b"\xff\x00", b"\xff\x00", True, True, True),
    (b"\xff", b"\xfe", False, False, False),
    ("a\u00a0b".encode(), b"a b", False, False, False),  # white space is ASCII's
]


@pytest.mark.parametrize(("got", "expected", "by_default", "strictly", "by_deepmind"), CASES)
def test_by_hand(got: bytes, expected: bytes, by_default: bool, strictly: bool, by_deepmind: bool) -> None:
    assert default(got, expected) == by_default
    assert strict(got, expected) == strictly
    assert deepmind(got, expected) == by_deepmind


@pytest.mark.parametrize(
    ("got", "expected", "right"),
    [
        (b"20.0", b"20", True),
        (b"20.0000001", b"20", True),
        (b"2e1", b"20", False),  # it names no decimal place
        (b"20.1", b"20", False),
        (b"1000000001", b"1000000000", False),  # integers are compared as integers
        (b"20.0", b"020", False),
        (b"x.0", b"20", False),
        (b"nan.", b"20", False),
    ],
)
def test_a_decimal_for_an_integer_where_the_problem_has_decimals(got: bytes, expected: bytes, right: bool) -> None:
    assert default(got, expected, decimals=True) == right
    assert not default(got, expected)


@pytest.mark.parametrize(
    ("outputs", "decimals"),
    [
        ([b"20", b"7 0.5"], True),
        ([b"-1.", b"3"], True),
        ([b"1.5e-3"], True),
        ([b".5"], True),
        ([b"20", b"30"], False),
        ([b"1e5 2E3"], False),  # as likely a word
        ([b"1.2.3", b"a.5", b"0.5x", b"x=0.5", b"."], False),
        ([], False),
    ],
)
def test_a_problem_expects_decimals_where_any_output_has_one(outputs: list[bytes], decimals: bool) -> None:
    assert expects_decimals(outputs) == decimals


@pytest.mark.parametrize(
    ("got", "expected", "form_alone"),
    [
        (b"[1, 2, 3]", b"1 2 3", True),
        (b"(1, 2)", b"1 2", True),
        (b"'abc'", b"abc", True),
        (b"# . #", b"#.#", True),
        (b"123", b"1 2 3", True),
        (b"ALICE", b"Alice", True),
        (b"[1, 2, 4]", b"1 2 3", False),
        (b"(())", b"()()", False),
        (b"", b"1", False),
        (b"[]", b"", False),
        (b"[]", b"()", False),
        (b"1.5", b"15", False),
        (b"-1", b"1", False),
        (b"Answer: 3", b"3", False),
    ],
)
def test_what_is_wrong_in_form_alone(got: bytes, expected: bytes, form_alone: bool) -> None:
    assert presentation(got, expected) == form_alone
    assert not default(got, expected)


outputs = st.one_of(
    st.binary(max_size=40),
    st.lists(
        st.one_of(
            st.integers().map(str),
            st.floats().map(str),
            st.sampled_from(["Yes", "NO", "abc", "007", "1e5", "-0", "nan", "[1,", "2]"]),
        ),
        max_size=6,
    ).map(lambda tokens: " ".join(tokens).encode()),
)


@given(outputs)
def test_whatever_it_is_it_equals_itself(output: bytes) -> None:
    assert default(output, output)
    assert strict(output, output)
    assert deepmind(output, output)


@given(outputs, outputs)
def test_what_is_strictly_right_is_right(got: bytes, expected: bytes) -> None:
    if strict(got, expected):
        assert default(got, expected)


@given(outputs, outputs)
def test_tokens_are_the_same_however_many_are_taken_at_a_time(got: bytes, expected: bytes) -> None:
    whole = [rule(got, expected) for rule in (default, deepmind)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(checker, "CHUNK", 1)
        assert [rule(got, expected) for rule in (default, deepmind)] == whole


@given(outputs, st.sampled_from([b" ", b"\n", b"\t", b"\r\n", b"  \n "]))
def test_white_space_only_separates(output: bytes, space: bytes) -> None:
    assert default(space + space.join(output.split()) + space, output)


@given(outputs, outputs.filter(lambda output: bool(output.split())))
def test_what_is_added_is_seen(output: bytes, added: bytes) -> None:
    assert not default(output + b"\n" + added, output)
    assert not strict(output + b"\n" + added, output)


@given(st.integers(), st.integers())
def test_integers_are_equal_as_integers(left: int, right: int) -> None:
    assert default(b"%d" % left, b"%d" % right) == (left == right)
    assert default(b"%+05d" % left, b"%d" % left)


@given(st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12))
def test_decimal_numbers_are_close_or_not(left: int, right: int) -> None:
    got, expected = Fraction(left, 10**7), Fraction(right, 10**7)
    error = abs(got - expected) / max(Fraction(1), abs(expected))
    if abs(error - Fraction(1, 10**6)) > Fraction(1, 10**12):  # doubles cannot tell
        assert default(f"{float(got):.7f}".encode(), f"{float(expected):.7f}".encode()) == (error < Fraction(1, 10**6))


def test_ten_megabytes_take_a_moment() -> None:
    expected = b"\n".join(b"%d" % number for number in range(1_000_000, 2_250_000)) + b"\n999999"
    got = expected.replace(b"\n", b" ").replace(b" 11", b" 011")
    began = time.process_time()
    assert default(got, expected)
    assert not default(got[:-1] + b"8", expected)
    assert not strict(got, expected)
    assert time.process_time() - began < 10


LONG = 300_000
PATIENCE_S = 5.0


@pytest.mark.parametrize(
    "got",
    [
        b"0" * LONG + b"x",
        b"1" * LONG + b"x",
        b"+" * LONG,
        b"1" * LONG + b"." + b"1" * LONG + b"x",
        b"." + b"1" * LONG + b"x",
        b"1e" + b"1" * LONG + b"x",
        b"nan(" + b"n" * LONG,
        b"inf" * LONG,
        b" \n" * LONG,
        b"1\n" * LONG,
        b"[" * LONG,
        b" " * LONG + b"x\n" + b" " * LONG,
    ],
    ids=lambda got: got[:8].decode(),
)
@pytest.mark.parametrize("expected", [b"7", b"0.5", b"yes", b"nan", b"1 1 1 1", b""])
def test_no_output_takes_long(got: bytes, expected: bytes) -> None:
    began = time.process_time()
    for rule in (default, strict, deepmind, presentation):
        rule(got, expected)
    default(got, expected, decimals=True)
    expects_decimals([got])
    assert time.process_time() - began < PATIENCE_S


@pytest.mark.parametrize("space", [b" ", b"\n", b"\f"])
def test_no_more_tokens_are_made_than_the_right_output_has(space: bytes) -> None:
    got = (b"1" + space) * 10 * LONG
    tracemalloc.start()
    for rule in (default, strict, deepmind):
        assert not rule(got, b"1 1 1")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * len(got)


def test_a_token_of_ten_megabytes_takes_a_moment() -> None:
    began = time.process_time()
    digits = b"1" * 10**7
    assert default(b"0" + digits, digits)
    assert not default(digits[1:], digits)
    assert not default(digits + b".5", digits + b".0")
    assert not deepmind(digits, digits + b".5")
    assert time.process_time() - began < 5
