"""The browser lab, from a clone: `python app.py` is `qwenlab lab`."""

from qwenlab import cli
from qwenlab.lab import main

if __name__ == "__main__":
    cli.run(main, "python app.py")
