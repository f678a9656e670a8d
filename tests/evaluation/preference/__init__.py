"""A judge model: its prompt, its replies, its opinions."""
