"""Intercom as a source: support."""
