"""The columns room: the same questions put to several models, their answers side by side in a terminal.

`questions` are where they come from, `answers` who gives the answers, `screen` how they look, `verdicts` what became of
the programs in them, and `choice` asks which is better without telling whose is whose. No torch: models in memory
answer by `qwenlab.model.columns`.
"""
