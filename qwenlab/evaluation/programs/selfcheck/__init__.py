"""The judge is self-tested before every scoring: known good passes, known bad fails, hostile is contained."""
