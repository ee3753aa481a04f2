"""Exports of Reo.dev as a source: what developers of companies do, for those who have no key to its API."""
