"""Sales Navigator as a source: lists of accounts and leads that people build there, which arrive as CSV files."""
