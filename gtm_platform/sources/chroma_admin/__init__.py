"""Chroma's admin panel as a source: accounts with their collections and vectors, instances, days of use."""
