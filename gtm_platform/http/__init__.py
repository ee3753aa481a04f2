"""HTTP done once: asking, pacing, retrying, paging, reading records. Knows no system and no GTM."""
