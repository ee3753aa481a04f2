"""What a person needs to know who brings lists of Sales Navigator in: no variable."""

from gtm_platform.ingest.files.streams import FileSettings


class LinkedInListSettings(FileSettings):
    """Lists of Sales Navigator have no API that is open; they are dropped as files."""

    title = "LinkedIn Sales Navigator lists"
    where = "drop CSV files into `drop/linkedin_sales_nav`; docs/files.md says how"
