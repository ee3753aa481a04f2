"""The job of the deliveries. When it runs: `automation/deliveries`."""

import dagster as dg

deliver = dg.define_asset_job(
    "deliver",
    selection=dg.AssetSelection.groups("delivery"),
    description="Customers and companies into HubSpot, alerts into Slack, changes to subscribers, for the newest day.",
)
