"""``aftercare classify``, as a clinician and a script run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def nowhere(tmp_path: Path) -> Path:
    """An empty folder to run in: no ``.env``, no database."""
    return tmp_path


def run(
    nowhere: Path, *arguments: str, given: bytes = b"", **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    found = subprocess.run(
        [sys.executable, "-m", "worker", "classify", *arguments],
        input=given,
        capture_output=True,
        cwd=nowhere,
        env=kept | settings,
        timeout=60,
        check=False,
    )
    return subprocess.CompletedProcess(
        found.args, found.returncode, found.stdout.decode(), found.stderr.decode()
    )


def objects(output: str) -> list[dict[str, Any]]:
    """JSON Lines, parsed."""
    return [json.loads(line) for line in output.splitlines()]


def meanings(output: str) -> list[tuple[str, str]]:
    """Text and meaning of each line."""
    return [(each["text"], each["meaning"]) for each in objects(output)]


def test_replies_as_arguments(nowhere: Path) -> None:
    """One JSON object a line for each, in order, with nothing set up and nothing left behind."""
    done = run(nowhere, "--json", "Stop. Thank you", "START", "help", "is bleeding", "¿mañana?", "")

    assert (done.returncode, done.stderr) == (0, "")
    assert meanings(done.stdout) == [
        ("Stop. Thank you", "stop"),
        ("START", "start"),
        ("help", "help"),
        ("is bleeding", "red_flag"),
        ("¿mañana?", "staff"),
        ("", "staff"),
    ]
    assert list(nowhere.iterdir()) == []


def test_a_single_reply_is_an_object_too(nowhere: Path) -> None:
    """With what decided, and whether it is an emergency or stops as well."""
    done = run(nowhere, "--json", "I can't breathe. Stop")

    assert json.loads(done.stdout) == {
        "text": "I can't breathe. Stop",
        "meaning": "red_flag",
        "matched": "cant breathe",
        "emergency": True,
        "also_stop": True,
    }


def test_replies_from_standard_input(nowhere: Path) -> None:
    """One a line; blank lines are none, and a byte that is no UTF-8 stops nothing."""
    lines = "\ufeffSTOP\r\n\r\nno tengo fiebre\n".encode() + b"\xff help\nBASTA"

    done = run(nowhere, "--json", given=lines)

    assert meanings(done.stdout) == [
        ("STOP", "stop"),
        ("no tengo fiebre", "staff"),
        ("\ufffd help", "help"),
        ("BASTA", "stop"),
    ]


@pytest.mark.parametrize("language", ["en", "es", "es-MX"])
def test_every_language_is_read_whichever_is_the_patient_s(nowhere: Path, language: str) -> None:
    """A patient may answer in another one."""
    done = run(nowhere, "--language", language, "--json", "tengo fiebre", "it is bleeding")
    assert [meaning for _, meaning in meanings(done.stdout)] == ["red_flag", "red_flag"]


def test_a_language_without_a_list_is_mentioned(nowhere: Path) -> None:
    """The reply is read all the same."""
    done = run(nowhere, "--language", "fr", "--json", "stop")
    assert meanings(done.stdout) == [("stop", "stop")]
    assert "no replies/fr.toml; read with en, es" in done.stderr


def test_what_is_no_language_is_refused(nowhere: Path) -> None:
    """In words."""
    done = run(nowhere, "--language", "klingon!", "stop")
    assert (done.returncode, done.stdout) == (1, "")
    assert '--language: "klingon!" is not a language code' in done.stderr


def test_people_see_what_decided(nowhere: Path) -> None:
    """And nothing in a reply can steer their terminal."""
    done = run(nowhere, "it is [red]bleeding[/] :smile: \x1b[2J", "I fainted, stop", "hello")
    assert done.stdout.splitlines() == [
        "red_flag  it is [red]bleeding[/] :smile:  [2J",
        '          because of "bleeding"',
        "red_flag  I fainted, stop",
        '          because of "fainted", with emergency advice, and the messages stop',
        "staff     hello",
    ]


def test_a_clinic_s_own_lists_are_used(nowhere: Path) -> None:
    """From the folder in AFTERCARE_TEMPLATES, whatever other setting may be wrong."""
    (nowhere / "own" / "replies").mkdir(parents=True)
    own = '[stop]\nwords = ["enough of it"]\n[red_flags]\na = ["glows"]\n[emergencies]\na = ["x"]'
    (nowhere / "own" / "replies" / "en.toml").write_text(own)

    done = run(nowhere, "--json", "it glows", AFTERCARE_TEMPLATES="own", DATABASE_URL="nonsense")

    assert meanings(done.stdout) == [("it glows", "red_flag")]


def test_a_faulty_list_is_told_with_file_and_key(nowhere: Path) -> None:
    """And nothing is classified with half a list."""
    (nowhere / "own" / "replies").mkdir(parents=True)
    own = '[stop]\nwords = ["a, b"]\n[red_flags]\na = ["b"]\n[emergencies]\na = ["b"]'
    (nowhere / "own" / "replies" / "es.toml").write_text(own)

    done = run(nowhere, "stop", AFTERCARE_TEMPLATES="own")

    assert (done.returncode, done.stdout) == (1, "")
    assert 'own/replies/es.toml: stop.words[0]: "a, b" has "a,"' in done.stderr


def test_a_templates_folder_that_is_not_there(nowhere: Path) -> None:
    """Whoever tries their own list must not be shown the shipped one instead."""
    done = run(nowhere, "stop", AFTERCARE_TEMPLATES="nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert "AFTERCARE_TEMPLATES: there is no folder nowhere" in done.stderr
