"""The hot path: how many webhooks it follows, how soon what they change is in the CRM, and how often it cannot."""

from gtm_platform.quality.hot_path_days import CONTRACT, TABLE
from gtm_platform.serving.metrics.metric import TODAY, Days, Metric, Population

COLUMNS = ("runs", "events", "left_runs", "failed", "fields", "p50_seconds", "p99_seconds")

RUNS = Population(
    "hot_runs",
    "What the hot path did on the day; nothing where it followed no webhook.",
    f"select {', '.join(COLUMNS)} from {{hot}}",
    {name: CONTRACT.columns[name] for name in COLUMNS},
    {"day": TODAY, "hot": Days(TABLE.key, may_be_missing=True)},
    {},
)

METRICS = (
    Metric(
        "hot_values",
        "Values delivered at once",
        "values",
        "count of values that the hot path wrote on the day, and read back",
        "What webhooks changed is in the CRM within seconds; the daily delivery has the rest.",
        RUNS,
        lambda t: t["fields"].sum(),
    ),
    Metric(
        "hot_path_p50",
        "From event to CRM, half",
        "seconds",
        "seconds from the first event that a run follows to what was read back, in the median of the day's runs",
        "gtm hooks says where the time goes.",
        RUNS,
        lambda t: t["p50_seconds"].max(),
        good="fall",
        decimals=1,
    ),
    Metric(
        "hot_path_p99",
        "From event to CRM, 99 of 100",
        "seconds",
        "seconds from the first event that a run follows to what was read back, of 99 in 100 of the day's runs",
        "Longer than some seconds: the machine is busy, or the CRM slow.",
        RUNS,
        lambda t: t["p99_seconds"].max(),
        good="fall",
        decimals=1,
    ),
    Metric(
        "hot_runs_left",
        "Left to the daily tables",
        "share",
        "runs of the hot path of which all was left to the daily tables, or that failed, of all",
        "gtm hooks says why; nothing is lost by it but time.",
        RUNS,
        lambda t: (t["left_runs"].sum() + t["failed"].sum()).cast("float64") / t["runs"].sum().nullif(0),
        good="fall",
        decimals=4,
    ),
)
