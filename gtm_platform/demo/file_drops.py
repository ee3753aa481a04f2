"""Files that the people of the made-up company drop: fetched from the sandbox, put where the platform looks for them.

What stands in them is the sandbox's affair, and what becomes of them that of `ingest.files`.
"""

import os
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from gtm_platform.demo.sandbox_process import Box


def drop_files(box: Box, home: Path, since: datetime | None) -> list[Path]:
    """Put what was dropped in the sandbox after an instant, or ever, into the drop folders of a home."""
    params = {"since": since.isoformat()} if since else {}
    dropped = []
    for file in box.ask("files", **params)["files"]:
        folder = home / "drop" / file["source"]
        folder.mkdir(parents=True, exist_ok=True)
        path, draft = folder / file["name"], folder / f".{file['name']}"
        draft.write_bytes(box.download(f"files/{file['source']}/{quote(file['name'])}"))
        at = datetime.fromisoformat(file["at"]).timestamp()
        os.utime(draft, (at, at))
        dropped.append(draft.replace(path))
    return dropped
