"""Constraints and the hand-labelled answers that they are held to."""
