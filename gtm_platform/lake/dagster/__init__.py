"""The lake as Dagster sees it: the resource, and the assets made of daily tables. No rule of a table belongs here."""
