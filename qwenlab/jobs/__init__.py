"""The jobs that the command line, the browser and a notebook share: each module tells the story of one.

No torch at import. Where a job needs it, it chooses the engine first and imports what stands on torch after that.
"""

import os
import sys


def leave_torch_out() -> None:
    """For a process that needs tokenizers alone: they do without torch, which takes seconds and half a gigabyte.

    To be called before transformers is imported; nothing in the process can use torch after it.
    """
    sys.modules["torch"] = None  # type: ignore[assignment]
    os.environ["TRANSFORMERS_NO_ADVISORY_WARNINGS"] = "1"  # it would say that no model can be loaded
