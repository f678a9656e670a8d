"""Drift right after a training, on the model that is in memory. It is no reason for a run to fail."""

import traceback

from qwenlab.errors import UserError
from qwenlab.evaluation.drift import measure
from qwenlab.inference.load import adapter_sha256
from qwenlab.inference.trained import TrainedReader
from qwenlab.report.drift import sentence
from qwenlab.runs import Run
from qwenlab.runs.events import Note
from qwenlab.runs.mode import trained_mode
from qwenlab.runs.output import Output
from qwenlab.training.load import LoadedModel
from qwenlab.training.memory import first_line


def tell_drift(run: Run, trained: LoadedModel, output: Output) -> None:
    """Measure the drift of the adapter that the run has delivered, write it to its folder, and say it in a line.

    Whatever goes wrong, Ctrl-C included, becomes a note: the adapter is delivered, and an evaluation can measure it.
    """
    output.say("measuring drift: base and tuned read neutral conversations")
    try:
        trained.fill_adapter(run.adapter)  # the best one need not be the one that is in memory
        found = measure(TrainedReader(trained), "tuned", trained_mode(run), adapter_sha256(run.adapter))
        found.write(run.drift_file)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001
        if not isinstance(error, UserError | KeyboardInterrupt):
            output.log(traceback.format_exc())
        why = "interrupted" if isinstance(error, KeyboardInterrupt) else first_line(error) or type(error).__name__
        text = f"drift was not measured: {why}"
        run.log.write(Note(step=run.read().step, about="drift", text=text))
        output.say(text)
    else:
        output.say(sentence(found))
