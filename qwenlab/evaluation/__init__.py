"""Problems with hidden tests, the prompt that asks for a program, and the judge that runs it in a sandbox. No torch."""

from qwenlab.evaluation.problem import Problem, Test
from qwenlab.evaluation.prompt import prompt, training_row

__all__ = ["Problem", "Test", "prompt", "training_row"]
