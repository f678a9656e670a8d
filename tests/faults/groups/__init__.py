"""One module for each group, with what `tests.faults.group.Group` names, and `attempts`."""
