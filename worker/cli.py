"""The ``aftercare`` command. Each subcommand's work is in :mod:`worker.commands`."""

from __future__ import annotations

import sys

import typer
from sqlalchemy.exc import OperationalError

from worker.commands import (
    approve,
    check,
    classify,
    clinic,
    demo,
    forecast,
    hold,
    import_file,
    init,
    migrate,
    plan,
    preview,
    run,
    send_test,
    source,
    status,
    web,
    why,
)
from worker.commands.output import errors
from worker.errors import AftercareError, ConfigurationError, describe

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Aftercare: after a session, every patient hears the right thing at the right moment.",
)
app.command("demo")(demo.demo)
app.command("init")(init.init)
app.command("run")(run.run)
app.command("import")(import_file.import_sessions)
app.command("migrate")(migrate.migrate)
app.command("check")(check.check)
app.add_typer(clinic.app, name="clinic")
app.add_typer(source.app, name="source")
app.command("status")(status.status)
app.command("why")(why.why)
app.command("preview")(preview.preview)
app.command("hold")(hold.hold)
app.command("release")(hold.release)
app.command("send-test")(send_test.send_test)
app.command("web")(web.web)
app.command("classify")(classify.classify_replies)
app.command("plan")(plan.plan)
app.command("approve")(approve.approve)
app.command("forecast")(forecast.forecast)


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
