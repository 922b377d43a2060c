"""What a run found: figures, and the goals that they hold or miss."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from rich.table import Table

from benchmarks.processes import FailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

    from benchmarks.processes import Sample


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing, measured several times."""

    case: str
    name: str
    unit: str
    values: Sequence[float]
    #: CPU seconds for a thousand, and the most memory in MB; where a process of its own was used.
    cpu: float | None = None
    rss: float | None = None


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal of the project, and whether it held in this run."""

    case: str
    text: str
    value: float
    bound: float
    at_most: bool

    @property
    def held(self) -> bool:
        """Whether it held."""
        return self.value <= self.bound if self.at_most else self.value >= self.bound


@dataclass(slots=True)
class Bench:
    """How to run the cases, and what they found so far."""

    folder: Path
    quick: bool
    repeat: int
    console: Console
    figures: list[Figure] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def size(self, full: int, quick: int) -> int:
        """How much of something this run takes."""
        return quick if self.quick else full

    def compare(
        self, case: str, contenders: Mapping[str, Callable[[], Sample]], unit: str = "/s"
    ) -> None:
        """Run each, in turn and several times, so that a noisy minute is everybody's.

        Without a unit, only what the samples tell beside their rate is kept.
        """
        samples: dict[str, list[Sample]] = {name: [] for name in contenders}
        for turn in range(self.repeat):
            for name, contender in contenders.items():
                if len(samples[name]) < turn:
                    continue  # it failed already
                try:
                    sample = contender()
                except FailedError as error:
                    self.note(f"{case}: {name} failed: {error}")
                    continue
                samples[name].append(sample)
                told = f"{sample.rate:,.0f}{unit}" if unit else f"{sample.seconds:.1f} s"
                self.console.print(f"[dim]{case}: {name}: {told}[/]")
        for name, found in samples.items():
            if not found:
                continue
            if unit:
                cpu = median(1000 * each.cpu / each.count for each in found)
                rss = median(each.rss for each in found)
                rates = [each.rate for each in found]
                self.figures.append(Figure(case, name, unit, rates, cpu, rss))
            for key in found[0].more:
                self.figure(case, f"{name}: {key}", "", [each.more[key] for each in found])

    def figure(self, case: str, name: str, unit: str, values: Sequence[float]) -> None:
        """Keep a figure that is no rate of a process."""
        self.figures.append(Figure(case, name, unit, values))

    def goal(self, case: str, text: str, value: float | None, bound: float, *, most: bool) -> None:
        """Keep a goal, as far as its figures are there."""
        if value is None:
            self.note(f"{case}: {text}: not measured")
        else:
            self.goals.append(Goal(case, text, value, bound, most))

    def ratio(self, case: str, over: str, under: str) -> float | None:
        """The ratio of two medians of this run; None when one is missing."""
        found = self.medians(case)
        return found[over] / found[under] if over in found and under in found else None

    def medians(self, case: str) -> dict[str, float]:
        """The case's medians so far, by name."""
        return {each.name: median(each.values) for each in self.figures if each.case == case}

    def note(self, text: str) -> None:
        """Say something now, and once more below the tables."""
        self.console.print(f"[yellow]{text}[/]")
        self.notes.append(text)

    def show(self) -> None:
        """Print the tables."""
        figures = Table("case", "what", "median", "from", "to", "CPU s / 1,000", "MB")
        for each in self.figures:
            numbers = (median(each.values), min(each.values), max(each.values), each.cpu, each.rss)
            figures.add_row(each.case, each.name, *(_shown(one) for one in numbers))
        goals = Table("case", "goal", "bound", "this run", "held")
        for goal in self.goals:
            bound = f"{'≤' if goal.at_most else '≥'} {_shown(goal.bound)}"
            held = "[green]yes[/]" if goal.held else "[red]no[/]"
            goals.add_row(goal.case, goal.text, bound, _shown(goal.value), held)
        for table in (figures, goals):
            self.console.print(table)
        for note in self.notes:
            self.console.print(f"[yellow]{note}[/]")

    def as_json(self) -> dict[str, Any]:
        """Everything, for a file."""
        return {
            "figures": [asdict(each) for each in self.figures],
            "goals": [asdict(each) | {"held": each.held} for each in self.goals],
            "notes": self.notes,
        }


def _shown(number: float | None) -> str:
    if number is None:
        return ""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.2f}"
