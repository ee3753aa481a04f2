"""Receiving webhooks: read with limits, verified, committed, and only then answered. What hooks are: `ingest/hooks`."""
