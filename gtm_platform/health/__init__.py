"""How well each customer does: component scores, what overrides them, the risk of losing it, and what to do."""
