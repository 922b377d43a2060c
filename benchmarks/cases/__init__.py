"""The cases, by the name that ``--only`` takes, in the order they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.cases import collecting, email, history, memory, peers, planning, scale, sms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.findings import Bench

CASES: Mapping[str, Callable[[Bench], None]] = {
    "sms": sms.run,
    "peers": peers.run,
    "email": email.run,
    "planning": planning.run,
    "collect": collecting.run,
    "history": history.run,
    "scale": scale.run,
    "memory": memory.run,
}
