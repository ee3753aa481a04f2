"""What ChartMogul knows of people."""

from collections.abc import Callable

import ibis

from gtm_platform.ingest.feeds import PersonFeed

STRIPES = "cus_"  # how Stripe's ids of customers begin


def _external_id(*, of_stripe: bool) -> Callable[[ibis.Table], ibis.Value]:
    """The first external id that is Stripe's, or the first that is not: Orb's ids have no form of their own.

    An id of a third system does no harm: no Orb customer has it.
    """

    def first(customers: ibis.Table) -> ibis.Value:
        fitting = customers["external_ids"].filter(lambda id_: id_.startswith(STRIPES) == of_stripe)
        return ibis.ifelse(fitting.length() > 0, fitting[0], ibis.null("string"))

    return first


FEEDS = (
    PersonFeed(
        "chartmogul",
        "chartmogul/customers",
        id_column="chartmogul_uuid",
        id_about="Its customer at ChartMogul; of several the oldest.",
        precedence=50,
        email="email",
        shared_ids={"stripe": _external_id(of_stripe=True), "orb": _external_id(of_stripe=False)},
        company_name="company",
        company_domain="website",
        name="name",
        country="country",
        city="city",
        created_at="customer_since",
    ),
)
