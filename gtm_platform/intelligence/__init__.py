"""What follows from the data beyond what it says: how revenue moves, what is to come, and who will leave."""
