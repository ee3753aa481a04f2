"""Companies in the market: what they show before they buy, whose product they use, who partners with us, what they are.

Each table reads the feeds of one kind (`ingest/market_feeds.py`). Which cohort a company is in belongs to `cohorts`.
"""
