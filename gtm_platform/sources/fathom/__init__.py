"""Fathom as a source: recorded calls, what was said in them, and what was agreed."""
