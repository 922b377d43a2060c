"""A small templates folder without a fault, to put one in."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from worker.content.library import Library
from worker.content.lint import Finding, lint
from worker.resources import TEMPLATES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from worker.rules.facts import Clinic

PROTOCOL = """title = "Care"
private_words = ["needle", "acné"]
[restrictions]
exercise = "3 days"
sun = "3 days"

[[milestones]]
name = "home"
kind = "advice"
after = "15 minutes"
useful_for = "1 day"

[[milestones]]
name = "sun-again"
kind = "permission"
lifts = ["sun"]
after = "3 days"
useful_for = "4 days"
"""
HOME_SMS = """{{ clinic.name }}: hi{% if first_name %} {{ first_name }}{% endif %}!
No exercise until {{ ends.exercise | moment }}.
Call {{ clinic.phone }}
Reply STOP to stop texts.
"""
SUN_SMS = """{{ clinic.name }}: hi!
{% if ends.sun > due_at %}
No sun until {{ ends.sun | moment }}.
{% else %}
Sun only with SPF 30+.
{% endif %}
Call {{ clinic.phone }}
"""
HOME_EMAIL = """# Your evening

Hi{% if first_name %} {{ first_name }}{% endif %},

Wait until {{ ends.exercise | moment }}.

See [our page](https://glow.example.com).
"""
SUN_EMAIL = """# In the sun again

Hi,

The sun is allowed again, with SPF 30+.
"""
SPANISH = {
    "home.sms.txt": "{{ clinic.name }}\n{{ ends.exercise | day }}\n{{ clinic.phone }}\nSTOP\n",
    "sun-again.sms.txt": "{{ clinic.name }}: sol con FPS 30+\n{{ clinic.phone }}\n",
    "home.email.md": "# Tu tarde\n\nHola\n\n{{ clinic.name }}\n",
    "sun-again.email.md": "# El sol\n\nHola:\n\nSol, solo con SPF 30+.\n",
}


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a clinic's manager edits the words."""

    folder: Path

    def write(self, file: str, text: str) -> None:
        """Save a file, in ``care/en`` unless it names another folder."""
        path = self.folder / (file if "/" in file else f"care/en/{file}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def read(self, file: str) -> str:
        """What a file says."""
        return (self.folder / (file if "/" in file else f"care/en/{file}")).read_text("utf-8")

    def replace(self, file: str, old: str, new: str) -> None:
        """Edit a file."""
        text = self.read(file)
        assert old in text
        self.write(file, text.replace(old, new))

    def findings(self, clinics: Sequence[Clinic] = ()) -> list[Finding]:
        """What the lint has to say."""
        return lint(Library(self.folder), clinics)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A folder in which everything is as it should be."""
    desk = Desk(tmp_path / "templates")
    shutil.copytree(TEMPLATES / "layout", desk.folder / "layout")
    (desk.folder / "replies").mkdir()
    desk.write("care/protocol.toml", PROTOCOL)
    english = {
        "home.sms.txt": HOME_SMS,
        "sun-again.sms.txt": SUN_SMS,
        "home.email.md": HOME_EMAIL,
        "sun-again.email.md": SUN_EMAIL,
    }
    for name, text in english.items():
        desk.write(name, text)
    return desk


@pytest.fixture
def bilingual(desk: Desk) -> Desk:
    """The same in Spanish too."""
    for name, text in SPANISH.items():
        desk.write(f"care/es/{name}", text)
    return desk
