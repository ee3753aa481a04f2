"""`gtm demo`: some days of a made-up company, lived through in the sandbox and compared with its truth."""
