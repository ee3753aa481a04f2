"""How MRR moves and what of it is retained, per customer, period and definition of MRR."""
