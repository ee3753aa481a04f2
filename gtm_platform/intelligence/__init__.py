"""What the daily tables say together: how revenue moves and will move."""
