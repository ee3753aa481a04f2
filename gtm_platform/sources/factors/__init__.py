"""Factors.ai as a source: which companies visit the website, what they look at, and where they come from."""
