"""Forecasts beside the naive one, tried on the past, with intervals by their errors."""
