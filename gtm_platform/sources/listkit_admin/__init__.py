"""ListKit's admin dashboard as a source: accounts with their credits, days of use, exports."""
