"""The systems that are read, a package each: source, client, settings, records, streams and, where it applies, feeds.

A package is discovered by its `source.py`; no list of them stands anywhere."""
