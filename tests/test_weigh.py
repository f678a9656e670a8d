"""`python -m qwenlab.weigh` and `ql.weigh`: two files of per-item results, and the sentence of an evaluation."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

import qwenlab as ql
from qwenlab.report.weighed import Weighed
from qwenlab.stats.types import Comparison, DetectableDifference, DetectableGain, ScoreComparison
from qwenlab.weigh import main
from tests.conftest import Verb
from tests.evaluation.outcomes import INSPECT, LM_EVAL_BASE, LM_EVAL_TUNED


def test_samples_of_lm_eval(verb: Verb, tmp_path: Path) -> None:
    report = tmp_path / "out" / "weighed.json"
    answer = verb("weigh", LM_EVAL_BASE, LM_EVAL_TUNED, "--score", "exact_match,fenced", "--report", report)
    assert answer.returncode == 0, answer.stderr
    assert f"tuned  {LM_EVAL_TUNED}: lm-eval, task programs, exact_match,fenced, 8 items" in answer.stdout
    assert "\nImproved: 0 to 7 of 8, p = 0.016\n" in answer.stdout
    assert "difference +87.5 points, 95 % interval +50.0 to +100.0" in answer.stdout
    assert "gained: 7 (0, 1, 2, 3, 4, …)\nlost: none\n8 problems: minimum detectable effect" in answer.stdout

    found = Weighed.model_validate_json(report.read_text(encoding="utf-8"))
    assert found.sentence == "Improved: 0 to 7 of 8, p = 0.016" and found.notes == ()
    assert isinstance(found.comparison, Comparison) and isinstance(found.detectable, DetectableGain)
    assert found.gained == ("0", "1", "2", "3", "4", "5", "6")
    assert found.base.items == found.tuned.items == 8


def test_of_several_filters_one_has_to_be_named(verb: Verb) -> None:
    answer = verb("weigh", LM_EVAL_BASE, LM_EVAL_TUNED)
    assert answer.returncode == 2
    assert "share several scores: exact_match,fenced; exact_match,anywhere." in answer.stderr
    assert "Name one: --score exact_match,fenced" in answer.stderr


def test_logs_of_inspect() -> None:
    found = ql.weigh(INSPECT / "base.eval", INSPECT / "tuned.eval", score="includes")
    assert found.sentence == "Improved: 0 to 6 of 6, p = 0.031"
    assert found.lost == found.base_alone == found.tuned_alone == found.without_score == ()


def test_epochs_are_scores_between_right_and_wrong() -> None:
    found = ql.weigh(INSPECT / "base_two_epochs.eval", INSPECT / "tuned_two_epochs.eval", score="includes")
    assert found.sentence == "Not shown: 0.0 % to 16.7 % over 3 problems, p = 1"
    assert isinstance(found.comparison, ScoreComparison) and isinstance(found.detectable, DetectableDifference)
    assert found.gained == ("program-1",)
    never_right = ql.weigh(INSPECT / "base_two_epochs.eval", INSPECT / "tuned_two_epochs.eval", score="exact")
    assert never_right.sentence == "Not shown: 0.0 % to 0.0 % over 3 problems, no problem changed, p = 1"


def table(path: Path, lines: Iterable[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def test_two_columns_of_one_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"a{number},{int(number < 2)},{int(number < 9)}" for number in range(12)]
    file = table(tmp_path / "answers.csv", ["id,was right,is right", *rows])
    main(file, base_column="was right", tuned_column="is right")
    said = capsys.readouterr().out
    assert "Improved: 2 to 9 of 12, +350 % relative, p = 0.016" in said
    assert "gained: 7 (a2, a3, a4, a5, a6, …)" in said


def test_what_one_file_alone_has_or_has_no_score_is_counted_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = table(tmp_path / "base.csv", ["q,right", "x1,1", "x2,0", "x3,1", "x10,"])
    tuned = table(tmp_path / "tuned.csv", ["q,right", "x4,1", "x2,1", "x3,0", "x10,1"])
    main(base, tuned, id_="q")
    said = capsys.readouterr().out
    assert f"in {base} alone, left out: 1 (x1)" in said and f"in {tuned} alone, left out: 1 (x4)" in said
    assert "without a score on one side, left out: 1 (x10)" in said
    assert "Not shown: 1 to 1 of 2, 1 gained and 1 lost, p = 1" in said
    assert "gained: 1 (x2)\nlost: 1 (x3)" in said
    assert "2 problems are too few to show any gain" in said


def test_the_order_of_a_file_changes_nothing(tmp_path: Path) -> None:
    lines = LM_EVAL_TUNED.read_text(encoding="utf-8").splitlines()
    turned = table(tmp_path / LM_EVAL_TUNED.name, reversed(lines))
    first, second = (ql.weigh(LM_EVAL_BASE, file, score="exact_match,fenced") for file in (LM_EVAL_TUNED, turned))
    assert (first.comparison, first.gained) == (second.comparison, second.gained)


def test_the_same_file_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ql.UserError, match="is given twice"):
        ql.weigh(LM_EVAL_BASE, LM_EVAL_BASE)
    copy = shutil.copy(LM_EVAL_BASE, tmp_path / "copy.jsonl")
    with pytest.raises(ql.UserError, match="are the same file"):
        ql.weigh(LM_EVAL_BASE, copy, score="exact_match,fenced")


def test_answers_of_a_server_that_ignores_the_adapter_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / LM_EVAL_BASE.name
    copy.write_bytes(LM_EVAL_BASE.read_bytes().rstrip())
    main(LM_EVAL_BASE, copy, score="exact_match,fenced")
    assert "All 8 answers are the same, letter for letter." in capsys.readouterr().out


def test_other_prompts_and_other_tasks(tmp_path: Path) -> None:
    content = LM_EVAL_TUNED.read_text(encoding="utf-8")
    asked = tmp_path / LM_EVAL_TUNED.name
    asked.write_text(content.replace('"prompt_hash": "', '"prompt_hash": "0'), encoding="utf-8")
    (note,) = ql.weigh(LM_EVAL_BASE, asked, score="exact_match,fenced").notes
    assert note.startswith("8 of 8 items were asked in other words")
    other = asked.rename(tmp_path / LM_EVAL_TUNED.name.replace("programs", "sums"))
    with pytest.raises(ql.UserError, match="different tasks: programs and sums"):
        ql.weigh(LM_EVAL_BASE, other, score="exact_match,fenced")


def test_items_that_changed_between_the_files_are_told(tmp_path: Path) -> None:
    changed = tmp_path / LM_EVAL_TUNED.name
    lines = [json.loads(line) for line in LM_EVAL_TUNED.read_text(encoding="utf-8").splitlines()]
    table(changed, (json.dumps(line | ({"doc_hash": "new"} if line["doc_id"] == 3 else {})) for line in lines))
    found = ql.weigh(LM_EVAL_BASE, changed, score="exact_match,fenced")
    assert (found.comparison.n, found.base_alone, found.tuned_alone) == (7, ("3",), ("3",))
    assert found.notes[0].startswith("1 item has the same name in both files and another content")


def test_a_score_and_columns_do_not_go_together() -> None:
    with pytest.raises(ql.UserError, match="--score names what both files have"):
        ql.weigh(LM_EVAL_BASE, LM_EVAL_TUNED, score="a", base_column="b")
