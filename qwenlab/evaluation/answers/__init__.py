"""Short answers: which kind a data set has, what of a text is the answer, and whether it is right."""
