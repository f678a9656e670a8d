"""The bundled mini contest: 200 problems that the tiny Qwen and its training data have not seen."""

from qwenlab.evaluation.programs.load import Problems, load_problems
from qwenlab.tiny import TEST_FILE

CONTAMINATION = "The mini contest's test split shares no program and no sentence with what the tiny Qwen saw."


def problems() -> Problems:
    return load_problems(TEST_FILE)
