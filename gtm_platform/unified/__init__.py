"""The wide tables that come last: one row per customer with the columns of every domain. Joins, nothing else."""
