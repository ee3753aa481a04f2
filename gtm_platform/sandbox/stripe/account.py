"""The account itself, and the accounts connected to it, of which the sandbox has none."""

from gtm_platform.sandbox.stripe.errors import StripeError
from gtm_platform.sandbox.stripe.expand import expand
from gtm_platform.sandbox.stripe.expandable import list_of
from gtm_platform.sandbox.stripe.order import Ordered, page, page_request
from gtm_platform.sandbox.stripe.parameters import Parameters, expansions, refuse_unknown
from gtm_platform.sandbox.stripe.versions import Renderer
from gtm_platform.sandbox.stripe.wire import Shape, embedded_list

OPENED = 1577836800
_NO_REQUIREMENTS: Shape = {
    "alternatives": [],
    "current_deadline": None,
    "currently_due": [],
    "disabled_reason": None,
    "errors": [],
    "eventually_due": [],
    "past_due": [],
    "pending_verification": [],
}
_NO_DECLINES = {"avs_failure": False, "cvc_failure": False}


def own_account(parameters: Parameters, renderer: Renderer) -> Shape:
    """The account that the key belongs to."""
    refuse_unknown(parameters, ["expand"])
    shape = _account(renderer.ledger.store.account_id)
    expand(shape, "account", expansions(parameters), renderer)
    return shape


def account_by_id(id: str, key: str, parameters: Parameters, renderer: Renderer) -> Shape:
    """The key's own account under its id; no other one is open to it."""
    if id != renderer.ledger.store.account_id:
        message = (
            f"The provided key '{key}' does not have access to account '{id}' (or that account does not exist). "
            "Application access may have been revoked."
        )
        raise StripeError(403, message, code="account_invalid")
    return own_account(parameters, renderer)


def connected_accounts(parameters: Parameters, renderer: Renderer) -> Shape:
    """The accounts of a platform's sellers: an empty list for an account that is no platform."""
    refuse_unknown(parameters, ["created", "ending_before", "expand", "limit", "starting_after"])
    page(Ordered[Shape]([], {}), page_request(parameters), "account", range(0))
    shape = {"object": "list", "data": [], "has_more": False, "url": "/v1/accounts"}
    expand(shape, list_of("account"), expansions(parameters), renderer)
    return shape


def _account(account_id: str) -> Shape:
    support = {"support_email": "billing@sandbox.example", "support_phone": None, "support_url": None}
    return {
        "id": account_id,
        "object": "account",
        "business_profile": {"mcc": "5734", "name": "Sandbox", "product_description": None, "url": None, **support},
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "controller": {"type": "account"},
        "country": "US",
        "created": OPENED,
        "default_currency": "usd",
        "details_submitted": True,
        "email": "billing@sandbox.example",
        "external_accounts": embedded_list([], f"/v1/accounts/{account_id}/external_accounts"),
        "future_requirements": dict(_NO_REQUIREMENTS),
        "metadata": {},
        "payouts_enabled": True,
        "requirements": dict(_NO_REQUIREMENTS),
        "settings": {
            "card_payments": {"decline_on": dict(_NO_DECLINES), "statement_descriptor_prefix": None},
            "dashboard": {"display_name": "Sandbox", "timezone": "Etc/UTC"},
            "payments": {"statement_descriptor": "SANDBOX"},
            "payouts": {
                "debit_negative_balances": True,
                "schedule": {"delay_days": 2, "interval": "daily"},
                "statement_descriptor": None,
            },
        },
        "tos_acceptance": {"date": OPENED, "ip": None, "user_agent": None},
        "type": "standard",
    }
