"""What training and answering cost on a GPU: `python -m bench.gpu`. Random weights of published shapes, no download."""
