"""What the platform does for the business: registered experiments, and what success is measured by."""
