"""Alerts into Slack: what happened, said once, and never lost when Slack is down."""
