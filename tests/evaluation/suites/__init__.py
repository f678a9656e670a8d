"""Suites: what ships, what is read of other files, and which rows are told."""
