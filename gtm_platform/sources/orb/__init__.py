"""Orb as a source: billing by contract and by use."""
