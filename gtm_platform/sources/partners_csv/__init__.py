"""Partners as a source: the files in which most teams keep their partner programme."""
