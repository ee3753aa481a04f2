"""Which made-up world a home belongs to: written at first, so that every later command goes on with the same one."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gtm_platform.lake.bucket import Bucket


@dataclass(frozen=True)
class World:
    """The size and seed of a home's world, and the first day that was simulated there."""

    people: int
    seed: int
    start: str | None

    @classmethod
    def of(cls, home: Path) -> "World | None":
        """Read the world of a home; None for a home that has none."""
        try:
            return cls(**json.loads(_file(home).read_text()))
        except FileNotFoundError:
            return None

    def write(self, home: Path) -> None:
        """Make the home this world's."""
        home.mkdir(parents=True, exist_ok=True)
        _file(home).write_text(json.dumps(asdict(self)))

    def first_day(self) -> date:
        """Return the first day that is simulated."""
        assert self.start is not None
        return date.fromisoformat(self.start)


BUCKET_MARK = ".demo.json"
DEMO_HOME = Path(".gtm-demo")  # apart from the home of real accounts, below the folder of whoever calls
DEFAULT_WORLD = World(people=1500, seed=7, start=None)  # of a sandbox that no demo came before


def home_option(home: Path) -> str:
    """Return what a command needs so that it opens this home too: nothing for the demo's own."""
    return "" if home == DEMO_HOME.resolve() else f" --home {home}"


def is_demo_home(home: Path) -> bool:
    """Say whether a made-up company lives in the home."""
    return _file(home).exists()


def refuse_other_data(home: Path) -> None:
    """Refuse a home with data of which no made-up company is the origin."""
    if not is_demo_home(home) and (home / "lake").exists():
        raise ValueError(
            f"{home} holds data that no demo made, perhaps of real accounts: no made-up company is let in. "
            "Choose another home with --home; without it the demo has one of its own."
        )
    from gtm_platform.lake.store import the_bucket

    if bucket := the_bucket():
        _claim_bucket(bucket)


def _claim_bucket(bucket: "Bucket") -> None:
    """Mark an empty bucket as a demo's; refuse one with data that no demo made."""
    if bucket.read_mark(BUCKET_MARK) is None:
        if bucket.has_files():
            raise ValueError(
                f"{bucket.address} holds data that no demo made, perhaps of real accounts: no made-up company is let "
                "in. Unset GTM_LAKE, or name an empty folder of the bucket."
            )
        bucket.write_mark(BUCKET_MARK, b"{}")


def world_of_home(home: Path) -> World:
    """Return the home's world; a home without one gets the default world, if it is empty."""
    refuse_other_data(home)
    world = World.of(home)
    if world is None:
        world = DEFAULT_WORLD
        world.write(home)
    return world


def claim_home(home: Path, people: int, seed: int, start: date) -> World:
    """Return the home's world, or make the home this one's; refuse a home that holds something else."""
    if World.of(home) is None:
        world_of_home(home)
        World(people, seed, None).write(home)
    world = world_of_home(home)
    if (world.people, world.seed) != (people, seed):
        raise ValueError(
            f"{home} holds a world of {world.people} people with seed {world.seed}, not of {people} with seed {seed}: "
            "use another --home, or remove the folder."
        )
    if world.start is None:
        world = replace(world, start=start.isoformat())
        world.write(home)
    return world


def _file(home: Path) -> Path:
    return home / "demo.json"
