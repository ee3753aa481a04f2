"""Triggers: changes of customers and companies, sent to whoever subscribed to them as signed webhooks."""
