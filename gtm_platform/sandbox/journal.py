"""What outlives a restart: which world it is, where its clock stands, and what was written to it."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any


class Journal:
    """Files in `<home>/sandbox`. Without a home nothing is kept."""

    def __init__(self, home: Path | None) -> None:
        self._folder = home / "sandbox" if home else None
        if self._folder:
            self._folder.mkdir(parents=True, exist_ok=True)

    def start_of(self, seed: int, people: int, asked: datetime | None, otherwise: datetime) -> datetime:
        """When this home's world begins; a home holds one world for ever."""
        start = asked or otherwise
        kept = self._read("world.json")
        if kept is None:
            self._write("world.json", {"seed": seed, "people": people, "start": start.isoformat()})
            return start
        wanted = {"seed": seed, "people": people, "start": asked.isoformat() if asked else kept["start"]}
        if wanted != kept:
            differing = ", ".join(
                f"{name} {kept[name]} (asked for: {wanted[name]})" for name in kept if kept[name] != wanted[name]
            )
            raise ValueError(
                f"The sandbox in {self._folder} holds a world with {differing}. Start it as it is, "
                "choose another home, or delete that folder to begin anew."
            )
        return datetime.fromisoformat(kept["start"])

    # --- The clock ---

    def keep_clock(self, now: datetime) -> None:
        """To be called when the clock was set: from then on it no longer follows real time."""
        self._write("clock.json", {"now": now.isoformat()})

    def forget_clock(self) -> None:
        if self._folder:
            (self._folder / "clock.json").unlink(missing_ok=True)

    def clock(self) -> datetime | None:
        kept = self._read("clock.json")
        return datetime.fromisoformat(kept["now"]) if kept else None

    # --- Deeds ---

    def record_write(self, system: str, at: datetime, write: dict[str, Any]) -> None:
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
            kept = json.loads(line)
            yield kept["system"], datetime.fromisoformat(kept["at"]), kept["write"]

    def keep_url(self, url: str) -> None:
        if self._folder:
            (self._folder / "url").write_text(url + "\n", encoding="utf-8")

    def _read(self, name: str) -> dict[str, Any] | None:
        path = self._folder / name if self._folder else None
        if not path or not path.exists():
            return None
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return kept

    def _write(self, name: str, content: dict[str, Any]) -> None:
        if self._folder:
            draft = self._folder / f".{name}.draft"
            draft.write_text(json.dumps(content) + "\n", encoding="utf-8")
            draft.replace(self._folder / name)
