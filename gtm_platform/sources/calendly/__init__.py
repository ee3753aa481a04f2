"""Calendly as a source: booked calls, who booked them, who holds them, and who did not come."""
