"""The go-to-market data platform: who the customers are, how they are, and what to do about it."""
