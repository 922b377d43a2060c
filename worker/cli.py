"""The ``aftercare`` command. Each subcommand's work is in :mod:`worker.commands`."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import typer
from sqlalchemy.exc import OperationalError
from typer.core import TyperGroup

from worker.commands.output import errors
from worker.errors import AftercareError, ConfigurationError, describe

#: Where each command is: a module of worker.commands, and a function or a group in it.
_COMMANDS = {
    "demo": ("demo", "demo"),
    "init": ("init", "init"),
    "run": ("run", "run"),
    "import": ("import_file", "import_sessions"),
    "migrate": ("migrate", "migrate"),
    "check": ("check", "check"),
    "clinic": ("clinic", "app"),
    "source": ("source", "app"),
    "status": ("status", "status"),
    "why": ("why", "why"),
    "preview": ("preview", "preview"),
    "hold": ("hold", "hold"),
    "release": ("hold", "release"),
    "send-test": ("send_test", "send_test"),
    "web": ("web", "web"),
    "classify": ("classify", "classify_replies"),
    "plan": ("plan", "plan"),
    "approve": ("approve", "approve"),
    "forecast": ("forecast", "forecast"),
}


class _Commands(TyperGroup):
    """Imports a command when it is asked for.

    A worker that runs for months would carry 4 MB of commands that it never runs.
    """

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 (Typer's signature)
        """In the order in which the help tells them."""
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 (Typer's signature)
        """The command; None when there is none of that name."""
        if cmd_name not in _COMMANDS:
            for name in _COMMANDS:  # Typer suggests the nearest of those that it has seen
                self.get_command(ctx, name)
        elif cmd_name not in self.commands:
            self.commands[cmd_name] = _load(cmd_name)
        return self.commands.get(cmd_name)


def _load(name: str) -> Any:  # noqa: ANN401 (a class that Typer keeps to itself)
    module, attribute = _COMMANDS[name]
    found = getattr(import_module(f"worker.commands.{module}"), attribute)
    holder = typer.Typer()
    if isinstance(found, typer.Typer):
        holder.add_typer(found, name=name)
    else:
        holder.command(name)(found)
    return typer.main.get_group(holder).commands[name]


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def aftercare() -> None:
    """Aftercare: after a session, every patient hears the right thing at the right moment."""
    # Typer makes a group only of what has a callback; its docstring is the help.


def main() -> None:
    """Run a command; what an operator can mend is told in words, not as a traceback."""
    try:
        app()
    except ConfigurationError as error:
        errors.print("[bold red]The settings need attention:[/]")
        for problem in error.problems:
            errors.print(f"  - {problem}", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
    except OperationalError as error:
        errors.print(f"DATABASE_URL: the worker's database does not answer ({describe(error)})")
        sys.exit(1)
    except AftercareError as error:
        errors.print(str(error), markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
