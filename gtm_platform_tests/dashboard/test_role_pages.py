"""Who signs in sees what the role sees: on every page, in tables, texts and charts. Who has no role sees nothing."""

import io
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from gtm_platform.dashboard import process
from gtm_platform.dashboard.frame import visitor
from gtm_platform.dashboard.frame.page import discover
from gtm_platform.policy import Access, policy
from gtm_platform.policy.access import ROLES, Member
from gtm_platform.serving import sign_in
from gtm_platform.serving.store import CustomerQuery, Snapshot
from gtm_platform.serving.viewer import TRUSTED, actor_of, signed_in
from gtm_platform.settings import Settings, SettingsError, settings
from gtm_platform_tests.dashboard.conftest import Open, opener
from gtm_platform_tests.dashboard.world import FIRST_NAMES, LAST_NAMES

MANAGER = "Sam Lee"
MEMBERS = """
[access.members]
"sam@acme.com" = { role = "account_manager", account_manager = "Sam Lee" }
"ann@acme.com" = { role = "analyst" }
"aud@acme.com" = { role = "auditor" }
"dan@acme.com" = { role = "data_team" }
"""
OIDC = {
    "GTM_OIDC_METADATA_URL": "https://idp.example/.well-known/openid-configuration",
    "GTM_OIDC_CLIENT_ID": "gtm",
    "GTM_OIDC_CLIENT_SECRET": "hunter2-SECRET",
    "GTM_OIDC_COOKIE_SECRET": "c" * 32,
    "GTM_DASHBOARD_URL": "https://gtm.acme.example/",
}
CUSTOMER, ADDRESS = re.compile(r"\bcus_\d{7}\b"), re.compile(r"\bperson\d+@firm\d+\.example\b")
FIRM = re.compile(r"\bFirm \d+\b")  # all people of one have the same account manager, or none
NAME = re.compile(rf"\b(?:{'|'.join(FIRST_NAMES)}) (?:{'|'.join(LAST_NAMES)})\b")
QUERIES = {"customer": {"id": "cus_0000002"}, "company": {"id": "com_000000"}}
MAIN = ("overview", "at_risk", "customer")


