"""What outlives a restart: which world it is, where its clock stands, and what was written to it."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any


class Journal:
    """Files in `<home>/sandbox`. Without a home nothing outlives the process."""

    def __init__(self, home: Path | None) -> None:
        self._folder = home / "sandbox" if home else None
        if self._folder:
            self._folder.mkdir(parents=True, exist_ok=True)

    def start_of(self, seed: int, people: int, requested: datetime | None, default: datetime) -> datetime:
        """When this home's world begins; a home holds one world for ever."""
        start = requested or default
        saved = self._read("world.json")
        if saved is None:
            self._write("world.json", {"seed": seed, "people": people, "start": start.isoformat()})
            return start
        wish = {"seed": seed, "people": people, "start": requested.isoformat() if requested else saved["start"]}
        if wish != saved:
            differing = ", ".join(
                f"{name} {saved[name]} (asked for: {wish[name]})" for name in saved if saved[name] != wish[name]
            )
            raise ValueError(
                f"The sandbox in {self._folder} holds a world with {differing}. Start it as it is, "
                "choose another home, or delete that folder to begin anew."
            )
        return datetime.fromisoformat(saved["start"])

    # --- The clock ---

    def write_clock(self, state: dict[str, Any]) -> None:
        """Persist the clock's state."""
        self._write("clock.json", state)

    def clock(self) -> dict[str, Any] | None:
        """The clock's state as it was last written; None for a home whose clock never ran."""
        return self._read("clock.json")

    # --- Writes ---

    def record_write(self, system: str, at: datetime, write: dict[str, Any]) -> None:
        """Persist a write that a system accepted at this instant."""
        if self._folder:
            with (self._folder / "writes.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps({"system": system, "at": at.isoformat(), "write": write}) + "\n")

    def writes(self) -> Iterator[tuple[str, datetime, dict[str, Any]]]:
        """All writes in their order. A torn last line was never answered for, so it is cut off."""
        path = self._folder / "writes.jsonl" if self._folder else None
        if not path or not path.exists():
            return
        whole, newline, torn = path.read_bytes().rpartition(b"\n")
        if torn:
            path.write_bytes(whole + newline)
        for line in whole.splitlines():
            saved = json.loads(line)
            yield saved["system"], datetime.fromisoformat(saved["at"]), saved["write"]

    def write_url(self, url: str) -> None:
        """Where the sandbox answers, for the commands that look for it."""
        if self._folder:
            (self._folder / "url").write_text(url + "\n", encoding="utf-8")

    def _read(self, name: str) -> dict[str, Any] | None:
        path = self._folder / name if self._folder else None
        if not path or not path.exists():
            return None
        saved: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return saved

    def _write(self, name: str, content: dict[str, Any]) -> None:
        if self._folder:
            draft = self._folder / f".{name}.draft"
            draft.write_text(json.dumps(content) + "\n", encoding="utf-8")
            draft.replace(self._folder / name)
