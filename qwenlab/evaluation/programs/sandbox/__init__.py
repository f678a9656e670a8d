"""Where programs run that nobody trusts: no network, no files but the interpreter's, no processes, no way to stay.

Two backends, bubblewrap and Landlock, each with the same system call filter. A backend is a plan (`plan.Plan`) that a
launcher carries out: a small process of its own, without the judge's memory, threads, environment or rights.
"""

from qwenlab.evaluation.programs.sandbox.protocol import (
    Capabilities,
    Limits,
    Result,
    Sandbox,
    SandboxFailureError,
    Spec,
)

__all__ = ["Capabilities", "Limits", "Result", "Sandbox", "SandboxFailureError", "Spec"]
