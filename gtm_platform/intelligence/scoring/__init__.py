"""Scores of an outcome from a plain table: leaks, models, calibration, verdict, reasons, drift. No Dagster."""
