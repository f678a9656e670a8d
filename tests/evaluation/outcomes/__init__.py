"""Result files that the tools themselves wrote, in data/, by the commands of docs/weigh.md on eight items of our own.

`lm_eval/` is of lm-eval 0.4.13, all items; `inspect/` of Inspect 0.3.285, the first six, three of them in two epochs at
temperature 1.5, and one in the format `.json`. Base and tuned are the bundled model before and after 16 steps.
"""

from pathlib import Path

DATA = Path(__file__).parent / "data"

LM_EVAL_BASE = DATA / "lm_eval" / "base" / "samples_programs_2026-11-27T14-26-23.125383.jsonl"
LM_EVAL_TUNED = DATA / "lm_eval" / "tuned" / "samples_programs_2026-11-27T14-26-48.948646.jsonl"
INSPECT = DATA / "inspect"
