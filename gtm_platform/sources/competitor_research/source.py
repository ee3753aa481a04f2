"""Competitor research: who uses whose product, by the notes of people."""

from gtm_platform.ingest.files.layout import FileLayout
from gtm_platform.ingest.files.streams import file_source
from gtm_platform.sources.competitor_research.records import HEADINGS, CompetitorUse, use_facts
from gtm_platform.sources.competitor_research.settings import CompetitorResearchSettings

LAYOUTS = {
    "competitor_use": FileLayout(
        record=CompetitorUse,
        key=("use_key",),
        names=("competitor", "research"),
        headings=HEADINGS,
        required=(("company_domain", "competitor"), ("company_name", "competitor")),
        derive=use_facts,
    )
}
SOURCE = file_source(
    "competitor_research",
    CompetitorResearchSettings,
    LAYOUTS,
    about="Companies that use a competitor's product, from research that is dropped as files.",
    minute=14,
)
