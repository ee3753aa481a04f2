"""Postgres as a warehouse."""
