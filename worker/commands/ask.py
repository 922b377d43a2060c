"""Questions on the terminal: a default where there is a good one, again with the reason if need be.

A secret is never shown, neither while it is typed nor afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def ask(question: str, read: Callable[[str], T], default: str = "") -> T:
    """Ask until the answer can be read; its ``ValueError`` says what is wrong with it."""

    def understand(answer: str) -> T:
        try:
            return read(answer.strip())
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    # Without a default an empty answer would be asked again without a word of why.
    answer: T = typer.prompt(
        question, default=default, value_proc=understand, show_default=bool(default)
    )
    return answer


def ask_secret(question: str) -> str:
    """Ask for something that is not to be seen; empty when there is none."""
    answer: str = typer.prompt(question, default="", hide_input=True, show_default=False)
    return answer


def confirm(question: str, *, default: bool) -> bool:
    """Yes or no."""
    return typer.confirm(question, default=default)
