"""The rest of one person's life: use of the product, calls, and what is billed elsewhere than by Stripe.

It has numbers of its own, so that what `life` decides does not depend on it.
"""

from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from gtm_platform.sandbox.chartmogul.store import MirroredAccount
from gtm_platform.sandbox.stripe.store import StripeSubscription
from gtm_platform.sandbox.world import catalogue, orb_catalogue
from gtm_platform.sandbox.world.agenda import share
from gtm_platform.sandbox.world.billing import Account
from gtm_platform.sandbox.world.billing_state import BillingState
from gtm_platform.sandbox.world.calls import Calls
from gtm_platform.sandbox.world.catalogue import Line
from gtm_platform.sandbox.world.elsewhere import BY_HAND, ORB, UNREAD, Billed
from gtm_platform.sandbox.world.history import BillingHistory, PersonHistory, as_of
from gtm_platform.sandbox.world.mirror import import_customer, mirrored
from gtm_platform.sandbox.world.orb_contracts import OrbContract
from gtm_platform.sandbox.world.product_users import ProductStanding, ProductUser

if TYPE_CHECKING:
    from gtm_platform.sandbox.world.life import Life

_MOVES, _BOTH = 0.3, 0.2  # shares of those who left Stripe, and of those who stay
_CALLS_EVERY = {"payer": 48, "contract": 40, "trial": 70, "free": 160, "lead": 190, "abandoned": 190}
_PANEL_STATUS = {"trialing": "trialing", "active": "active", "past_due": "past_due", "unpaid": "past_due"}


