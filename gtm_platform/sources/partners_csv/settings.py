"""What a person needs to know who brings files about partners in: no variable."""

from gtm_platform.ingest.files.streams import FileSettings


class PartnerFileSettings(FileSettings):
    """Most teams keep their partners in spreadsheets; they are dropped as files."""

    title = "Partner files"
    where = "drop CSV files into `drop/partners_csv`; docs/files.md says how"
