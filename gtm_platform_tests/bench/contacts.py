"""Contacts as a list of HubSpot's gives them."""

from datetime import UTC, datetime, timedelta
from typing import Any

PAGE = 100


def contact(number: int, page: str) -> dict[str, Any]:
    """The `number`th contact, of the page whose number is put in later: 24 properties, four of them empty."""
    id, moved = f"{page}{number:05d}", datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=977 * number)
    properties = {
        "email": f"ada.{id}@firm{number % 977}.example",
        "hs_additional_emails": f"a.{id}@mail.example;ada@{id}.example" if number % 5 == 0 else None,
        "firstname": f"Ada {number % 83}",
        "lastname": f"Löwe-{number % 971}",
        "company": f"Firm {number % 977} & Sons",
        "jobtitle": "Head of Data",
        "phone": f"+49 30 {number:07d}",
        "lifecyclestage": ("lead", "customer", "opportunity")[number % 3],
        "hs_lead_status": "CONNECTED",
        "hubspot_owner_id": str(71 + number % 9),
        "associatedcompanyid": str(9000 + number % 977),
        "country": "Germany",
        "city": "Berlin",
        "hs_timezone": "europe_slash_berlin",
        "hs_analytics_source": "ORGANIC_SEARCH",
        "hs_linkedin_url": f"https://www.linkedin.example/in/ada-{id}",
        "hs_email_optout": "true" if number % 11 == 0 else None,
        "customer_cohort": None,
        "chroma_customer_status": "active_paid",
        "signal_source": "sumble;factors",
        "hs_merged_object_ids": None,
        "createdate": "2025-03-02T10:11:12.345Z",
        "lastmodifieddate": f"{moved:%Y-%m-%dT%H:%M:%S}.678Z",
        "hs_object_id": id,
    }
    when = {"createdAt": properties["createdate"], "updatedAt": properties["lastmodifieddate"], "archived": False}
    return {"id": id, "properties": properties, **when}
