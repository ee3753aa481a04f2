"""Alerts of Factors.ai as they come by webhook: which companies are on the website now."""
