"""Which sandbox judges: the first that is select, else the next, else none, and then what mends it is said."""

import platform
from pathlib import Path

import pytest

from qwenlab.errors import UserError
from qwenlab.evaluation.programs.sandbox.interpreter import Interpreter, judging_interpreter
from qwenlab.evaluation.programs.sandbox.plan import Plan, Unavailable
from qwenlab.evaluation.programs.selfcheck import select
from qwenlab.evaluation.programs.selfcheck.programs import PRIVATE_FILES, TRIALS
from qwenlab.evaluation.programs.selfcheck.run import self_check
from qwenlab.evaluation.programs.selfcheck.select import Backend, FitSandbox, NoSandbox, fit_sandbox

MISSING = Backend("missing", lambda interpreter: Unavailable("It is not installed.", "install it"), lambda reason: "")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A self-check of three programs."""
    trials = [
        trial for trial in TRIALS if trial.name in ("a right answer", "a wrong answer", "the judge's environment")
    ]
    monkeypatch.setattr(select, "self_check", lambda sandbox, private: self_check(sandbox, trials, private))


def backend(plan: Plan) -> Backend:
    return Backend("good", lambda interpreter: plan, lambda reason: "")


def leaking(plan: Plan) -> Backend:
    changed = plan._replace(backend="leaking", environment=plan.environment | {"HF_TOKEN": "hf_secret"})
    return Backend("leaking", lambda interpreter: changed, lambda reason: f"mend this: {reason}")


def test_the_first_that_is_fit_judges(plan: Plan) -> None:
    with fit_sandbox([backend(plan), MISSING]) as found:
        assert isinstance(found, FitSandbox)
        assert found.self_check.fit
        assert not found.failed
        assert found.sandbox.probe().works


def test_what_is_missing_or_unfit_is_passed_over_and_named(plan: Plan) -> None:
    with fit_sandbox([MISSING, leaking(plan), backend(plan)]) as found:
        assert isinstance(found, FitSandbox)
        assert [check.backend for check in found.failed] == ["missing", "leaking"]
        assert found.failed[1].mend == "mend this: Not as expected: the judge's environment."
        assert found.self_check.backend == plan.backend


def test_without_a_fit_one_nothing_is_measured(plan: Plan) -> None:
    with fit_sandbox([MISSING, leaking(plan)]) as found:
        assert isinstance(found, NoSandbox)
    assert found.mend == "install it"
    assert "missing: It is not installed." in found.reason
    assert "leaking: Not as expected: the judge's environment." in found.reason
    assert [check.fit for check in found.attempts] == [False, False]


def test_where_a_program_could_read_the_problems_nothing_is_judged(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    trials = [trial for trial in TRIALS if trial.name == PRIVATE_FILES]
    monkeypatch.setattr(select, "self_check", lambda sandbox, private: self_check(sandbox, trials, private))
    file = Path(judging_interpreter().library) / "this.py"
    with fit_sandbox([backend(plan)], private=[file]) as found:
        assert isinstance(found, NoSandbox)
    assert "this machine's private files" in found.reason
    assert found.mend.endswith(f"Readable here: {file}")
    with fit_sandbox([backend(plan)], private=[Path(__file__)]) as found:
        assert isinstance(found, FitSandbox)


@pytest.mark.parametrize(("system", "mend"), [("Windows", "wsl --install"), ("Darwin", "Linux container")])
def test_other_systems_are_refused(system: str, mend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    with fit_sandbox() as found:
        assert isinstance(found, NoSandbox)
        assert system in found.reason
        assert mend in found.mend


def test_no_python_is_a_reason_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Interpreter:
        raise UserError("No Python.", "Install one.")

    monkeypatch.setattr(select, "judging_interpreter", none)
    with fit_sandbox() as found:
        assert found == NoSandbox(reason="No Python.", mend="Install one.")
