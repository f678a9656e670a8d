"""What `pip install` takes: ranges that the exact set satisfies, and files beside the code."""

import re
import subprocess
import sys
import tomllib
from importlib import resources

from packaging.requirements import Requirement

from qwenlab.recipe import RECIPES
from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RANGES = [Requirement(line) for line in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["gpu"])]
DATA = ["evaluation/neutral.jsonl", *(f"evaluation/suites/{name}.jsonl" for name in ("instructions", "choices"))]
PINS = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE))


def test_the_exact_set_satisfies_every_range() -> None:
    for each in RANGES:
        version = PINS[each.name.replace("_", "-")]
        assert each.specifier.contains(version), f"{each}: requirements.txt has {version}"


def test_every_direct_dependency_has_a_range_or_is_for_developing() -> None:
    chosen, _, developing = (ROOT / "requirements.in").read_text(encoding="utf-8").partition("# Developing.")
    named = {name.replace("_", "-") for name in re.findall(r"^([\w.-]+)==", chosen, re.MULTILINE)}
    assert developing
    assert {each.name.replace("_", "-") for each in RANGES} == named


def test_what_is_read_at_run_time_lies_in_the_package() -> None:
    package = resources.files("qwenlab")
    for name in (
        "py.typed",
        "report/report.html.jinja",
        "tiny/train.jsonl.zst",
        "tiny/test.jsonl",
        "tiny/model",
        *DATA,
    ):
        assert (package / name).is_file() or (package / name).is_dir(), name
    assert {path.stem for path in RECIPES.glob("*.toml")} == {"default", "small_gpu", "fast", "tiny"}


def test_a_machine_that_only_judges_needs_what_docs_install_says() -> None:
    said = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    few = {name for name, _ in re.findall(r'"([a-z]+)>=([^"]+)"', said)}
    code = "import sys, qwenlab.judge, qwenlab.jobs.judge; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert few >= {"pydantic", "filelock"}
    assert {each.name.replace("-", "_") for each in RANGES} & set(loaded) <= few
