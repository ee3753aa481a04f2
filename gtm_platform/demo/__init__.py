"""`gtm demo`: some days of a made-up company, simulated in the sandbox and compared with its truth."""