class FurtherLife:
    """Made before the person enters any system, and begun when they have."""

    def __init__(self, life: "Life") -> None:
        self._life = life
        context, person = life.context, life.person
        self._key = f"{context.seed}:{person.number}"
        self._billed = Billed(context, life.agenda, person, life.person_history, self._billing_changed)
        self._orb: OrbContract | None = None
        self._user: ProductUser | None = None
        self._mirrors: list[tuple[Account, PersonHistory]] = []
        self.moves_to_orb = self._moves()
        if not life.in_hubspot or self.moves_to_orb:
            self._billed.use_own_address()
        if life.elsewhere == ORB and life.signed_up:
            self._orb = self._agree(life.signed_up)
        elif self.moves_to_orb:
            left = life.contracts[-1].end or life.contracts[-1].start + timedelta(days=60)
            self._orb = self._agree(left + timedelta(days=36))

    def _agree(self, after: datetime) -> OrbContract:
        contract = self._billed.agree(after, self._life.present)
        if contract.end != contract.trial_end and share(f"{self._key}:stays") < self._life.context.staying:
            contract.end = contract.notice = None
        return contract

    def _moves(self) -> bool:
        """Whether somebody who pays through Stripe goes to Orb in the end, or has a contract there as well."""
        life = self._life
        if life.kind != "payer" or life.billing not in ("own address", "second address, known to HubSpot"):
            return False
        last, roll = life.contracts[-1], share(f"{self._key}:moves")
        if last.end:
            return last.ending != "deleted" and roll < _MOVES
        return not last.losses and roll < _BOTH

    @property
    def needs_contact(self) -> bool:
        """Whether another system says by the id of the HubSpot contact who they are."""
        return self._orb is not None and self._billed.link == "finance, by HubSpot id"

    def comes_back(self, end: datetime) -> bool:
        """Whether a contract at Orb begins after another one has ended."""
        return self._orb is not None and self._orb.start > end

    @property
    def ends(self) -> datetime | None:
        """When the contract at Orb is over."""
        return self._orb.end if self._orb else None

    # --- Beginning ---

    def begin(self) -> None:
        """Enter the other systems, each in its time."""
        life = self._life
        if life.signed_up:
            self._use_product(life.signed_up)
        if self._orb:
            self._open_orb(self._orb)
        elif life.elsewhere == BY_HAND and life.signed_up:
            history = self._billed.bill_by_hand(life.signed_up, life.present)
            life.plan_fading(self._billed.rng, history.since, next(iter(history.losses), None))
        elif life.elsewhere == UNREAD and life.signed_up:
            self._copy_unread(life.signed_up)
        self._import()
        self._arrange_calls()

    def _use_product(self, signed_up: datetime) -> None:
        life = self._life
        rng = Random(f"{self._key}:product")
        self._user = ProductUser(
            life.context,
            life.agenda,
            rng,
            life.person,
            life.person_history,
            life.usage,
            signed_up,
            self._second,
            life.stays_in_intercom,
            life.kind in ("payer", "contract"),
        )
        if not life.in_intercom:
            life.agenda.at(signed_up, life.begin_use)
            if life.kind == "free":
                life.agenda.at(signed_up + timedelta(days=rng.randrange(5, 90)), life.usage.change, 0.03)

    def close_accounts(self, at: datetime) -> None:
        """Take away the person's seats in the product."""
        if self._user:
            self._user.close_accounts(at)

    @property
    def _second(self) -> str | None:
        """The person's further address, if HubSpot knows whose it is."""
        life = self._life
        return life.second if life.file and not life.billing.endswith("known by id") else None

    def _open_orb(self, contract: OrbContract) -> None:
        life = self._life
        contact = life.file.contact_id if life.file and self.needs_contact else None
        stripe = life.accounts[-1] if self.moves_to_orb else None
        account = self._billed.open_orb(contract, contact, stripe)
        stays = bool(stripe and not life.contracts[-1].end)
        if stays:
            account.history.losses.clear()  # what Stripe bills goes on
        life.agenda.at(contract.start, life.resume_use)
        life.plan_fading(self._billed.rng, contract.start, contract.end, leaves=not stays)
        if contract.notice and self._billed.rng.random() < 0.6:
            asks = contract.notice - timedelta(seconds=self._billed.rng.randrange(3 * 86400))
            life.agenda.at(max(asks, contract.start), life.ask_to_leave)

    def _copy_unread(self, signed_up: datetime) -> None:
        life, rng = self._life, self._billed.rng
        line = Line(rng.choice(("starter_month", "pro_month", "starter_year", "pro_year")))
        copied = life.person_history.copied = self._billed.copy(line)
        begin = (signed_up + timedelta(days=rng.uniform(1, 20))).replace(microsecond=0)
        moments = [(begin, "active")]
        if rng.random() < 0.5:
            owes = (max(begin, life.present) + timedelta(days=rng.uniform(1, 60))).replace(microsecond=0)
            moments += [(owes, "past_due"), (owes + timedelta(days=4), "active")]

        def copy(at: datetime, status: str) -> None:
            if life.intercom and life.intercom.copy_unread(at, line, copied.currency, status):
                copied.states.append((at, status))

        for at, status in moments:
            life.agenda.at(at, copy, status)

    def _arrange_calls(self) -> None:
        life, person = self._life, self._life.person
        is_known = life.in_intercom or bool(life.contracts) or (life.file and life.file.email)
        if not is_known:
            return  # nothing but an address could tell who booked
        ends = [contract.end for contract in life.contracts if contract.end] + ([self.ends] if self.ends else [])
        contact = life.file.contact_id if life.file else None
        Calls(
            life.context,
            life.agenda,
            Random(f"{self._key}:calls"),
            person,
            life.person_history,
            (person.email, *([self._second] if self._second else [])),
            life.manager,
            _CALLS_EVERY[life.kind],
            max(person.born, life.signed_up or person.born) + timedelta(hours=3),
            max(ends, default=None),
            contact,
        )

    # --- Billing ---

    def mirror(self, account: Account, person_history: PersonHistory) -> None:
        """Note an account at Stripe, to be imported into ChartMogul."""
        self._mirrors.append((account, person_history))

    def _import(self) -> None:
        """Import what Stripe bills; what Orb bills the same customer goes into the same record."""
        life = self._life
        for place, (account, person_history) in enumerate(self._mirrors):
            accounts: list[MirroredAccount] = [mirrored(account.history, "stripe")]
            if self._orb and place == len(self._mirrors) - 1:
                accounts.append(mirrored(life.person_history.orb[-1], "orb"))
            rng = Random(f"{account.history.id}:mirror:{self._key}")
            email, since = account.customer.email, account.customer.created
            import_customer(life.context, rng, life.person, person_history, accounts, email, since)

    def stripe_changed(self, at: datetime, account: BillingState) -> None:
        """Pass on how a Stripe customer stands."""
        if self._user and account.subscription:
            is_known = not account.customer.deleted and self._life.billing != "shared inbox"
            stripe_id = account.customer.id if is_known else None
            self._user.bill(at, _standing_at_stripe(account, account.subscription), stripe_id)

    def _billing_changed(self, at: datetime, history: BillingHistory) -> None:
        """Pass on how somebody stands who is billed elsewhere."""
        begun = as_of(history.statuses, at + timedelta(seconds=1))
        if self._user and begun:
            tier = orb_catalogue.plan_tier(self._orb.offer) if self._orb else "pro"
            status = _PANEL_STATUS.get(begun, "canceled")
            self._user.bill(at, ProductStanding(status, tier if status != "canceled" else "free"), None)
        if history.mrr and history.mrr[-1][1]:
            self._life.mark_customer(at, self._billed.rng)


def _standing_at_stripe(account: BillingState, subscription: StripeSubscription) -> ProductStanding:
    status = _PANEL_STATUS.get(subscription.status, "canceled")
    if subscription.status == "paused" or subscription.pause_behavior:
        status = "paused"
    return ProductStanding(status, "free" if status == "canceled" else catalogue.tier(account.lines[0]))
