"""Segment, which only sends: who signs up in the product, as its destination Webhooks tells it."""
