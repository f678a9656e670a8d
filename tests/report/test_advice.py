"""Advice fires on evidence, shows it, and else keeps quiet."""

from qwenlab.evaluation.programs.verdict import Verdict
from qwenlab.recipe import Recipe
from qwenlab.report.advice import TrainingFacts, advise
from qwenlab.report.criteria import Stability
from qwenlab.report.evidence import curve, stability
from qwenlab.report.schema import Advice, Attempt, Metric
from qwenlab.runs.events import Event, Note
from qwenlab.stats.paired import compare
from qwenlab.stats.types import NotMeasured
from tests.report.reports import CONTEST, answered, attempt, events, memory_note, row
from tests.stats.tables import table

STEADY = [(step, 1.0 - step / 200) for step in range(1, 101)]
FALLING = [(0, 2.0), (50, 1.0), (100, 0.98)]


def of_training(*found: Event) -> tuple[Advice, ...]:
    return advise(TrainingFacts(list(found), Recipe()), {})


def of_answers(faulty: Attempt, count: int, of: int) -> tuple[Advice, ...]:
    rows = [row(tuned=faulty if number < count else attempt(Verdict.AC)) for number in range(of)]
    return advise(None, {CONTEST: answered(rows)})


def test_a_healthy_run_gets_no_advice() -> None:
    assert of_training(*events(FALLING, STEADY)) == ()


def test_nothing_is_known_and_nothing_is_said() -> None:
    assert advise(None, {}) == ()
    assert of_training() == ()


def test_memory() -> None:
    [found] = of_training(memory_note(0, 4, 2), memory_note(10, 2, 1))
    assert found.about == "memory"
    assert "micro-batch 4 to 2" in found.evidence
    assert "(step 10)" in found.evidence
    assert "train.per_device_train_batch_size = 1" in found.text
    effective = Recipe().train.effective_batch_size
    assert f"train.gradient_accumulation_steps = {effective}" in found.text


def test_overfitting_is_a_validation_loss_that_rose() -> None:
    [found] = of_training(*events([(0, 2.0), (300, 0.41), (600, 0.45), (900, 0.52)]))
    assert found.about == "overfitting"
    assert found.evidence == "validation loss rose from 0.41 at step 300 to 0.52 at step 900"
    assert "fewer epochs" in found.text


def test_the_rise_is_counted_from_the_training_and_not_from_its_start() -> None:
    """The untrained model may have the lowest loss of all; that is no overfitting."""
    assert of_training(*events([(0, 0.1), (50, 1.0), (100, 0.99)])) == ()


def test_a_rise_near_zero_is_nothing() -> None:
    assert of_training(*events([(0, 1.0), (20, 0.0140), (40, 0.0175)])) == ()


def test_overfitting_is_also_a_gap_once_validation_no_longer_falls() -> None:
    falls = [(step, 1.0 - step / 110) for step in range(1, 101)]
    [found] = of_training(*events([(0, 2.0), (50, 0.60), (100, 0.61)], falls))
    assert found.about == "overfitting"
    assert "stopped falling at step 50" in found.evidence
    assert found.evidence.endswith("and ended at 0.61, beside a training loss of 0.132")


def test_slow_convergence_is_a_training_loss_that_hardly_fell() -> None:
    [found] = of_training(*events([], [(step, 1.0 - step / 10_000) for step in range(1, 101)]))
    assert found.about == "slow convergence"
    assert found.evidence == "training loss went from 0.999 to 0.99 in 100 steps"
    assert "from 0.0002 to 0.0003" in found.text


def test_slow_convergence_is_also_a_validation_loss_that_still_fell_at_the_end() -> None:
    [found] = of_training(*events([(0, 2.0), (50, 1.0), (100, 0.8)], STEADY))
    assert found.about == "slow convergence"
    assert "still falling at the end: from 1 at step 50 to 0.8 at step 100" in found.evidence


def test_too_short_a_curve_says_nothing_about_its_pace() -> None:
    assert of_training(*events([], [(step, 1.0) for step in range(1, 6)])) == ()


def test_answers_that_were_cut() -> None:
    [found] = of_answers(attempt(None, "cut before a program", found="", truncated=True, tokens=2048), 31, 100)
    assert found.about == "poor generation"
    assert found.evidence == "31 of 100 answers of the tuned model were truncated at 2,048 tokens"
    assert "evaluate.max_new_tokens" in found.text


