"""The data room: from a file, a folder or a hub data set to conversations to train on and to validate on.

`load` tells the story: read, map the columns, clean, split, look for leakage. All of it is polars, columns at a time;
torch and transformers are not needed. What happened on the way is a `DatasetReport`: rows in, what each rule dropped
with examples, rows kept, how long they are. `overlap` compares conversations with any other texts, such as the
problems of an evaluation. `qwenlab.data.terminal` draws a report on a terminal.
"""

from qwenlab.data.dataset import Dataset, load
from qwenlab.data.leakage import numbered, overlap, prompts
from qwenlab.data.report import DatasetReport, Overlap, TokenLengths

__all__ = ["Dataset", "DatasetReport", "Overlap", "TokenLengths", "load", "numbered", "overlap", "prompts"]
