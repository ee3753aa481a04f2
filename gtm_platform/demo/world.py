"""Which world lives in a home: written by `gtm demo`, so that it and `gtm ui` go on with the same one."""

import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path


@dataclass(frozen=True)
class World:
    people: int
    seed: int
    start: str | None  # the first day lived through

    @classmethod
    def of(cls, home: Path) -> "World | None":
        try:
            return cls(**json.loads((home / "demo.json").read_text()))
        except FileNotFoundError:
            return None

    def write(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        (home / "demo.json").write_text(json.dumps(asdict(self)))

    def first_day(self) -> date:
        assert self.start is not None
        return date.fromisoformat(self.start)
