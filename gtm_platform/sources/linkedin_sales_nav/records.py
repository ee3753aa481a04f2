"""What the rows of lists look like to us."""

from gtm_platform.ingest.files.streams import FileRow
from gtm_platform.ingest.record import Id, MaybeId, MaybeInt, MaybeText, fact

LIST = "The list: its column, else the file's name without kind and date."
PAGE = "The company's page: company/ and its name or number."


class Account(FileRow):
    """A company on a list of target accounts, as its newest file has it."""

    list_name: Id = fact("list_name", default=..., about=LIST)
    account_key: Id = fact("account_key", default=..., about="Its page at LinkedIn, else its domain, else its name.")
    company_name: MaybeText = fact("company_name", about="As whoever made the list wrote it.")
    domain: MaybeText = fact("domain", about="The host of its website.")
    linkedin_company_key: MaybeId = fact("linkedin_company_key", about=PAGE)
    linkedin_company_id: MaybeId = fact("linkedin_company_id", about="Its number at LinkedIn.")
    industry: MaybeText = fact("industry", about="As LinkedIn calls it.")
    employees_min: MaybeInt = fact("employees_min", about="The least of the range of employees.")
    employees_max: MaybeInt = fact("employees_max", about="The most of the range; null where it is open.")
    headquarters: MaybeText = fact("headquarters", about="Where its head office is.")
    country: MaybeText = fact("country", about="Country, as the file has it.")
    owner_email: MaybeText = fact("owner_email", personal=True, about="Who of us looks after the account.")
    notes: MaybeText = fact("notes", personal=True, about="What somebody noted about it.")


class Lead(FileRow):
    """A person on a list of leads, as its newest file has them."""

    list_name: Id = fact("list_name", default=..., about=LIST)
    lead_key: Id = fact(
        "lead_key",
        default=...,
        personal=True,
        about="Page at LinkedIn, else id in Sales Navigator, else address, else name and company.",
    )
    full_name: MaybeText = fact("full_name", personal=True, about="As they call themselves, with titles and emoji.")
    first_name: MaybeText = fact("first_name", personal=True, about="First name.")
    last_name: MaybeText = fact("last_name", personal=True, about="Last name.")
    email: MaybeText = fact("email", personal=True, about="Address, where the list has it; in lower case.")
    title: MaybeText = fact("title", about="What they do.")
    company_name: MaybeText = fact("company_name", about="Where they work, in their own words.")
    domain: MaybeText = fact("domain", about="The host of the company's website.")
    linkedin_company_key: MaybeId = fact("linkedin_company_key", about=PAGE)
    linkedin_person_key: MaybeId = fact(
        "linkedin_person_key", personal=True, about="Their public page: in/ and a name."
    )
    sales_nav_id: MaybeId = fact("sales_nav_id", personal=True, about="Their id in Sales Navigator.")
    location: MaybeText = fact("location", personal=True, about="Where they live.")
    connected_on: MaybeText = fact("connected_on", about="When they were connected with whoever exported the list.")
    owner_email: MaybeText = fact("owner_email", personal=True, about="Who of us looks after them.")
