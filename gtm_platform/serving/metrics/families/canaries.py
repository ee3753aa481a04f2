"""Canaries: how soon the stages see what these synthetic customers do, and how many did not in time."""

from gtm_platform.delivery.canaries.stages import FAILED, WRITTEN
from gtm_platform.delivery.canaries.table import CONTRACT, TABLE
from gtm_platform.lake.contracts import Column
from gtm_platform.serving.metrics.metric import TODAY, Days, Metric, Population

STAGES = Population(
    "canaries",
    "What canaries did on the day, and each stage that has to see it; nothing where there are none.",
    f"""select seen.stage, seen.state, date_diff('second', done.seen_at, seen.seen_at) / 60.0 as minutes
        from {{canaries}} as seen
        left join (from {{canaries}} where stage = '{WRITTEN}') as done using (canary, act)
        where seen.stage <> '{WRITTEN}'""",
    {
        "stage": CONTRACT.columns["stage"],
        "state": CONTRACT.columns["state"],
        "minutes": Column("float64", "From the act to the stage having seen it."),
    },
    {"day": TODAY, "canaries": Days(TABLE, may_be_missing=True)},
    {"canary_stage": "stage"},
)

METRICS = (
    Metric(
        "canary_minutes",
        "From act to stage",
        "minutes",
        "minutes from when a canary did something to when a stage was seen to know of it, in the mean of the day",
        "By canary_stage: longer than it used to be is a source, a run or a delivery that waits.",
        STAGES,
        lambda t: t["minutes"].mean(),
        good="fall",
        decimals=1,
    ),
    Metric(
        "canary_slowest",
        "From act to stage, the slowest",
        "minutes",
        "minutes from when a canary did something to when a stage was seen to know of it, the most of the day",
        "A report is made once a week: its stage is the slowest.",
        STAGES,
        lambda t: t["minutes"].max(),
        good="fall",
        decimals=1,
    ),
    Metric(
        "canaries_lost",
        "Canaries lost",
        "values",
        "count of what canaries did on the day that a stage did not see in its time",
        "gtm canary list says which; the data team is told in Slack.",
        STAGES,
        lambda t: (t["state"] == FAILED).sum(),
        good="fall",
    ),
)
