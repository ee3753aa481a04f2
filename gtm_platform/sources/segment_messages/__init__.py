"""What Segment sends: who people are, which companies they belong to, what they do."""
