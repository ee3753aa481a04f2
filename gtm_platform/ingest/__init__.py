"""From an API to the lake: sources, streams, records, windows, quarantine. No system is named here, no rule decides."""