@pytest.fixture
def open_as(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Pages as somebody sees them who has signed in with an address."""
    rules = files("gtm_platform").joinpath("policy/policy.toml").read_text().replace("[access.members]\n", MEMBERS)
    (tmp_path / "policy.toml").write_text(rules)
    for name, value in {**OIDC, "GTM_POLICY": str(tmp_path / "policy.toml")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sign_in, "find_spec", lambda _: object())
    opened: Open = opener(home, monkeypatch)
    policy.cache_clear()

    def open_it(address: str, page: str, **query: str) -> AppTest:
        claims = {"is_logged_in": True, "email": address, "email_verified": True} if address else {}
        monkeypatch.setattr(visitor, "claims_of_user", lambda: claims)
        return opened(page, **query)

    yield open_it
    policy.cache_clear()
    settings.cache_clear()


def everything(app: AppTest) -> str:
    """All that a page says: texts, tables, the data of charts."""
    parts = [str(element.proto) for element in app.main] + [str(element.proto) for element in app.sidebar]
    for frame in app.dataframe:
        text = io.StringIO()
        frame.value.to_csv(text)
        parts.append(text.getvalue())
    for chart in app.get("vega_lite_chart"):
        parts += [str(pa.ipc.open_stream(each.data.data).read_all().to_pylist()) for each in chart.proto.datasets]
    return "\n".join(parts)


def customers_of(snapshot: Snapshot, manager: str | None) -> list[dict[str, Any]]:
    filters = {"account_manager": [manager]} if manager else {}
    return snapshot.customers(CustomerQuery(filters, limit=1000, customers="all")).rows(personal=True)


def judge_own(open_as: Any, snapshot: Snapshot, page: str) -> None:
    own = customers_of(snapshot, MANAGER)
    text = everything(open_as("sam@acme.com", page, **QUERIES.get(page, {})))
    assert set(CUSTOMER.findall(text)) <= {row["customer_id"] for row in own}
    assert set(ADDRESS.findall(text)) <= {row["email"] for row in own}
    assert set(FIRM.findall(text)) <= {row["company_name"] for row in own}


def judge_masked(open_as: Any, page: str) -> None:
    text = everything(open_as("ann@acme.com", page, **QUERIES.get(page, {})))
    assert ADDRESS.findall(text) == []
    assert NAME.findall(text) == []
    assert "missing_features" not in text
    assert "too_expensive" not in text


@pytest.mark.faults("V2")
@pytest.mark.parametrize("page", MAIN)
def test_an_account_manager_sees_own_customers(open_as: Any, snapshot: Snapshot, page: str) -> None:
    judge_own(open_as, snapshot, page)


@pytest.mark.faults("V2")
@pytest.mark.parametrize("page", MAIN)
def test_who_may_not_see_personal_data_sees_none(open_as: Any, page: str) -> None:
    judge_masked(open_as, page)


@pytest.mark.soak
@pytest.mark.parametrize("page", [name for name, page in discover().items() if page.area == "customers"])
def test_every_page_shows_a_role_what_it_sees(open_as: Any, snapshot: Snapshot, page: str) -> None:
    judge_own(open_as, snapshot, page)
    judge_masked(open_as, page)


@pytest.mark.faults("V2")
def test_others_pages_would_fail_these_tests(open_page: Open, snapshot: Snapshot) -> None:
    own = customers_of(snapshot, MANAGER)
    for page in MAIN:
        text = everything(open_page(page, **QUERIES.get(page, {})))
        assert NAME.findall(text), page
    assert set(FIRM.findall(everything(open_page("at_risk")))) - {row["company_name"] for row in own}


@pytest.mark.faults("V2")
def test_nobody_is_shown_anything_before_signing_in_or_without_a_role(open_as: Any) -> None:
    for address, title in (
        ("", "GTM platform"),
        ("eve@acme.com", "No access"),
        ("aud@acme.com", "Nothing for you here"),
    ):
        app = open_as(address, "overview")
        assert [each.value for each in app.title] == [title]
        assert not app.dataframe
        assert not app.metric


def test_pages_of_other_areas_are_no_pages_of_a_role(open_as: Any) -> None:
    app = open_as("sam@acme.com", "who_is_who")
    assert app.title[0].value != "Who is who"


CLAIMS = {"email": "Sam@Acme.com", "email_verified": True, "groups": ["all", "leads"]}
ACCESS = Access(
    members={"sam@acme.com": Member(role="account_manager", account_manager=MANAGER)},
    groups={"leads": Member(role="cs_lead"), "all": Member(role="analyst")},
)


@pytest.mark.faults("V2")
def test_the_address_decides_then_the_group_then_what_holds_for_everybody() -> None:
    sam = signed_in(CLAIMS, ACCESS)
    assert sam is not None
    assert (sam.role, sam.sight.managers, sam.actor) == ("account_manager", (MANAGER,), actor_of("sam@acme.com"))
    lead = signed_in({**CLAIMS, "email": "kim@acme.com"}, ACCESS)
    assert lead is not None
    assert (lead.role, lead.sight.managers) == ("cs_lead", None)
    assert signed_in({"email": "kim@acme.com", "email_verified": True}, ACCESS) is None
    everybody = signed_in({"email": "kim@acme.com", "email_verified": True}, Access(everybody="analyst"))
    assert everybody is not None
    assert everybody.sight.personal is False


@pytest.mark.faults("V2")
@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"email": "sam@acme.com"},
        {"email": "sam@acme.com", "email_verified": False},
        {"email": "sam@acme.com", "email_verified": "true"},
        {"email": ["sam@acme.com"], "email_verified": True},
        {"email": "sam@acme.com.evil.example", "email_verified": True},
        {"email": "", "email_verified": True, "groups": ["leads"]},
        {"email": "kim@acme.com", "email_verified": True, "groups": "leads"},
        {"email": "kim@acme.com", "email_verified": True, "groups": ["LEADS", "lead"]},
        {"name": "sam@acme.com", "preferred_username": "sam@acme.com", "email_verified": True},
    ],
)
def test_claims_that_nobody_vouches_for_give_no_role(claims: dict[str, Any]) -> None:
    assert signed_in(claims, ACCESS) is None


def test_the_packaged_policy_has_the_roles_that_an_older_file_gets() -> None:
    assert policy().access.roles == ROLES
    assert policy().access.members == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"members": {"a@b.c": {"role": "king"}}},
        {"members": {"a@b.c": {"role": "account_manager"}}},
        {"everybody": "account_manager"},
        {"roles": {"odd": {"customers": "none", "personal": False, "areas": ["customers"]}}},
    ],
)
def test_rules_that_contradict_each_other_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"role|customers"):
        Access.model_validate(wrong)


def config(monkeypatch: pytest.MonkeyPatch, **more: str) -> Settings:
    for name in OIDC:
        monkeypatch.delenv(name, raising=False)
    for name, value in more.items():
        monkeypatch.setenv(name, value)
    return Settings()


@pytest.mark.faults("V2")
def test_half_a_configuration_lets_nobody_in_instead_of_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in, "find_spec", lambda _: object())
    assert sign_in.is_on(config(monkeypatch)) is False
    assert sign_in.is_on(config(monkeypatch, **OIDC)) is True
    for name in OIDC:
        if name != "GTM_DASHBOARD_URL":
            with pytest.raises(SettingsError, match=name):
                sign_in.is_on(config(monkeypatch, **{**OIDC, name: ""}))
    with pytest.raises(SettingsError, match="GTM_DASHBOARD_URL"):
        sign_in.is_on(config(monkeypatch, **{**OIDC, "GTM_DASHBOARD_URL": ""}))
    with pytest.raises(SettingsError, match="too short"):
        sign_in.is_on(config(monkeypatch, **{**OIDC, "GTM_OIDC_COOKIE_SECRET": "short"}))
    monkeypatch.setattr(sign_in, "find_spec", lambda _: None)
    with pytest.raises(SettingsError, match="Authlib"):
        sign_in.is_on(config(monkeypatch, **OIDC))


def test_streamlit_is_given_the_secrets_in_memory_and_no_command_line_has_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sign_in, "find_spec", lambda _: object())
    handed = sign_in.secrets_of(config(monkeypatch, **OIDC))["auth"]
    assert handed["redirect_uri"] == "https://gtm.acme.example/oauth2callback"
    assert handed["client_secret"] == "hunter2-SECRET"
    settings.cache_clear()
    line = " ".join(process.command(8501))
    settings.cache_clear()
    assert str(process.SIGNED_IN) in line
    assert "SECRET" not in line


def test_nobody_signs_in_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    config(monkeypatch)
    settings.cache_clear()
    assert visitor.visitor() == TRUSTED
    assert str(process.SCRIPT) in process.command(8501)
