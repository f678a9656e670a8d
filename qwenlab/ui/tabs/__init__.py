"""One tab a file: its controls, and what happens when they are used."""
