"""What prints a figure: speed, memory, start-up. Ratios within one run; nothing here is a test."""
