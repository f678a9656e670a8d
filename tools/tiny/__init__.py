"""Where the bundled model and what it is asked come from: `python -m tools.tiny.bake` makes the data from `problems`
and `functions`, `python -m tools.tiny.pretrain` the model from `corpus`."""
