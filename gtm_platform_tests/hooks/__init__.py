"""Webhooks, from the signature to the window."""
