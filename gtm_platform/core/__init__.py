"""One record per customer: a table for each domain of what is known, and the wide table that joins them."""
