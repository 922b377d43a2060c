"""Run the benchmarks: ``python -m benchmarks``; ``--help`` tells how. See docs/performance.md."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from benchmarks.cases import CASES
from benchmarks.databases import has_postgres
from benchmarks.findings import Bench
from benchmarks.machine import describe_machine


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=CASES, metavar="NAME", default=[])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    parser.add_argument("--repeat", type=int, metavar="N", help="runs of each (5; quick: 3)")
    return parser.parse_args()


def main() -> int:
    """Run the cases; returns 1 when a goal did not hold."""
    told = _arguments()
    # Told to end, it still drops its databases and ends its servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    console = Console(highlight=False)
    machine = describe_machine()
    console.print(machine)
    with tempfile.TemporaryDirectory(prefix="aftercare-benchmarks-") as folder:
        repeat = told.repeat or (3 if told.quick else 5)
        bench = Bench(Path(folder), told.quick, repeat, console)
        if not has_postgres():
            bench.note("PostgreSQL does not answer: start one, or set AFTERCARE_BENCH_POSTGRES")
        for name in told.only or CASES:
            CASES[name](bench)
    bench.show()
    if told.json:
        found = {"machine": machine, "quick": told.quick, **bench.as_json()}
        told.json.write_text(json.dumps(found, indent=2, ensure_ascii=False), encoding="utf-8")
    return 0 if all(goal.held for goal in bench.goals) else 1


if __name__ == "__main__":
    sys.exit(main())
