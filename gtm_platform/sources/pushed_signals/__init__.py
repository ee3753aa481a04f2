"""Signals that automation tools send, such as Zapier and Make: whatever can POST JSON is a source."""
