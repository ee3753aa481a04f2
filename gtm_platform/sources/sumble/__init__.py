"""Sumble as a source: job posts about AI, the organisations that post them, and the technologies they mention."""
