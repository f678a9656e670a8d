"""What base and tuned are asked, suite by suite, and whether their answers are right. No torch."""
