"""What a person needs to know who brings exports of Reo.dev in: no variable."""

from gtm_platform.ingest.files.streams import FileSettings


class ReoExportSettings(FileSettings):
    """Reo.dev's API is an add-on; a segment can be exported without it."""

    title = "Reo.dev exports"
    where = "drop CSV files into `drop/reodev_export`; docs/files.md says how"
