"""The policy file: what is wrong in it is told with its line, and its hash tells rules apart."""

from importlib.resources import files
from pathlib import Path

import pytest

from gtm_platform.policy import PolicyError, policy, read
from gtm_platform.settings import settings

PACKAGED = files("gtm_platform").joinpath("policy/policy.toml").read_text()


def line_of(text: str, start: str) -> int:
    """The number of the one line that begins so."""
    [number] = [number for number, line in enumerate(text.splitlines(), 1) if line.startswith(start)]
    return number


def refused(text: str) -> str:
    with pytest.raises(PolicyError) as refusal:
        read(text, "mine.toml")
    return str(refusal.value)


def edited(old: str, new: str) -> str:
    assert PACKAGED.count(old) == 1, f"{old!r} does not stand once in the packaged policy"
    return PACKAGED.replace(old, new)


def test_the_packaged_policy_can_be_used() -> None:
    assert policy().health.weights.activity == 25
    assert policy() == read(PACKAGED, "policy.toml")


def test_an_unknown_key_is_told_with_its_line() -> None:
    text = edited("inactive_days = 30", "inactive_days = 30\ninactive_dayz = 31")
    line = line_of(text, "inactive_dayz")
    assert refused(text) == f"mine.toml, line {line}: health.inactive_dayz: this key is not known"


def test_an_unknown_table_is_told_with_its_line() -> None:
    text = PACKAGED + "\n[helth]\nslope = 1\n"
    assert refused(text) == f"mine.toml, line {line_of(text, '[helth]')}: helth: this key is not known"


def test_a_missing_key_is_told_with_the_line_of_its_table() -> None:
    text = edited("midpoint = 45\n", "")
    line = line_of(text, "[health.churn]")
    assert refused(text) == f"mine.toml, line {line}: health.churn.midpoint: this key is missing"


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("slope = 10", 'slope = "steep"', "health.churn.slope"),
        ("slope = 10", "slope = 0", "health.churn.slope"),
        ("csat_share = 0.6", "csat_share = 1.6", "health.csat_share"),
        ("delinquent = -25", "delinquent = 25", "health.overrides.delinquent"),
        ("full_every_days = 7", "full_every_days = 0", "sync.full_every_days"),
        ("logins_for_full_engagement = 12", "logins_for_full_engagement = 1.5", "health.logins_for_full_engagement"),
        ('discounts = "recurring"', 'discounts = "some"', "subscriptions.discounts"),
        ('eur = "1.09"', 'eur = "-1"', "money.rates.eur"),
        (
            next(line for line in PACKAGED.splitlines() if line.startswith("ai_job_words")),
            "ai_job_words = '('",
            "market.hiring.ai_job_words",
        ),
    ],
)
def test_a_value_that_cannot_be_is_told_with_its_line(old: str, new: str, key: str) -> None:
    text = edited(old, new)
    line = line_of(text, new.partition(" ")[0] + " = " + new.partition(" = ")[2])
    assert refused(text).startswith(f"mine.toml, line {line}: {key}: ")


def test_weights_have_to_sum_to_a_hundred() -> None:
    text = edited("activity = 25", "activity = 26")
    reasons = refused(text)
    assert f"line {line_of(text, '[health.weights]')}: health.weights: " in reasons
    assert "the weights sum to 101, not to 100" in reasons


def test_lowest_scores_have_to_descend() -> None:
    assert "must descend" in refused(edited("at_risk = 50", "at_risk = 75"))


def test_the_days_of_the_activity_points_have_to_rise() -> None:
    assert "must rise" in refused(edited("[14, 65], [30, 30]", "[30, 65], [14, 30]"))


def test_the_reporting_currency_has_the_rate_one() -> None:
    assert "the rate of the reporting currency usd must be given as 1" in refused(edited('usd = "1"', 'usd = "1.1"'))


def test_every_mistake_is_told_at_once() -> None:
    reasons = refused(edited("slope = 10", "slope = -1").replace("midpoint = 45\n", ""))
    assert len(reasons.splitlines()) == 2


def test_what_is_no_toml_is_told_with_its_line() -> None:
    assert refused("[health\n").startswith("mine.toml is not TOML: ")
    assert "line 1" in refused("[health\n")


def test_the_hash_changes_with_a_value_and_with_nothing_else() -> None:
    same = read("# a remark\n" + PACKAGED.replace("slope = 10", "slope    =   10"), "mine.toml")
    other = read(edited("slope = 10", "slope = 11"), "mine.toml")
    assert same.hash == policy().hash
    assert other.hash != policy().hash
    assert len(policy().hash) == 12


def test_a_file_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(edited("inactive_days = 30", "inactive_days = 45"))
    monkeypatch.setenv("GTM_POLICY", str(mine))
    settings.cache_clear()
    assert policy().health.inactive_days == 45


def test_a_file_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GTM_POLICY", str(tmp_path / "gone.toml"))
    settings.cache_clear()
    with pytest.raises(PolicyError, match=r"GTM_POLICY names .*gone\.toml, which cannot be read: No such file"):
        policy()


def test_what_to_do_about_a_signal_is_the_policys() -> None:
    old = 'inactive = "Win the customer back: not seen for {inactive_days} days or more."'
    mine = read(edited(old, 'inactive = "Ring, after {inactive_days} days."'), "mine.toml")
    assert mine.health.action("inactive") == "Ring, after 30 days."
    assert "there is no signal inactiv; there are" in refused(edited(old, 'inactiv = "Ring."'))
    assert "may name {inactive_days} and {renewal_days}" in refused(edited(old, 'inactive = "Ring {name}."'))
