"""A large file takes no more memory than a small one: it is read in pieces, looked through and written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
PROGRAM = """
import sys
from pathlib import Path
from gtm_platform.lake.lake import Lake
from gtm_platform.settings import settings
from gtm_platform_tests.ingest.files.drops import Place, guest_source
place = Place(guest_source(), Lake(settings().home / "lake"), None)
rows = place.sync().rows
peak = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) // 1024
print(rows, peak)
"""


def sync(home: Path, megabytes: int) -> tuple[int, int]:
    """Read a file of so many megabytes in a process of its own: its rows, and the most memory in MB."""
    drop = home / "drop" / "guests"
    drop.mkdir(parents=True)
    path, row = drop / "guests.csv", "guest{:09}@acme.example,Guest Number {:09} of the Acme Corporation,42\n"
    with path.open("w") as file:
        file.write("email,name,age\n")
        for number in range(megabytes * (1 << 20) // len(row.format(0, 0))):
            file.write(row.format(number, number))
    os.utime(path, (0, 0))
    environment = {**os.environ, "GTM_HOME": str(home), "PYTHONPATH": str(REPOSITORY)}
    environment |= {"GTM_NOW": "2026-03-05T10:30:00+00:00", "GTM_MEMORY_LIMIT": "200MB"}
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    rows, peak = ran.stdout.split()
    return int(rows), int(peak)


@pytest.mark.long
def test_ten_times_the_file_takes_hardly_more_memory(tmp_path: Path) -> None:
    few, small = sync(tmp_path / "small", 1)
    many, large = sync(tmp_path / "large", 10)
    assert many > 9 * few
    assert large < small + 100


@pytest.mark.long
def test_a_hundred_megabytes(tmp_path: Path) -> None:
    rows, peak = sync(tmp_path / "huge", 100)
    assert rows > 1_200_000
    assert peak < 700
