"""The audit trail: its chain, what is written to it, and how it is read."""
