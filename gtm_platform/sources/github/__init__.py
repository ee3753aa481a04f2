"""GitHub as a source: who does what in watched repositories, and who imports a competitor's package."""
