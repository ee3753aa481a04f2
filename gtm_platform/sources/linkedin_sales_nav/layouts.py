"""Which columns the files of lists have. There is no official layout, so headings are recognised by what people use."""

from gtm_platform.ingest.files.layout import FileLayout
from gtm_platform.sources.linkedin_sales_nav.keys import account_facts, lead_facts
from gtm_platform.sources.linkedin_sales_nav.records import Account, Lead

COMPANY = ("company", "account", "account name", "organization", "organisation")
WEBSITE = ("website", "domain", "company website", "company domain")
COMPANY_PAGE = ("regularCompanyUrl", "companyUrl", "company linkedin url", "linkedin company page")

LAYOUTS = {
    "accounts": FileLayout(
        record=Account,
        key=("list_name", "account_key"),
        names=("accounts", "companies"),
        headings={
            "company_name": COMPANY,
            "website": WEBSITE,
            "linkedin_company_url": (*COMPANY_PAGE, "linkedin url", "linkedin"),
            "linkedin_company_id": ("companyId",),
            "industry": (),
            "employee_count": ("employees", "employeesCount", "company size", "employeeCountRange", "headcount"),
            "headquarters": ("location", "hq"),
            "country": (),
            "list_name": ("list",),
            "owner_email": ("owner",),
            "notes": ("note", "comment"),
        },
        required=(("company_name",), ("linkedin_company_url",)),
        derive=account_facts,
    ),
    "leads": FileLayout(
        record=Lead,
        key=("list_name", "lead_key"),
        names=("leads", "contacts", "connections"),
        headings={
            "first_name": ("first",),
            "last_name": ("last", "surname"),
            "full_name": ("name",),
            "title": ("job title", "position", "headline"),
            "company_name": COMPANY,
            "company_website": WEBSITE,
            "linkedin_profile_url": (
                "defaultProfileUrl",
                "linkedInProfileUrl",
                "linkedin url",
                "person linkedin url",
                "linkedin",
                "url",
            ),
            "sales_nav_url": ("profile url", "sales navigator url"),
            "linkedin_company_url": COMPANY_PAGE,
            "email": ("email address", "work email", "e-mail"),
            "location": (),
            "list_name": ("list",),
            "owner_email": ("owner",),
            "connected_on": (),
        },
        required=(
            ("linkedin_profile_url",),
            ("sales_nav_url",),
            ("email",),
            ("full_name", "company_name"),
            ("first_name", "last_name", "company_name"),
        ),
        derive=lead_facts,
    ),
}
