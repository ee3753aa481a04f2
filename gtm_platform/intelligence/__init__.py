"""What follows from the data beyond what it says: scores of what will happen, with how far they can be believed."""
