"""What outsiders may send, and what must not come of it."""