def test_answers_that_were_cut_while_thinking() -> None:
    cut = attempt(None, "cut while thinking", found="", truncated=True, cut_thinking=True, tokens=8192)
    [found] = of_answers(cut, 12, 100)
    assert found.evidence == "12 of 100 answers of the tuned model were cut while thinking, at 8,192 tokens"
    assert "Raise evaluate.max_thinking_tokens" in found.text
    [base] = advise(None, {CONTEST: answered([row(tuned=attempt(Verdict.AC), base=cut)] * 5)})
    assert base.evidence == "5 of 5 answers of the base were cut while thinking, at 8,192 tokens"


def test_answers_without_code_or_that_do_not_parse_or_in_a_wrong_form() -> None:
    for cause, words in [
        ("no code in the answer", "hold no program"),
        ("does not parse", "does not parse"),
        ("right values, wrong form", "wrong form"),
    ]:
        [found] = of_answers(attempt(Verdict.WA, cause), 3, 10)
        assert found.about == "poor generation"
        assert words in found.evidence


def test_one_or_two_answers_are_an_accident() -> None:
    assert of_answers(attempt(Verdict.WA, "does not parse"), 2, 4) == ()


def of_change(metric: Metric, both: int, gained: int, lost: int, cause: str | None = None) -> tuple[Advice, ...]:
    """Of 20 problems."""
    rows = [row(tuned=attempt(Verdict.WA, cause))] * 20
    return advise(None, {CONTEST: answered(rows, {metric: compare(*table(both, gained, lost, 20))})})


def test_a_format_that_was_unlearned() -> None:
    [found] = of_change("generation", both=5, gained=0, lost=10)
    assert found.about == "poor generation"
    assert found.evidence == "problems with a program went from 15 to 5 of 20"
    assert of_change("generation", both=15, gained=0, lost=1) == ()
    assert of_change("generation", both=5, gained=10, lost=0) == ()


def test_programs_that_run_and_are_as_wrong_as_before() -> None:
    [found] = of_change("pass", both=2, gained=2, lost=1, cause="wrong answer")
    assert found.about == "poor generation"
    assert "more examples of code" in found.text
    assert "20 of 20 answers" in found.evidence
    assert found.evidence.endswith("problems solved went from 3 to 4 of 20")
    assert of_change("pass", both=2, gained=10, lost=0, cause="wrong answer") == ()
    assert of_change("pass", both=2, gained=2, lost=1, cause="time limit") == ()


def test_a_fault_in_few_answers_is_not_worth_a_setting() -> None:
    assert of_answers(attempt(Verdict.WA, "does not parse"), 4, 40) == ()
    assert len(of_answers(attempt(Verdict.WA, "does not parse"), 5, 40)) == 1


def test_the_curve_leaves_out_what_is_not_a_number() -> None:
    found = curve(events([(0, 1.0), (10, 0.5), (20, 0.7)], [(1, 1.0), (2, float("nan")), (3, 0.9)]))
    assert found.train == ((1, 1.0), (3, 0.9))
    assert found.best_step == 10


def test_the_best_step_is_one_of_the_training() -> None:
    """At its start there is no adapter yet."""
    assert curve(events([(0, 0.1), (10, 0.5), (20, 0.4)])).best_step == 20
    assert curve(events([(0, 0.1)])).best_step is None


def test_stability_counts_each_spike_once() -> None:
    """A resumed run notes again what it had noted before it was killed."""
    spike, other = (Note(step=7, about=about, text="") for about in ("spike", "early_stopping"))
    assert stability([*events([(0, 1.0), (10, 0.5)]), spike, spike, other]) == Stability(spikes=1, converged=True)


def test_stability_without_validation_looks_at_the_training_loss() -> None:
    up = [(step, 1.0 + step / 100) for step in range(1, 21)]
    assert stability(events([], up)) == Stability(spikes=0, converged=False)
    assert stability(events([(0, 1.0), (10, 1.5)], STEADY)) == Stability(spikes=0, converged=False)
    assert isinstance(stability([]), NotMeasured)


def test_what_must_not_be_lost_and_was_lost_is_forgetting() -> None:
    sentence = "Functions: worse, 46 to 0 of 60"
    lost = answered([]).model_copy(update={"aim": "retention", "verdict": "worse", "sentence": sentence})
    kept = lost.model_copy(update={"verdict": "kept"})
    target = lost.model_copy(update={"aim": "target"})
    [found] = advise(None, {"a": kept, "b": lost, "c": target})
    assert (found.about, found.evidence) == ("forgetting", sentence)
    [gentler] = advise(TrainingFacts([], Recipe()), {"b": lost})
    assert "train.learning_rate below 0.0002" in gentler.text
    assert advise(None, {"a": kept, "c": target}) == ()
