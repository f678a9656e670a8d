"""A process that compares expressions with math-verify, line by line; run as a text, it imports nothing of ours.

Reads `[gold, answer]` in JSON and answers `1` or `0`. It begins with a line of its own once it can be asked. What it is
given can make SymPy work for ever or fill the memory, so it limits itself; who asks watches the clock.
"""

import json
import logging
import os
import resource
import sys

CPU_S = 15
"""For one comparison. More than who asks waits: it ends a worker that nobody waits for any more."""

MEMORY = 2 << 30
"""Bytes of address space; SymPy itself takes a quarter."""

NOBODY = 65534


def main() -> None:
    sys.path[:] = json.loads(sys.argv[1])
    import sympy
    from latex2sympy2_extended import NormalizationConfig
    from math_verify import LatexExtractionConfig, parse, verify

    logging.disable(logging.CRITICAL)
    # Units are none of its business: it would take the variable of `2c` for one, and that of `3t`.
    normal = NormalizationConfig(basic_latex=True, units=False, malformed_operators=True, nits=True, boxed="none")
    as_latex = [LatexExtractionConfig(normalization_config=normal)]

    def are_equal(gold: str, answer: str) -> bool:
        read = [
            parse(f"${side}$", as_latex, fallback_mode="no_fallback", parsing_timeout=None) for side in (gold, answer)
        ]
        # Twelve digits: its default of six takes .0000672 for .0000673, and 0.333333 for 1/3.
        return bool(all(read) and verify(*read, float_rounding=12, timeout_seconds=None, allow_set_relation_comp=True))

    are_equal(r"\sqrt{12}", r"2\sqrt{3}")  # what is imported late is imported now
    _give_up_rights([os.__file__, sympy.__file__])
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print("ready", flush=True)
    for line in sys.stdin:
        used = resource.getrusage(resource.RUSAGE_SELF)
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + CPU_S, resource.RLIM_INFINITY))
        try:
            answer = are_equal(*json.loads(line))
        except Exception:  # noqa: BLE001  (whatever an expression does to SymPy, it is not shown to be right)
            answer = False
        print(int(answer), flush=True)


def _give_up_rights(libraries: list[str]) -> None:
    """Root becomes nobody, unless nobody cannot read the libraries, of which some are imported late."""
    if os.geteuid() != 0:
        return
    os.seteuid(NOBODY)
    readable = all(os.access(library, os.R_OK, effective_ids=True) for library in libraries)
    os.seteuid(0)
    if readable:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


if __name__ == "__main__":
    main()
