"""Values: what is made once and never changed, thousands of times a minute.

A frozen dataclass guards itself at run time, and so takes four times as long to make: its
constructor goes round its own guard, field by field. That was 0.03 ms of the 0.3 that sending a
text took. Of a value the type checker sees that nobody changes it; nothing guards it when it runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def value(kind: type[T]) -> type[T]:
    """As ``@dataclass(frozen=True, slots=True)``, for what is made for every message."""
    return dataclass(slots=True, unsafe_hash=True)(kind)
