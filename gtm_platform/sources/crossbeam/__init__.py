"""Crossbeam as a source: partners, and the accounts that they and we both have in our books."""
