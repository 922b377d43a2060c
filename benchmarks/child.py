"""A measured thing in a process of its own: ``python -m benchmarks.child MODULE OPTIONS``.

The module's ``prepared(**options)`` yields the work. The child says that it is ready, waits for a
line, works, and prints what it took: so neither imports nor preparations are measured, and several
children can begin together.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time
from pathlib import Path


def _cpu() -> float:
    """CPU seconds of this process and of the processes it started, at work or waited for."""
    used = (resource.getrusage(each) for each in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    mine = sum(each.ru_utime + each.ru_stime for each in used)
    ticks = os.sysconf("SC_CLK_TCK")
    for folder in _at_work():
        fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        mine += (int(fields[11]) + int(fields[12])) / ticks  # utime and stime, see proc(5)
    return mine


def peak_mb() -> float:
    """The most memory this process and those it started had at once, in MB.

    What they share, the pages of libraries, is counted once.
    """
    here = Path("/proc/self")
    if here.exists():  # ru_maxrss would count what the parent had when it started this one
        return _most(here) + sum(_most(each) - _shared(each) for each in _at_work())
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1024 * 1024 if sys.platform == "darwin" else 1024)


def _at_work() -> list[Path]:
    """The processes that this one started and that still run, where the system shows them."""
    found = Path("/proc/self/task").glob("*/children")
    return [Path("/proc", number) for each in found for number in each.read_text().split()]


def _most(process: Path) -> float:
    return _mb(process / "status", "VmHWM")


def _shared(process: Path) -> float:
    return _mb(process / "smaps_rollup", "Shared_Clean")


def _mb(file: Path, name: str) -> float:
    line = next(each for each in file.read_text().splitlines() if each.startswith(name))
    return int(line.split()[1]) / 1024


def main() -> None:
    """Prepare, wait for the word, work, tell."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints goes to the log
    module = importlib.import_module(sys.argv[1])
    with module.prepared(**json.loads(sys.argv[2])) as work:
        print("ready", file=answers, flush=True)
        if not sys.stdin.readline():
            return
        cpu, began = _cpu(), time.monotonic()
        figures = work()
        ended = time.monotonic()
        peak = peak_mb()
    told = {"began": began, "ended": ended, "cpu": _cpu() - cpu, "rss": peak, **figures}
    print(json.dumps(told), file=answers, flush=True)


if __name__ == "__main__":
    main()
