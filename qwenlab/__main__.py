"""`python -m qwenlab VERB ...` is `qwenlab VERB ...`."""

from qwenlab import cli

cli.main()
