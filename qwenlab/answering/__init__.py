"""Who answers: a model in memory or an OpenAI-compatible server, behind one protocol. No torch."""
