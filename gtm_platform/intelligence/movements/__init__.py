"""How MRR moves: what came, grew, shrank and left, per customer, period and definition of MRR, and what is retained."""
