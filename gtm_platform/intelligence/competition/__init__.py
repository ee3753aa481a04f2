"""Which competitors are used, how deals and companies go where one is, and what speaks for and against each."""
