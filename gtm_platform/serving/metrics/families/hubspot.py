"""How true HubSpot is: the share of what was to be there that was, when it was compared."""

import ibis

from gtm_platform.delivery.hubspot.truth_table import CONTRACT, TABLE
from gtm_platform.serving.metrics.metric import TODAY, Days, Metric, Population

COUNTS = ("wanted", "true_values", "healed_values", "withheld_values")

TRUTH = Population(
    "hubspot_truth",
    "The properties whose values of the day were compared with HubSpot.",
    f"select object_type, {', '.join(COUNTS)} from {{truth}}",
    {name: CONTRACT.columns[name] for name in ("object_type", *COUNTS)},
    {"day": TODAY, "truth": Days(TABLE, may_be_missing=True)},
    {"object_type": "object_type"},
)


def _true(t: ibis.Table) -> ibis.Scalar:
    return (t["true_values"] + t["healed_values"]).sum()


METRICS = (
    Metric(
        "hubspot_truth",
        "True in HubSpot",
        "share",
        "values that HubSpot has as they are wanted, of all values that are wanted there",
        "Compared once a day; what a workflow or an import had changed counts as true once it was set back.",
        TRUTH,
        lambda t: _true(t).cast("float64") / t["wanted"].sum().nullif(0),
        good="rise",
        decimals=4,
    ),
    Metric(
        "hubspot_healed",
        "Set back in HubSpot",
        "values",
        "count of values that a workflow or an import had changed in HubSpot and that were set back",
        "Many of them, day after day, are a workflow that writes our properties: find it in HubSpot.",
        TRUTH,
        lambda t: t["healed_values"].sum(),
        good="fall",
    ),
    Metric(
        "hubspot_withheld",
        "Left to people in HubSpot",
        "values",
        "count of wanted values that are not in HubSpot, as what a person wrote is left alone",
        "Of one property many: see whether the rule behind it is right.",
        TRUTH,
        lambda t: t["withheld_values"].sum(),
    ),
)
