"""How a snapshot is read, by everything that shows something: `the_store().current()` and ask it."""

from gtm_platform.serving.store.customer_query import BadQuery, CustomerQuery, Page
from gtm_platform.serving.store.snapshot import CompanyQuery, CompanySort, Customer, MetricValue, Snapshot
from gtm_platform.serving.store.swap import NoSnapshot, Store, the_store

__all__ = [
    "BadQuery",
    "CompanyQuery",
    "CompanySort",
    "Customer",
    "CustomerQuery",
    "MetricValue",
    "NoSnapshot",
    "Page",
    "Snapshot",
    "Store",
    "the_store",
]
