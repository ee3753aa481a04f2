"""What stands in each system before any customer does: owners and teammates, tags, the pipeline, Slack's channels."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gtm_platform.sandbox.hubspot.store import HubSpotOwner, HubSpotStore
from gtm_platform.sandbox.intercom.store import IntercomActivity, IntercomStore
from gtm_platform.sandbox.slack.store import CHANNELS, TEAM_ID, SlackStore

COMPANY_DOMAIN = "vendor.example"  # the firm whose customers these are


@dataclass(frozen=True)
class Colleague:
    """An employee of the made-up company whose customers the world has."""

    first: str
    last: str
    left: bool = False

    @property
    def email(self) -> str:
        return f"{self.first}.{self.last}@{COMPANY_DOMAIN}".lower()


ACCOUNT_MANAGERS = (
    Colleague("Sam", "Lee"),
    Colleague("Alex", "Morgan"),
    Colleague("Robin", "Hale"),
    Colleague("Kim", "Osei"),
    Colleague("Jo", "Lindqvist"),
    Colleague("Casey", "Duarte"),
    Colleague("Noor", "Haddad"),
    Colleague("Pat", "Novotny", left=True),
)
SUPPORT = (Colleague("Riley", "Stone"), Colleague("Toni", "Baptiste"), Colleague("Jules", "Ekholm"))

CRITICAL, VIP, BUG, BILLING = "101", "102", "103", "104"
TEAM_SUPPORT, TEAM_BILLING = 5017691, 5017692

_STAGES = (
    ("appointmentscheduled", "Appointment Scheduled", "0.2"),
    ("qualifiedtobuy", "Qualified To Buy", "0.4"),
    ("presentationscheduled", "Presentation Scheduled", "0.6"),
    ("decisionmakerboughtin", "Decision Maker Bought-In", "0.8"),
    ("contractsent", "Contract Sent", "0.9"),
    ("closedwon", "Closed Won", "1.0"),
    ("closedlost", "Closed Lost", "0.0"),
)
OPEN_STAGES = tuple(stage for stage, _, _ in _STAGES[:5])

# name, type, what it means; Intercom's own Stripe app writes most of them
_ATTRIBUTES = (
    ("plan_tier", "string"),
    ("stripe_id", "string"),
    ("stripe_plan", "string"),
    ("stripe_plan_price", "float"),
    ("stripe_plan_interval", "string"),
    ("stripe_subscription_status", "string"),
    ("stripe_subscription_period_start_at", "date"),
    ("stripe_delinquent", "boolean"),
    ("stripe_account_balance", "float"),
    ("stripe_card_brand", "string"),
    ("stripe_last_charge_amount", "float"),
    ("stripe_last_charge_at", "date"),
    ("stripe_deleted", "boolean"),
)


def owner_id(manager: int) -> str:
    """The HubSpot owner id of an account manager, by index in `ACCOUNT_MANAGERS`."""
    return str(71 + manager)


def admin_id(colleague: int) -> int:
    """Teammates in Intercom: the account managers, then support."""
    return 814860 + colleague


SUPPORT_ADMINS = tuple(admin_id(len(ACCOUNT_MANAGERS) + place) for place in range(len(SUPPORT)))


def admin_name(id_: int) -> str:
    """The full name of an Intercom teammate, by admin id."""
    colleague = (*ACCOUNT_MANAGERS, *SUPPORT)[id_ - 814860]
    return f"{colleague.first} {colleague.last}"


def admin_email(id_: int) -> str:
    """The address of an Intercom teammate, by admin id."""
    return (*ACCOUNT_MANAGERS, *SUPPORT)[id_ - 814860].email


def wire_time(instant: datetime) -> str:
    """An instant as HubSpot writes it, its milliseconds always zero."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def add_hubspot_fixtures(store: HubSpotStore, start: datetime) -> None:
    """Add the owners and the deal pipeline, which exist long before `start`."""
    long_ago = start - timedelta(days=1400)
    for place, manager in enumerate(ACCOUNT_MANAGERS):
        store.owners[owner_id(place)] = HubSpotOwner(
            id=owner_id(place),
            user_id=4200 + place,
            email=manager.email,
            first_name=manager.first,
            last_name=manager.last,
            created=long_ago + timedelta(days=place),
            updated=start - timedelta(days=40) if manager.left else long_ago + timedelta(days=place),
            archived=manager.left,
        )
    store.pipelines.append(_pipeline(long_ago))


