"""What the browser lab and the model server have in common: who may ask them, and how long a client may keep them."""
