"""Redshift as a warehouse."""
