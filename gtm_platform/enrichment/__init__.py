"""Buying facts of companies: whom to ask about, within which cap, and what became of it. Providers are sources."""
