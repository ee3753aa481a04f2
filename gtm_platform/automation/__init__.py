"""Sensors and jobs that know the whole graph: when tables are made, deliveries requested, windows tried again."""
