"""Reo.dev as a source: companies whose developers show interest, these developers, and what they did."""
