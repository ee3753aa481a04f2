"""LinkedIn Sales Navigator: whom we want to sell to, by the lists that people keep."""

from gtm_platform.ingest.files.streams import file_source
from gtm_platform.sources.linkedin_sales_nav.layouts import LAYOUTS
from gtm_platform.sources.linkedin_sales_nav.settings import LinkedInListSettings

SOURCE = file_source(
    "linkedin_sales_nav",
    LinkedInListSettings,
    LAYOUTS,
    about="Lists of target accounts and of leads, from files that are dropped.",
)
