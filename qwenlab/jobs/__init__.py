"""The jobs that the command line, the browser and a notebook share: each module tells the story of one.

No torch at import. Where a job needs it, it chooses the engine first and imports what stands on torch after that.
"""
