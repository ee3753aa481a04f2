"""ZoomInfo as a provider of facts about companies, asked on demand."""
