"""What follows from the data beyond what it says: how revenue moves, and scores and forecasts of what will happen."""
