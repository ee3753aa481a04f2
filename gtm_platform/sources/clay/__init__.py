"""Clay as a provider of facts about companies: a table of Clay's enriches them, asked on demand."""