def _pipeline(created: datetime) -> dict[str, Any]:
    stamps = {"createdAt": wire_time(created), "updatedAt": wire_time(created), "archived": False}
    stages = [
        {
            "id": stage,
            "label": title,
            "displayOrder": order,
            "metadata": {"isClosed": "true" if stage.startswith("closed") else "false", "probability": probability},
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
            **stamps,
        }
        for order, (stage, title, probability) in enumerate(_STAGES)
    ]
    return {"id": "default", "label": "Sales Pipeline", "displayOrder": 0, "stages": stages, **stamps}


def add_intercom_fixtures(store: IntercomStore, start: datetime) -> None:
    """Add the tags, teammates, teams and data attributes of the workspace."""
    store.tags.update({CRITICAL: "critical", VIP: "vip", BUG: "bug", BILLING: "billing"})
    colleagues = (*ACCOUNT_MANAGERS, *SUPPORT)
    for place, colleague in enumerate(colleagues):
        team = TEAM_BILLING if place < len(ACCOUNT_MANAGERS) else TEAM_SUPPORT
        store.admins.append(
            {
                "type": "admin",
                "id": str(admin_id(place)),
                "email": colleague.email,
                "name": f"{colleague.first} {colleague.last}",
                "away_mode_enabled": colleague.left,
                "away_mode_reassign": False,
                "has_inbox_seat": not colleague.left,
                "team_ids": [team],
            }
        )
    for team, name in ((TEAM_SUPPORT, "Support"), (TEAM_BILLING, "Accounts")):
        members = [int(admin["id"]) for admin in store.admins if team in admin["team_ids"]]
        store.teams.append(
            {"type": "team", "id": str(team), "name": name, "admin_ids": members, "distribution_method": "round_robin"}
        )
    store.data_attributes.extend(
        _attribute(12878 + place, name, type_, start) for place, (name, type_) in enumerate(_ATTRIBUTES)
    )
    store.activities.extend(
        IntercomActivity(f"activity-{number:04}", str(admin_id(place)), created, type_, description, metadata)
        for number, (place, created, type_, description, metadata) in enumerate(_activities(start), 1)
    )


def _activities(start: datetime) -> Iterator[tuple[int, datetime, str, str, dict[str, Any]]]:
    """What the teammates did to the workspace: teammate, instant, Intercom's type, a sentence, details."""
    opened, lately = start - timedelta(days=1400), start - timedelta(days=40)
    for place, colleague in enumerate((*ACCOUNT_MANAGERS, *SUPPORT)):
        joined = opened + timedelta(days=place)
        yield place, joined, "app_admin_join", f"{colleague.first} {colleague.last} joined the workspace.", {}
    for team in ("Accounts", "Support"):
        yield 0, opened + timedelta(days=20), "app_team_creation", f"The team {team} was created.", {}
    for place, colleague in enumerate((*ACCOUNT_MANAGERS, *SUPPORT)):
        name = f"{colleague.first} {colleague.last}"
        if colleague.left:
            metadata = {"away_mode": True, "reassign_conversations": False}
            yield place, lately, "admin_away_mode_change", f"{name} went away.", metadata
        else:
            login = lately + timedelta(days=30 + place // 2, hours=place)
            yield place, login, "admin_login_success", f"{name} logged in.", {"sign_in_method": "email_password"}


def _attribute(id_: int, name: str, type_: str, start: datetime) -> dict[str, Any]:
    created = int((start - timedelta(days=1400)).timestamp())
    return {
        "type": "data_attribute",
        "id": id_,
        "model": "contact",
        "name": name,
        "full_name": f"custom_attributes.{name}",
        "label": name,
        "description": "",
        "data_type": type_,
        "api_writable": not name.startswith("stripe_"),
        "ui_writable": False,
        "messenger_writable": False,
        "custom": True,
        "archived": False,
        "created_at": created,
        "updated_at": created,
        "admin_id": str(admin_id(0)),
    }


def add_slack_fixtures(store: SlackStore) -> None:
    """Add the channels, and a user for each account manager."""
    store.channels.update(CHANNELS)
    for place, manager in enumerate(ACCOUNT_MANAGERS):
        name = f"{manager.first} {manager.last}"
        store.users[manager.email] = {
            "id": f"U0AM{place:07}",
            "team_id": TEAM_ID,
            "name": manager.first.lower(),
            "deleted": manager.left,
            "real_name": name,
            "profile": {"email": manager.email, "real_name": name, "display_name": manager.first},
            "is_bot": False,
        }
