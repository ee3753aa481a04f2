"""HTTP done once: calls, rate limits, retries, deadlines, paging and errors. Knows no system and no record of one."""
