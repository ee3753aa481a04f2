"""Deals in HubSpot, and what salespeople write down: notes, calls, meetings, e-mails, tasks."""

from datetime import datetime, timedelta
from random import Random

from gtm_platform.sandbox.hubspot.store import HubSpotRecord
from gtm_platform.sandbox.world import catalogue, fixtures
from gtm_platform.sandbox.world.agenda import DAY, Agenda, share
from gtm_platform.sandbox.world.context import Context
from gtm_platform.sandbox.world.contracts import Contract
from gtm_platform.sandbox.world.hubspot_file import HubSpotFile, company_record_id, phone
from gtm_platform.sandbox.world.hubspot_links import tie
from gtm_platform.sandbox.world.people import Person

_PAST = timedelta(days=120)
_PROBABILITY = {
    **dict(zip(fixtures.OPEN_STAGES, ("0.2", "0.4", "0.6", "0.8", "0.9"), strict=True)),
    "closedwon": "1.0",
    "closedlost": "0.0",
}
_LOST = ("Price", "Chose a competitor", "No budget this year", "Went silent")
_ENGAGEMENTS = ("notes", "calls", "meetings", "emails", "tasks")
_ANSWERED, _SLOWEST = 0.8, timedelta(hours=40)  # share of their e-mails that somebody answers, and how late at most


