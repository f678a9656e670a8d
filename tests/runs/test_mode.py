"""The mode in which a run is asked: the one that it was trained in, by both of its records."""

from pathlib import Path

import pytest

from qwenlab.errors import UserError
from qwenlab.recipe import Recipe
from qwenlab.runs import Run
from qwenlab.runs.mode import check_mode, check_modes, modes_differ

MODEL = {
    "name": "tiny",
    "resolved": "/tiny",
    "revision": None,
    "sha256": "a",
    "template_sha256": "b",
    "trainable_parameters": 1,
    "parameters": 1,
}


def make(runs: Path, name: str, asked: bool | None, data: str | None) -> Run:
    """`asked` is of run.json; `data` is the content of data.json, where there is one."""
    run = Run.create(runs, Recipe(), name)
    run.update(model=MODEL | {"thinking": asked})
    if data is not None:
        run.data_file.write_text(data, encoding="utf-8")
    return run


@pytest.mark.parametrize(
    ("asked", "data"),
    [
        (True, '{"thinking": true, "source": "x.jsonl"}'),
        (False, '{"thinking": false}'),
        (None, '{"thinking": null}'),
        (None, '{"source": "of an older edition"}'),
        (True, None),
        (None, None),
    ],
)
def test_a_run_is_asked_as_it_was_trained(tmp_path: Path, asked: bool | None, data: str | None) -> None:
    assert check_mode(make(tmp_path, "run", asked, data)) is asked


@pytest.mark.parametrize(
    ("asked", "data", "words"),
    [
        (False, '{"thinking": true}', ("thinking off", "thinking on")),
        (True, '{"thinking": false}', ("thinking on", "thinking off")),
        (None, '{"thinking": true}', ("no thinking mode", "thinking on")),
        (True, '{"source": "of an older edition"}', ("thinking on", "no thinking mode")),
    ],
)
def test_a_mode_that_was_changed_is_refused_by_both_files(
    tmp_path: Path, asked: bool | None, data: str, words: tuple[str, str]
) -> None:
    run = make(tmp_path, "run", asked, data)
    with pytest.raises(UserError) as caught:
        check_mode(run)
    first, _, second = caught.value.message.partition(str(run.data_file))
    assert str(run.record_file) in first
    assert words[0] in first and words[1] in second


def test_a_run_that_no_model_was_recorded_of_has_its_data_s_mode(tmp_path: Path) -> None:
    run = Run.create(tmp_path, Recipe(), "run")
    assert check_mode(run) is None
    run.data_file.write_text('{"thinking": true}', encoding="utf-8")
    assert check_mode(run) is True


def test_the_base_is_asked_as_the_first_of_several_runs(tmp_path: Path) -> None:
    on, off = make(tmp_path, "on", True, None), make(tmp_path, "off", False, None)
    modes = check_modes({"on": on, "off": off})
    assert modes == {"base": True, "on": True, "off": False}
    assert modes_differ(modes).endswith("(base: thinking on, on: thinking on, off: thinking off).")
    assert modes_differ(check_modes({"on": on})) == ""
