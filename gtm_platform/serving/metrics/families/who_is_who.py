"""How much of who is who waits for a person."""

from gtm_platform.identity.review import CONTRACT, TABLE
from gtm_platform.serving.metrics.metric import TODAY, Days, Metric, Population

WAITING = Population(
    "identity_review",
    "The pairs of customers and of companies that may be the same, by what they are.",
    "select kind, rule from {review}",
    {name: CONTRACT.columns[name] for name in ("kind", "rule")},
    {"day": TODAY, "review": Days(TABLE.key, may_be_missing=True)},
    {"kind": "kind"},
)

METRICS = (
    Metric(
        "identity_review",
        "Who is who, to decide",
        "values",
        "count of pairs of customers and of companies that may be the same, and wait for a person",
        "Each is listed with its evidence under who is who; a merge or a split takes it off the list.",
        WAITING,
        lambda t: t["kind"].count(),
        good="fall",
    ),
)
