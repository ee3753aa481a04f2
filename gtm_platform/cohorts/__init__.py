"""Where companies stand: what their people and accounts come to, the cohort each is in, and how it came there."""
