"""Programs that a model writes: problems with hidden tests, the prompt that asks, the judge that runs the answer."""

from qwenlab.evaluation.programs.problem import Problem, Test
from qwenlab.evaluation.programs.prompt import prompt, training_row

__all__ = ["Problem", "Test", "prompt", "training_row"]
