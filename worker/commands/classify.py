"""``aftercare classify``: what a reply would do, so that a clinician can try the lists."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic_settings import BaseSettings, SettingsConfigDict

from worker.commands.output import errors, output
from worker.content.phrases import load_phrasebooks
from worker.errors import AftercareError
from worker.resources import TEMPLATES
from worker.rules.contacts import read_language
from worker.rules.replies import Meaning, classify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.rules.replies import Phrasebook, Reading

Texts = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[TEXT]...",
        help="Replies, each in quotes. Without any they are read from standard input, one a line.",
        show_default=False,
    ),
]
Language = Annotated[
    str, typer.Option(help="The patient's language. Every language is read in any case.")
]
Json = Annotated[bool, typer.Option("--json", help="For machines: one JSON object a line.")]

_COLOURS = {
    Meaning.STOP: "yellow",
    Meaning.START: "green",
    Meaning.HELP: "cyan",
    Meaning.RED_FLAG: "bold red",
    Meaning.STAFF: "bright_black",
}


class _Folder(BaseSettings):
    """The one setting that matters here: the lists can be tried before anything else is set up."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore")

    aftercare_templates: Path = TEMPLATES


def classify_replies(texts: Texts = None, language: Language = "", as_json: Json = False) -> None:
    """Show what patients' replies would do: stop, start, help, red_flag or staff.

    Needs no database and sends nothing.
    """
    phrasebooks = _phrasebooks(language)
    for text in texts or _lines():
        reading = classify(text, phrasebooks)
        if as_json:
            typer.echo(json.dumps(_plain(text, reading)))
        else:
            _show(text, reading)


def _phrasebooks(language: str) -> tuple[Phrasebook, ...]:
    folder = _Folder().aftercare_templates
    if not folder.is_dir():
        message = f"AFTERCARE_TEMPLATES: there is no folder {folder}"
        raise AftercareError(message)
    phrasebooks = load_phrasebooks(folder)
    if language:
        try:
            wanted = read_language(language)
        except ValueError as error:
            message = f"--language: {error}"
            raise AftercareError(message) from None
        known = [book.language for book in phrasebooks]
        if wanted not in known:
            errors.print(f"There is no replies/{wanted}.toml; read with {', '.join(known)}")
    return phrasebooks


def _lines() -> Iterator[str]:
    """Replies from standard input, as they come; blank lines are none."""
    if sys.stdin.isatty():
        errors.print("Type a reply and press Enter; end with Ctrl-D.")
    for line in sys.stdin.buffer:
        if text := line.decode("utf-8", errors="replace").removeprefix("\ufeff").strip():
            yield text


def _plain(text: str, reading: Reading) -> dict[str, str | bool]:
    return {
        "text": text,
        "meaning": reading.meaning,
        "matched": reading.matched,
        "emergency": reading.emergency,
        "also_stop": reading.also_stop,
    }


def _show(text: str, reading: Reading) -> None:
    """The reply, without anything that would steer the terminal, and what decided."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    output.print(f"[{_COLOURS[reading.meaning]}]{reading.meaning:<8}[/]  ", end="")
    output.print(shown, markup=False, emoji=False, soft_wrap=True)
    notes = [f'because of "{reading.matched}"'] if reading.matched else []
    notes += ["with emergency advice"] if reading.emergency else []
    notes += ["and the messages stop"] if reading.also_stop else []
    if notes:
        note = f"          {', '.join(notes)}"
        output.print(note, markup=False, emoji=False, soft_wrap=True, style="dim")
