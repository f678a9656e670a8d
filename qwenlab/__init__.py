"""qwenlab: fine-tune Qwen on one consumer GPU, and know whether it helped."""

__version__ = "0.1.0"
