"""Activities of developers as Reo.dev sends them by webhook."""
