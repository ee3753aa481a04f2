"""Who may buy more: the signs of it with their evidence, and the MRR at stake."""
