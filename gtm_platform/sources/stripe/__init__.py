"""Stripe as a source: self-serve billing."""
