"""A judge model's opinion on two answers: an opinion and no measurement, asked in both orders."""
