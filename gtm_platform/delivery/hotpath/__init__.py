"""The hot path: what webhooks brought, for the customers and companies it touches, in HubSpot within seconds.

The rules are those of the daily tables, called for some of them; there is no second version of any. What cannot be
known so, as who is who after a new record came, is left to the next computation of everything, and counted.
"""
