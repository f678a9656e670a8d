"""How long the command line takes to answer: `--help`, and a recipe with three faults.

    python -m bench.startup

Each command is started several times in turn with an empty Python process, which is what starting costs anyway.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPEATS = 11
FAULTY = "[train]\nlearning_rat = 1\nseed = -1\n[lora]\nr = 0\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder) / "faulty.toml"
        recipe.write_text(FAULTY, encoding="utf-8")
        commands = {
            "an empty Python process": ["-c", "pass"],
            "train --help": ["-m", "qwenlab.train", "--help"],
            "train with three faults": ["-m", "qwenlab.train", str(recipe)],
            "prepare --help": ["-m", "qwenlab.prepare", "--help"],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(REPEATS + 1):
            for name, arguments in commands.items():
                begun = time.perf_counter()
                subprocess.run([sys.executable, *arguments], capture_output=True, check=False)
                times[name].append(time.perf_counter() - begun)
    print(f"seconds, {REPEATS} times in turn after one to warm up: min, median, max")
    for name, measured in times.items():
        warm = measured[1:]
        print(f"{name:26}{min(warm):7.3f}{statistics.median(warm):7.3f}{max(warm):7.3f}")


if __name__ == "__main__":
    main()
