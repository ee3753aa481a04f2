"""Alerts in Slack: what happened to a customer, a source, an asset, a run or the platform, sent once and never lost.

`kinds/` holds one file for each kind of alert; what a table says belongs to the rooms below, and what Dagster did is
read in `automation/`.
"""
