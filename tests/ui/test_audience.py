"""How often a page asks: seldom where many look, and a browser that has gone does not count."""

from pytest import approx

from qwenlab.ui.polling import FORGOTTEN, POLL_SECONDS, SECONDS_A_BROWSER, Audience


class Time:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_few_browsers_ask_often_and_many_share() -> None:
    audience = Audience(Time())
    assert [audience.pace(str(number)) for number in range(4)] == [POLL_SECONDS] * 4
    paces = [audience.pace(str(number)) for number in range(30)]
    assert paces == sorted(paces) and 30 / paces[-1] == approx(1 / SECONDS_A_BROWSER), "all of them together"
    assert audience.pace("0") == paces[-1], "asking again makes nobody more"


def test_who_asks_no_more_is_forgotten() -> None:
    time = Time()
    audience = Audience(time)
    slowest = max(audience.pace(str(number)) for number in range(30))
    time.seconds = 2 * slowest
    assert audience.pace("0") == slowest, "one question that is late is nothing"
    time.seconds = (FORGOTTEN + 0.1) * slowest
    assert audience.pace("0") == POLL_SECONDS
