"""What a trained adapter can become, and the proof that the result answers as the adapter does. Needs torch."""
