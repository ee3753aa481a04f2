"""Zapier, which only sends: a demo request for each call that is booked."""
