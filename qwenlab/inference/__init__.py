"""One base in memory, many adapters on it: batched generation, and the thread that owns the model. Needs torch.

Import it after `qwenlab.training.choose_engine`.
"""
