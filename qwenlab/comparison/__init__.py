"""The same questions put to several models, their answers side by side, and which one was preferred. No torch."""