class Sales:
    """What salespeople do about one person: deals won, lost and hoped for, and a log of engagements."""

    def __init__(
        self,
        context: Context,
        agenda: Agenda,
        rng: Random,
        person: Person,
        file: HubSpotFile,
        since: datetime,
        manager: int,
    ) -> None:
        self._context = context
        self._agenda = agenda
        self._rng = rng
        self._person = person
        self._file = file
        self._owner = fixtures.owner_id(manager)
        self._deals = 0
        self._logged = 0
        self._open_deals: dict[str, HubSpotRecord] = {}
        self._expect_log(max(since, context.start - _PAST))

    # --- Deals ---

    def court(self, contract: Contract, since: datetime) -> None:
        """A deal that leads to a contract: it is won on the day on which the contract begins."""
        begin = max(since, contract.start - timedelta(days=self._rng.randrange(8, 50)))
        yearly = catalogue.monthly(contract.lines, contract.cuts, contract.currency) * 12
        self._agenda.at(begin, self._open, yearly, contract.currency, contract.start, "closedwon")

    def hope(self, at: datetime) -> None:
        """A deal that comes to nothing, sooner or later."""
        over = at + timedelta(days=self._rng.randrange(15, 120), seconds=self._rng.randrange(86400))
        amount = self._rng.randrange(500, 20000) * 100
        self._agenda.at(at, self._open, amount, self._person.currency, over, "closedlost")

    def lose(self, contract: Contract) -> None:
        """A renewal that sales gave up on, shortly before the customer went."""
        if contract.end:
            yearly = catalogue.monthly(contract.lines, contract.cuts, contract.currency) * 12
            over = contract.end - timedelta(hours=1)
            begin = max(contract.anchor, over - timedelta(days=self._rng.randrange(3, 25)))
            self._agenda.at(begin, self._open, yearly, contract.currency, over, "closedlost")

    def _open(self, at: datetime, amount: int, currency: str, over: datetime, outcome: str) -> None:
        self._deals += 1
        properties = {
            "dealname": f"{self._person.company.name if self._person.company else self._person.name} - {at:%b %Y}",
            "pipeline": "default",
            "amount": catalogue.in_major(amount, currency),
            "deal_currency_code": currency.upper(),
            "closedate": fixtures.wire_time(over + timedelta(days=self._rng.randrange(-5, 15))),
            "dealtype": "newbusiness" if self._deals == 1 else "existingbusiness",
            "hubspot_owner_id": self._owner,
        }
        deal = HubSpotRecord(str(3_000_000_000 + self._person.number * 16 + self._deals % 16), properties, at, at)
        self._context.hubspot.objects["deals"][deal.id] = deal
        self._tie(deal, "deals")
        self._open_deals[deal.id] = deal
        self._enter(at, deal, fixtures.OPEN_STAGES[0])
        self._file.advance_to(at, "opportunity")
        stages = (
            fixtures.OPEN_STAGES[1 : self._rng.randrange(2, 6)] if outcome == "closedlost" else fixtures.OPEN_STAGES[1:]
        )
        step = (over - at) / (len(stages) + 1)
        for place, stage in enumerate(stages, 1):
            self._agenda.at((at + step * place).replace(microsecond=0), self._enter, deal, stage)
        self._agenda.at(max(over, at), self._enter, deal, outcome)

    def _enter(self, at: datetime, deal: HubSpotRecord, stage: str) -> None:
        properties = {
            "dealstage": stage,
            "hs_deal_stage_probability": _PROBABILITY[stage],
            f"hs_v2_date_entered_{stage}": fixtures.wire_time(at),
            "hs_is_closed": "true" if stage.startswith("closed") else "false",
            "hs_is_closed_won": "true" if stage == "closedwon" else "false",
        }
        if stage.startswith("closed"):
            self._open_deals.pop(deal.id, None)
            properties["closedate"] = fixtures.wire_time(at)
        if stage == "closedlost":
            properties["closed_lost_reason"] = self._rng.choice(_LOST)
            if "contacts" in deal.links:
                self._file.person_history.lost_deals.append((at, properties["closed_lost_reason"]))
        deal.write(properties, at)
        deal.updated = at

    def _tie(self, record: HubSpotRecord, type_: str) -> None:
        store = self._context.hubspot
        if self._file.contact:
            tie(store, record, type_, "contacts", self._file.contact.id)
        if self._person.company:
            tie(store, record, type_, "companies", company_record_id(self._person.company))

    # --- Engagements ---

    def _expect_log(self, at: datetime) -> None:
        days = self._rng.expovariate(1 / 130)
        self._agenda.at((at + timedelta(days=days)).replace(microsecond=0), self._log)

    def _log(self, at: datetime) -> None:
        contact = self._file.contact
        if not contact or contact.archived:
            return
        type_ = self._rng.choice(_ENGAGEMENTS)
        record = self._enter_log(at, type_, self._written(type_, at))
        late = share(f"answer {record.id}")
        if record.properties.get("hs_email_direction") == "INCOMING_EMAIL" and late < _ANSWERED:
            self._agenda.at((at + _SLOWEST * late**2).replace(microsecond=0), self._answer, record.id)
        self._expect_log(at)

    def _answer(self, at: datetime, email_id: str) -> None:
        contact = self._file.contact
        if contact and not contact.archived and email_id in self._context.hubspot.objects["emails"]:
            self._enter_log(at, "emails", _email("Re: any news?", "EMAIL", f"Hi {self._person.first}, yes!"))

    def _enter_log(self, at: datetime, type_: str, written: dict[str, str]) -> HubSpotRecord:
        """Enter a touch with the contact, its company and the deals that are open."""
        self._logged += 1
        properties = {"hs_timestamp": fixtures.wire_time(at), "hubspot_owner_id": self._owner, **written}
        record = HubSpotRecord(str(4_000_000_000 + self._person.number * 1000 + self._logged), properties, at, at)
        self._context.hubspot.objects[type_][record.id] = record
        self._tie(record, type_)
        for deal_id in self._open_deals:
            tie(self._context.hubspot, record, type_, "deals", deal_id)
        return record

    def _written(self, type_: str, at: datetime) -> dict[str, str]:
        rng, first = self._rng, self._person.first
        if type_ == "notes":
            return {
                "hs_note_body": rng.choice(
                    (f"<p>{first} wants a demo for the team.</p>", "<p>Budget is confirmed.</p>")
                )
            }
        if type_ == "calls":
            return {
                "hs_call_title": f"Call with {first}",
                "hs_call_direction": "OUTBOUND",
                "hs_call_status": rng.choice(("COMPLETED", "NO_ANSWER")),
                "hs_call_duration": str(rng.randrange(30, 2400) * 1000),
                "hs_call_to_number": phone(rng),
            }
        if type_ == "meetings":
            begin = at + DAY * rng.randrange(1, 6)
            return {
                "hs_timestamp": fixtures.wire_time(begin),
                "hs_meeting_title": f"Check-in with {first}",
                "hs_meeting_start_time": fixtures.wire_time(begin),
                "hs_meeting_end_time": fixtures.wire_time(begin + timedelta(minutes=30)),
                "hs_meeting_outcome": rng.choice(("SCHEDULED", "COMPLETED", "NO_SHOW")),
            }
        if type_ == "emails":
            subject = rng.choice(("Your renewal", "Following up", "Next steps"))
            return _email(subject, rng.choice(("EMAIL", "INCOMING_EMAIL")), f"Hi {first}, any news?")
        return {
            "hs_task_subject": f"Follow up with {first}",
            "hs_task_status": rng.choice(("NOT_STARTED", "COMPLETED")),
            "hs_task_priority": rng.choice(("LOW", "MEDIUM", "HIGH")),
            "hs_task_type": rng.choice(("EMAIL", "CALL", "TODO")),
        }


def _email(subject: str, direction: str, body: str) -> dict[str, str]:
    return {
        "hs_email_subject": subject,
        "hs_email_text": body,
        "hs_email_direction": direction,
        "hs_email_status": "SENT",
    }
