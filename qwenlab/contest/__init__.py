"""The contest room: problems that are judged by running programs, and the prompt that asks for those programs."""

from qwenlab.contest.problem import Problem, Test
from qwenlab.contest.prompt import prompt, training_row

__all__ = ["Problem", "Test", "prompt", "training_row"]
