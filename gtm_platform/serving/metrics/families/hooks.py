"""Webhooks that systems send: how many come, are refused, how soon they lead to a window, and what they did not say."""

from gtm_platform.quality.hook_days import CONTRACT, TABLE
from gtm_platform.serving.metrics.metric import TODAY, Days, Metric, Population

COUNTS = ("received", "refused", "read_events", "seconds_to_window", "slowest_seconds", "changed", "lost")

HOOKS = Population(
    "hooks",
    "The webhooks of which something came on the day.",
    f"select hook, {', '.join(COUNTS)} from {{hooks}}",
    {name: CONTRACT.columns[name] for name in ("hook", *COUNTS)},
    {"day": TODAY, "hooks": Days(TABLE.key, may_be_missing=True)},
    {"hook": "hook"},
)

METRICS = (
    Metric(
        "hooks_received",
        "Webhooks received",
        "values",
        "count of events that systems sent by webhook on the day, each once",
        "None at all where there used to be many: see whether the webhook is still registered.",
        HOOKS,
        lambda t: t["received"].sum(),
    ),
    Metric(
        "hooks_refused",
        "Webhooks refused",
        "values",
        "count of deliveries of the day that were refused, as of a wrong signature or a body that is too large",
        "gtm hooks says why.",
        HOOKS,
        lambda t: t["refused"].sum(),
        good="fall",
    ),
    Metric(
        "hook_to_window",
        "From webhook to window",
        "seconds",
        "seconds from an event to when its window was read: of each webhook the median, of these the mean by events",
        "Longer than some minutes: the sensor read_hooked_windows waits, or runs queue.",
        HOOKS,
        lambda t: (t["seconds_to_window"] * t["read_events"]).sum() / t["read_events"].sum().nullif(0),
        good="fall",
        decimals=1,
    ),
    Metric(
        "hooks_lost",
        "Changes without a webhook",
        "share",
        "records that a schedule read of the day's windows and no webhook named, of all that it read of these streams",
        "Nothing is lost, as the schedule reads the same; a webhook that speaks of few changes is worth little.",
        HOOKS,
        lambda t: t["lost"].sum().cast("float64") / t["changed"].sum().nullif(0),
        good="fall",
        decimals=4,
    ),
)
