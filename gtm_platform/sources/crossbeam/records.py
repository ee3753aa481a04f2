"""Crossbeam's records: field names of ours, paths into theirs."""

from typing import Annotated, Any

from pydantic import BeforeValidator

from gtm_platform.ingest.record import Id, MaybeBool, MaybeId, MaybeText, Record, at, fact


def _named(key: str) -> BeforeValidator:
    """The values under a key of a list of objects."""

    def values(value: Any) -> Any:
        if not isinstance(value, list):
            return [] if value is None else value
        return [each.get(key) for each in value if isinstance(each, dict) and each.get(key) is not None]

    return BeforeValidator(values)


Labels = Annotated[list[str], _named("label")]
Names = Annotated[list[str], _named("name")]


class Partner(Record):
    """A company that shares its books with us."""

    id: Id = at("uuid", default=..., about="Crossbeam's id.")
    name: MaybeText = at("name", about="What it is called.")
    domain: MaybeText = at("domain", about="Its domain.")
    tags: Labels = at("tags", default=[], about="How we tagged it; kind and tier by our convention.")


class Overlap(Record):
    """An account that a partner and we both have in our books: an introduction, no referral."""

    record_key: Id = at("crossbeam_record_id", default=..., about="Crossbeam's id of our account.")
    partner_record_key: Id = at("partner_crossbeam_record_id", default=..., about="Crossbeam's id of theirs.")
    partner_id: MaybeId = at("partner_id", about="The partner; see crossbeam/partners.")
    partner_name: MaybeText = at("partner_name", about="What the partner is called.")
    partner_domain: MaybeText = fact("partner_domain", about="The partner's domain, by the list of partners.")
    record_id: MaybeId = at("record_id", about="Our account in our CRM.")
    name: MaybeText = at("record_name", about="What our account is called.")
    website: MaybeText = at("record_website", about="Its web site.")
    populations: Names = at("populations", default=[], about="In which of our lists it is: customers, prospects.")
    partner_record_name: MaybeText = at("partner_record_name", about="What the partner calls it.")
    partner_website: MaybeText = at("partner_record_website", about="Its web site, as the partner has it.")
    partner_populations: Names = at("partner_populations", default=[], about="In which of the partner's lists it is.")
    owner_name: MaybeText = at("partner_owner", "owner_name", personal=True, about="Who of the partner looks after it.")
    owner_email: MaybeText = at("partner_owner", "owner_email", personal=True, about="Their address.")
    is_deleted: MaybeBool = at("is_deleted", about="It is no overlap any more.")

    def is_gone(self) -> bool:
        return bool(self.is_deleted)
