"""Health into HubSpot: plan, diff, guards, send, receipt, read back."""
