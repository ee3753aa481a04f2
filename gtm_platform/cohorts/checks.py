"""What has to hold of the cohorts of a day."""

import ibis

from gtm_platform.lake.daily_table import PreviousDay
from gtm_platform.lake.day_check import DayCheck


def required_fields_missing(errors: ibis.Table) -> ibis.Table:
    """Return what is missing, by cohort and field."""
    counted = errors.group_by("customer_cohort", "field").agg(companies=errors.count())
    return counted.mutate(customer_cohort=counted["customer_cohort"].fill_null("any")).order_by(
        "customer_cohort", "field"
    )


def compared_with_another_day(before: ibis.Table, transitions: ibis.Table) -> ibis.Table:
    """Return with which day the transitions were compared, where the day before was made since."""
    newest = before.aggregate(day_before=before["as_of"].max())
    compared = transitions.group_by("compared_with").agg(companies=transitions.count()).cross_join(newest)
    late = compared.filter(compared["compared_with"] != compared["day_before"])
    return late.mutate(compared_with=late["compared_with"].cast("string"), day_before=late["day_before"].cast("string"))


CHECKS = (
    DayCheck(
        "cohorts/validation_errors",
        "required_fields_filled",
        "Every company has the fields that its cohort needs.",
        inputs={"errors": "cohorts/validation_errors"},
        rule=required_fields_missing,
        severity="WARN",
    ),
    DayCheck(
        "cohorts/transitions",
        "compared_with_the_day_before",
        "The transitions are those since the day before. Where that day was made after this one, make this one again.",
        inputs={"before": PreviousDay("cohorts/company_cohorts"), "transitions": "cohorts/transitions"},
        rule=compared_with_another_day,
        severity="WARN",
    ),
)
