"""The systems that are read: one module each, with its records and its streams; `assets.py` lists them."""
