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
    """CPU seconds of this process, and of the processes it started and waited for."""
    used = (resource.getrusage(each) for each in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def peak_mb() -> float:
    """The most memory this process had at once, in MB."""
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss would count what the parent had when it started this one
        line = next(each for each in status.read_text().splitlines() if each.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1024 * 1024 if sys.platform == "darwin" else 1024)


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
