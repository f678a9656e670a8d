"""What takes too long is ended, in whatever thread, and nothing else is."""

import contextlib
import threading
import time

import pytest

from qwenlab.data import deadline
from qwenlab.data.deadline import TooLongError, within


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "LOOK_S", 0.01)


def _loop() -> None:
    while True:
        pass


def test_a_loop_is_ended() -> None:
    began = time.monotonic()
    with pytest.raises(TooLongError), within(0.1):
        _loop()
    assert time.monotonic() - began < 30


def test_a_loop_in_another_thread_is_ended_and_this_one_goes_on() -> None:
    ended: list[str] = []

    def work() -> None:
        try:
            with within(0.1):
                _loop()
        except TooLongError:
            ended.append("here")

    thread = threading.Thread(target=work)
    with within(60):
        thread.start()
        thread.join()
    assert ended == ["here"]


def test_what_is_done_in_time_hears_nothing_later() -> None:
    for _ in range(100):
        with contextlib.suppress(TooLongError), within(0.02):
            time.sleep(0.02)
        for _ in range(1000):
            pass


def test_an_error_in_time_stays_that_error() -> None:
    with pytest.raises(KeyError), within(60):
        raise KeyError
