"""The truth about money: which system's word counts, what somebody pays and has paid, and how they stand.

The rules are stated in `truth`.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from gtm_platform.sandbox.chartmogul import mirror
from gtm_platform.sandbox.chartmogul.store import ChartMogulCustomer
from gtm_platform.sandbox.world.catalogue import in_major
from gtm_platform.sandbox.world.history import BillingHistory, CopiedBilling, PersonHistory, as_of
from gtm_platform.sandbox.world.subscriptions import STANDINGS

_BY_STATUS = {"active": "active", "past_due": "past_due", "Active": "active", "Past Due": "past_due"}


@dataclass(frozen=True)
class Bills:
    """What the systems hold of one person just before an instant.

    `accounts` are Stripe's, deleted ones too.
    """

    before: datetime
    accounts: list[BillingHistory]
    orb: list[BillingHistory]
    mirrored: list[ChartMogulCustomer]
    copied: CopiedBilling | None
    lost_deal: str | None = None
    by_hand: list[BillingHistory] = field(default_factory=list)

    # --- Whose word counts ---

    @property
    def direct(self) -> tuple[tuple[str, list[BillingHistory]], ...]:
        """The billing systems themselves, in the order of their precedence."""
        return ("stripe", self.accounts), ("orb", self.orb)

    @cached_property
    def source(self) -> str | None:
        """The system that says what somebody pays."""
        for timeline in ("standings", "statuses"):
            for system, accounts in self.direct:
                if any(as_of(getattr(account, timeline), self.before) for account in accounts):
                    return system
        if self.mirrored:
            return "chartmogul"
        return "intercom" if self._copied_status else None

    @property
    def of_source(self) -> list[BillingHistory]:
        """The accounts at the billing system that counts; none where only a copy is left."""
        return next((accounts for system, accounts in self.direct if system == self.source), [])

    @property
    def _copied_status(self) -> str | None:
        return as_of(self.copied.states, self.before) if self.copied else None

    # --- What somebody pays ---

    def revenue(self) -> dict[str, Any]:
        """MRR, LTV and what became of payments."""
        currency = self._currency()
        histories = (*self.accounts, *self.orb)
        ltv = sum(amount for account in histories for at, amount in account.ledger if at < self.before)
        failures = [at for account in histories for at in account.failures]
        losses = [at for account in (*histories, *self.by_hand) for at in account.losses if at >= self.before]
        return {
            "currency": currency,
            "mrr": in_major(self._mrr(), currency or "usd"),
            "mrr_source": self.source,
            "ltv": in_major(ltv, currency or "usd"),
            "subscription_status": self._subscription_status(),
            "failed_payments_30d": sum(within(at, self.before, 30) for at in failures),
            "churns_at": min(losses, default=None),
        }

    def _currency(self) -> str | None:
        if self.source == "chartmogul":
            return mirror.shown_currency(self.mirrored[0])
        if self.source == "intercom" and self.copied:
            return self.copied.currency
        accounts = self.of_source or [*self.accounts, *self.orb]
        return next((account.currency for account in accounts), None)

    def _mrr(self) -> int:
        if self.source == "chartmogul":
            return sum(mirror.mrr(customer, self.before) for customer in self.mirrored)
        if self.source == "intercom" and self.copied:
            return self.copied.amount if self._copied_status in ("active", "past_due") else 0
        return sum(as_of(account.mrr, self.before) or 0 for account in self.of_source)

    def _subscription_status(self) -> str | None:
        if self.source == "chartmogul":
            shown = mirror.status(self.mirrored[0], self.before)
            return _BY_STATUS.get(shown, "canceled")
        if self.source == "intercom":
            return self._copied_status
        # The accounts of a person follow each other, so the last one that bought anything has the newest subscription.
        statuses = [status for account in self.of_source if (status := as_of(account.statuses, self.before))]
        return statuses[-1] if statuses else None

    # --- How somebody stands ---

    def customer(self) -> dict[str, Any]:
        """Whether somebody is a customer, since when, until when, and why no longer."""
        running = {standing for _, group in self.direct for standing in self._standings(group)}
        since, (end, reason) = self._since(), self._end()
        if self.source == "chartmogul":
            running = {_BY_STATUS.get(mirror.status(customer, self.before)) for customer in self.mirrored} - {None}
            ends = (mirror.churned(customer, self.before) for customer in self.mirrored)
            end, reason = max((at for at in ends if at), default=None), None
        elif self.source == "intercom":
            running = {_BY_STATUS.get(self._copied_status or "")} - {None}
        status = next((standing for standing in STANDINGS if standing in running), None)
        has_churned = status is None and end is not None and since is not None
        return {
            "customer_status": status or ("churned" if has_churned else "prospect"),
            "is_customer": status is not None,
            "customer_since": since,
            "churned_at": end if has_churned else None,
            "churn_reason": (reason or self.lost_deal) if has_churned else None,
        }

    def _standings(self, accounts: Iterable[BillingHistory]) -> set[str | None]:
        return {as_of(account.standings, self.before) for account in accounts} - {None}

    def _since(self) -> datetime | None:
        if self.source == "chartmogul":
            begun = (mirror.customer_since(customer, self.before) for customer in self.mirrored)
            return min((at for at in begun if at), default=None)
        paid = (account.first_paid for account in (*self.accounts, *self.orb))
        since = min((at for at in paid if at), default=None)
        return since if since and since < self.before else None

    def _end(self) -> tuple[datetime | None, str | None]:
        ends = [ended for account in (*self.accounts, *self.orb) for ended in account.ends if ended[0] < self.before]
        return max(ends, key=lambda ended: ended[0], default=(None, None))

    # --- What ChartMogul makes of it ---

    def reconciliation(self) -> dict[str, Any]:
        """MRR as ChartMogul shows it, and why it is not the same; only where a billing system's own word counts."""
        if self.source not in ("stripe", "orb"):
            return {"chartmogul_mrr": None, "chartmogul_currency": None, "chartmogul_difference": None}
        ours = (self._mrr(), self._currency())
        if not self.mirrored:
            missing = "missing customer" if ours[0] else None
            return {"chartmogul_mrr": None, "chartmogul_currency": None, "chartmogul_difference": missing}
        currency = mirror.shown_currency(self.mirrored[0])
        theirs = (sum(mirror.mrr(customer, self.before) for customer in self.mirrored), currency)
        same = ours == theirs or ours[0] == theirs[0] == 0
        return {
            "chartmogul_mrr": in_major(theirs[0], currency),
            "chartmogul_currency": currency,
            "chartmogul_difference": None if same else self._cause(),
        }

    def _cause(self) -> str:
        accounts = [account for customer in self.mirrored for account in customer.accounts]
        quirks = {customer.quirk for customer in self.mirrored}
        standings = {as_of(account.standings, self.before) for account in accounts}
        worth = sum(bool(as_of(account.mrr, self.before)) for account in accounts)
        causes = {
            "cancelled at period end": "leaving" in standings,
            "trial": "trial" in quirks and "trial" in standings,
            "tax": "tax" in quirks,
            "currency": "currency" in quirks,
            "discount": "discount" in quirks
            and any(as_of(each.gross, self.before) != as_of(each.net, self.before) for each in accounts),
            "several systems": worth > 1 and len({account.source for account in accounts}) > 1,
        }
        return next((cause for cause, is_so in causes.items() if is_so), "delay")


def bills(
    person: PersonHistory, before: datetime, systems: Collection[str], in_intercom: bool, in_hubspot: bool
) -> Bills:
    """What the connected systems hold of one person's bills."""
    mirrored = [each for each in person.mirrored if each.created < before] if "chartmogul" in systems else []
    by_hand = [person.by_hand] if person.by_hand and "chartmogul" in systems else []
    return Bills(
        before,
        [each for each in person.accounts if each.since < before] if "stripe" in systems else [],
        [each for each in person.orb if each.since < before] if "orb" in systems else [],
        mirrored,
        person.copied if in_intercom else None,
        as_of(person.lost_deals, before) if in_hubspot else None,
        by_hand,
    )


def within(at: datetime, before: datetime, days: int) -> bool:
    """Is it within the last so many days, the day that ends now included?"""
    return before - timedelta(days=days) <= at < before
