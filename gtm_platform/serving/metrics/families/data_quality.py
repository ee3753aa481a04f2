"""How far the data can be trusted: how complete and consistent customers are, and how many figures are odd."""

from gtm_platform.lake.contracts import contract_of
from gtm_platform.quality import anomalies
from gtm_platform.serving.metrics.metric import CURRENT, Days, Metric, Population

ODD = Population(
    "odd_figures",
    "The daily figures that are unlike those of the weeks before, by their table.",
    "select subject, metric from {odd}",
    {name: contract_of(anomalies.TABLE.key).columns[name] for name in ("subject", "metric")},
    {"odd": Days(anomalies.TABLE.key)},
    {"table": "subject"},
)
METRICS = (
    Metric(
        "mean_data_quality",
        "Data quality",
        "points",
        "mean of the data quality scores of current customers that have one",
        "0 to 100: how valid, complete, fresh and surely matched the record of a customer is.",
        CURRENT,
        lambda t: t["data_quality_score"].mean(),
        good="rise",
        decimals=1,
    ),
    Metric(
        "odd_figures",
        "Odd figures",
        "figures",
        "count of daily figures of tables that are unlike those of the weeks before",
        "Rows, changes, shares of nulls, MRR, active customers, scores. No value on days that were not judged.",
        ODD,
        lambda t: t["metric"].count(),
        good="fall",
    ),
)
