"""Rows as the daily tables hold them, as far as deliveries look at them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

DAY = "2026-11-20"
MENTIONED = datetime(2026, 11, 19, 14, 30, 5, tzinfo=UTC)


def customer(id: str = "c1", **more: Any) -> dict[str, Any]:
    usual = {
        "customer_id": id,
        "email": "ada@acme.example",
        "all_emails": ["ada@acme.example"],
        "company_id": None,
        "name": "Ada Byron",
        "company_name": "Acme",
        "customer_status": "active",
        "is_customer": True,
        "mrr": Decimal("1250.50"),
        "mrr_reporting": Decimal("1250.50"),
        "mrr_source": "stripe",
        "currency": "usd",
        "assigned_am": "Sam Lee",
        "hubspot_contact_id": "501",
        "cancel_mentioned_at": None,
        "cancel_sentence": None,
        "health_score": 55,
        "health_status": "at_risk",
        "churn_risk": 27,
        "risk_signals": ["payment_delinquent"],
        "recommended_actions": ["Call the customer", "Settle the invoice"],
    }
    return usual | more


def health(id: str = "c1", score: int = 72, status: str | None = None, **more: Any) -> dict[str, Any]:
    usual = {
        "customer_id": id,
        "health_score": score,
        "health_status": status or status_of(score),
        "churn_risk": 20,
        "churn_risk_model": "logistic",
        "risk_signals": ["payment_delinquent"],
        "policy_hash": "abc",
    }
    return usual | more


def status_of(score: int) -> str:
    lowest = {"healthy": 70, "at_risk": 50, "high_risk": 30, "critical": 0}
    return next(status for status, least in lowest.items() if score >= least)
