"""A home copied while it runs, and put back whole: `gtm backup`, `gtm restore`."""
