"""What a signal looks like to us: our documented format, and the flat one that automation tools make of it."""

from gtm_platform.ingest.hooks.streams import PushedRecord
from gtm_platform.ingest.record import MaybeAmount, MaybeInstant, MaybeText, either, fact


class Signal(PushedRecord):
    """Something that a company or a person did, by whoever sends it."""

    sender: MaybeText = fact("sender", about="The hook that it came by.")
    kind: MaybeText = fact("kind", about="As of market/signals; what is none of these is `listed`.")
    name: MaybeText = either(("signal", "name"), ("signal",), ("type",), about="What the sender calls it.")
    company_domain: MaybeText = fact("company_domain", about="Domain of the company.")
    company_name: MaybeText = either(("company", "name"), ("company_name",), about="What the company is called.")
    company_linkedin_url: MaybeText = either(("company", "linkedin_url"), about="Its page at LinkedIn.")
    person_email: MaybeText = either(("person", "email"), ("email",), personal=True, about="Who did it.")
    person_name: MaybeText = either(("person", "full_name"), ("name",), personal=True, about="First and last name.")
    person_title: MaybeText = either(("person", "title"), ("title",), about="What they are there.")
    strength: MaybeAmount = either(("signal", "strength"), ("strength",), about="0 to 1, as the sender has it.")
    url: MaybeText = either(("signal", "url"), ("url",), about="Where it can be seen.")
    occurred_at: MaybeInstant = fact("occurred_at", about="When it happened, where the sender says so.")
