"""What a resumed run must find as it was: the versions it computes with, the engine, the data, the base weights."""

from typing import Any, NamedTuple

from qwenlab.data.chat_template import template_sha256
from qwenlab.data.report import DatasetReport
from qwenlab.errors import UserError
from qwenlab.runs.mode import said
from qwenlab.runs.record import RunRecord
from qwenlab.training.engine import Engine
from qwenlab.training.environment import TRAINING_PACKAGES, versions
from qwenlab.training.source import ModelSource


class Manifest(NamedTuple):
    """The identity of everything that goes into a training besides its recipe."""

    engine: str
    versions: dict[str, str]
    data_sha256: str
    model_sha256: str
    template_sha256: str
    thinking: bool | None

    @classmethod
    def of(cls, engine: Engine, source: ModelSource, tokenizer: Any, report: DatasetReport) -> "Manifest":
        return cls(
            engine.name,
            versions(engine),
            report.sha256,
            source.sha256(),
            template_sha256(tokenizer),
            report.thinking,
        )


def check_unchanged(record: RunRecord, now: Manifest, force: bool) -> None:
    """Compare with what the run began with.

    Raises:
        UserError: names each difference, unless `force`.
    """
    differences = []
    for name in TRAINING_PACKAGES:
        before, after = record.versions.get(name), now.versions.get(name)
        if record.versions and before != after:
            differences.append(f"{name} was {before} and is {after}")
    if record.engine and record.engine.name != now.engine:
        differences.append(f"the engine was {record.engine.name} and is {now.engine}")
    if record.data_sha256 not in (None, now.data_sha256):
        differences.append("the data has changed")
    if record.model and record.model.sha256 != now.model_sha256:
        differences.append("the base weights have changed")
    if record.model and record.model.template_sha256 != now.template_sha256:
        differences.append("the chat template has changed")
    if record.model and record.model.thinking not in (None, now.thinking):
        differences.append(f"it had {said(record.model.thinking)} and has {said(now.thinking)}")
    if differences and not force:
        raise UserError(
            "This is not what the run began with: " + "; ".join(differences) + ".",
            "Restore it, or go on all the same with --force.",
        )
