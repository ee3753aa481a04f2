"""YouTube as a source: videos in which companies tell that they use a competitor's product."""
