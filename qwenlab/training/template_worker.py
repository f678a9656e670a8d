"""Renders a chat template that nobody knows, in a process with little time and memory. Run as a text, not imported.

Standard input is the template; the exit code says what became of it. An error of the template's own is none here: it is
told where a conversation is rendered.
"""

import json
import resource
import sys
from pathlib import Path
from typing import Any

CPU_S = 5
MEMORY = 2**30
"""Seconds, and bytes, that all renderings together may take, beside what the libraries take."""

LONGEST = 1_000_000
"""Characters of a rendering: the conversations have some hundred."""

TOO_MUCH = 3

USER = {"role": "user", "content": "How many eggs are in a dozen?"}
ANSWER = {"role": "assistant", "content": "Twelve."}
THOUGHT = ANSWER | {"reasoning_content": "A dozen is twelve."}
SYSTEM = {"role": "system", "content": "You are brief."}
CONVERSATIONS: tuple[list[dict[str, Any]], ...] = (
    [USER],
    [SYSTEM, USER],
    [USER, ANSWER],
    [USER, THOUGHT, USER],
    [SYSTEM, *[USER, ANSWER] * 20],
    [],
)


def main() -> None:
    """Exit code 0: all were rendered, or refused by the template; `TOO_MUCH`, or a signal: it took too much."""
    sys.path[:] = json.loads(sys.argv[1])
    from transformers.utils.chat_template_utils import render_jinja_template

    template = sys.stdin.read()
    now = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, now + MEMORY))
    spent = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(spent.ru_utime + spent.ru_stime) + CPU_S
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for messages in CONVERSATIONS:
        for switches in ({}, {"enable_thinking": True}, {"enable_thinking": False}):
            for opening in (False, True):
                try:
                    texts, _ = render_jinja_template(
                        [messages], chat_template=template, add_generation_prompt=opening, **switches
                    )
                except MemoryError:
                    sys.exit(TOO_MUCH)
                except Exception:  # noqa: BLE001
                    continue
                if len(texts[0]) > LONGEST:
                    sys.exit(TOO_MUCH)


if __name__ == "__main__":
    main()
