"""Where the bundled model and its mini contest come from: `python -m tools.tiny.bake` makes the data from `problems`,
`python -m tools.tiny.pretrain` the model from `corpus`."""
