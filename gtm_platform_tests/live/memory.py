"""The resident memory of what runs under a process, sampled while it runs, and which kind of process it grows in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

PROC = Path("/proc")
WARMING_UP = 0.25  # of the samples, in which processes import and fill their caches
GROWS_FROM = 0.1  # of the first half's memory …
LEAST_MB = 24.0  # … and at least so much: less is what an allocator keeps or gives back
WORDS = 3  # of a command that say what kind of process it is

Sample = Mapping[int, tuple[str, float]]  # by process: its kind, and its resident memory in MB


@dataclass
class Memory:
    """Samples of all processes under one."""

    root: int
    proc: Path = PROC
    samples: list[Sample] = field(default_factory=list)

    def sample(self) -> None:
        """Take one."""
        self.samples.append(dict(_living(self.root, self.proc)))


@dataclass(frozen=True)
class Kind:
    """What a kind of process took: what three quarters of the first half and of the second had, and the most, in MB."""

    name: str
    processes: int
    lasts: bool  # whether its processes live as long as the platform does; others end with their work
    first: float
    second: float
    most: float

    @property
    def grows(self) -> bool:
        """Whether the second half took more than the first, by more than what comes and goes."""
        more = self.second - self.first
        return self.lasts and more > max(LEAST_MB, GROWS_FROM * self.first)

    @property
    def line(self) -> str:
        """The figures and the verdict as a line."""
        verdict = "ends with its work" if not self.lasts else "GROWS" if self.grows else "steady"
        halves = f"{self.first:6.0f} MB, then {self.second:6.0f} MB" if self.lasts else " " * 23
        return f"{self.name:<34} {self.processes:3} processes {halves}, at most {self.most:6.0f} MB: {verdict}"


def kinds(samples: Sequence[Sample]) -> list[Kind]:
    """Compare both halves of the samples, without those of the beginning, by kind of process."""
    warm = samples[int(len(samples) * WARMING_UP) :]
    names = sorted({kind for sample in samples for kind, _ in sample.values()})
    return [_kind(name, samples, warm) for name in names]


def _kind(name: str, samples: Sequence[Sample], warm: Sequence[Sample]) -> Kind:
    middle = len(warm) // 2
    of_kind = [[process for process, (kind, _) in sample.items() if kind == name] for sample in warm]
    lasting = set.intersection(*map(set, of_kind)) if of_kind else set()
    totals = [sum(sample[process][1] for process in of_now) for sample, of_now in zip(warm, of_kind, strict=True)]
    every = {process for sample in samples for process, (kind, _) in sample.items() if kind == name}
    most = max(megabytes for sample in samples for kind, megabytes in sample.values() if kind == name)
    return Kind(name, len(every), bool(lasting), _kept(totals[:middle]), _kept(totals[middle:]), most)


def _kept(values: Sequence[float]) -> float:
    """The lower quartile: what is taken for a moment only is no growth."""
    return quantiles(values, n=4)[0] if len(values) > 1 else sum(values)


def _living(root: int, proc: Path) -> Iterator[tuple[int, tuple[str, float]]]:
    """The process itself and all that descend from it."""
    found = {int(path.name): path for path in proc.iterdir() if path.name.isdigit()}
    parents = {process: parent for process, path in found.items() if (parent := _parent(path)) is not None}
    under = {root}
    while more := {process for process, parent in parents.items() if parent in under} - under:
        under |= more
    for process in sorted(under & parents.keys()):
        try:
            command = (found[process] / "cmdline").read_bytes().decode(errors="replace").split("\0")
            resident = _resident(found[process])
        except OSError:  # it has ended meanwhile
            continue
        if resident:
            yield process, (kind_of(command), resident)


def _parent(path: Path) -> int | None:
    try:
        return int((path / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return None


def _resident(path: Path) -> float:
    for line in (path / "status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0  # of one that has ended and waits for its parent


def kind_of(command: Sequence[str]) -> str:
    """Name a process by its module and its command: `dagster._daemon run`, `gtm_platform.cli sandbox serve`."""
    words = [word for word in command if word]
    after = words[words.index("-m") + 1 :] if "-m" in words else [Path(word).name for word in words[:1]] + words[1:]
    named: list[str] = []
    for word in after[:WORDS]:
        if word.startswith(("-", "/", "{")) or any(letter.isdigit() for letter in word):
            break
        named.append(word)
    return " ".join(named) or (Path(words[0]).name if words else "?")
