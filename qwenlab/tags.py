"""The tags that Qwen's models think between, and that data sets keep reasoning in."""

OPENING, CLOSING = "<think>", "</think>"
