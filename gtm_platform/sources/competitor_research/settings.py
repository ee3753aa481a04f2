"""What a person needs to know who brings research in: no variable."""

from gtm_platform.ingest.files.streams import FileSettings


class CompetitorResearchSettings(FileSettings):
    """What people of ours learn about companies is noted in a spreadsheet; it is dropped as a file."""

    title = "Competitor research"
    where = "drop CSV files into `drop/competitor_research`; docs/files.md says how"
