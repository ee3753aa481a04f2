"""Names in the policy that mean nothing for HubSpot are refused when the platform loads, with the nearest that does."""

import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from gtm_platform.delivery.hubspot.policy_names import refuse_unknown_names
from gtm_platform.policy import PolicyError, policy, read

PACKAGED = files("gtm_platform").joinpath("policy/policy.toml").read_text()
SOURCES = {"stripe", "hubspot"}


def edited(before: str, after: str) -> str:
    assert PACKAGED.count(before) == 1
    return PACKAGED.replace(before, after)


WAITING = '"core/unified_companies.cohort_priority_score",\n]'
PLACES = {
    "a table": (WAITING, f'{WAITING[:-1]}  "health/customer_helth",\n]'),
    "a source": ("may_be_late = []", 'may_be_late = ["strip"]'),
    "a property": ('default = "theirs"', 'default = "theirs"\nproperties = { gtm_mr = "ours" }'),
    "a type of objects": ("[hubspot.names]\n\n", '[hubspot.names.company]\nsignal_strength = "strength"\n\n'),
    "what has a name": ("[hubspot.names]\n\n", '[hubspot.names.companies]\nsignal_strenght = "strength"\n\n'),
}
SENTENCES = {
    "a table": "hubspot.freshness.waiting: 'health/customer_helth' is no table, column, type of objects or property "
    "that a value for HubSpot is made of. Did you mean 'health/customer_health'?",
    "a source": "hubspot.freshness.may_be_late: 'strip' is no source. Did you mean 'stripe'?",
    "a property": "hubspot.conflicts.properties: 'gtm_mr' is no property that is written. Did you mean 'gtm_mrr'?",
    "a type of objects": "hubspot.names: 'company' is no type of objects that is delivered. Did you mean 'companies'?",
    "what has a name": "The policy names signal_strenght in hubspot.names.companies, but no property of HubSpot's "
    "companies is called so here; those that are: ",
}


@pytest.mark.parametrize("place", PLACES)
def test_an_unknown_name_is_refused_with_the_nearest(place: str) -> None:
    with pytest.raises(PolicyError) as refusal:
        refuse_unknown_names(read(edited(*PLACES[place]), "mine.toml"), SOURCES)
    assert str(refusal.value).startswith(SENTENCES[place])


def test_names_that_a_policy_gives_count_and_the_packaged_ones_exist() -> None:
    refuse_unknown_names(policy(), SOURCES)
    renamed = edited('property_prefix = ""', 'property_prefix = "acme_"').replace(
        'default = "theirs"', 'default = "theirs"\nproperties = { acme_gtm_mrr = "ours" }'
    )
    refuse_unknown_names(read(renamed, "mine.toml"), SOURCES)


def test_the_platform_does_not_load_with_such_a_policy(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(edited(*PLACES["a source"]))
    environment = os.environ | {"GTM_POLICY": str(path), "GTM_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "gtm_platform.cli", "hubspot", "apply"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "hubspot.freshness.may_be_late: 'strip' is no source. Did you mean 'stripe'?" in ran.stderr
    assert "Traceback" not in ran.stderr
