"""Partners by file: the programme, whom partners referred, and corrections by hand."""

from gtm_platform.ingest.files.streams import file_source
from gtm_platform.sources.partners_csv.layouts import LAYOUTS
from gtm_platform.sources.partners_csv.settings import PartnerFileSettings

SOURCE = file_source(
    "partners_csv",
    PartnerFileSettings,
    LAYOUTS,
    about="Partners, their referrals, and corrections by hand, from files that are dropped.",
    minute=12,
)
