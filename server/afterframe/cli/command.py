"""What the commands have in common: settings, one JSON document or words, errors in one line."""

from __future__ import annotations

import functools
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click

from afterframe.cli import output
from afterframe.config import Home, Settings
from afterframe.errors import AfterframeError
from afterframe.formats import strict_json
from afterframe.state.damage import explained
from afterframe.system import logs
from afterframe.system.signals import sigterm_as_interrupt


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command found or did."""

    document: Mapping[str, Any]
    """As JSON."""
    ok: bool = True
    """Whether all went well: the exit status is 0, else 1."""


def with_json(command: Callable[..., Outcome]) -> Callable[..., None]:
    """Give a command ``--json``, which prints its one document in place of all it says to people.

    An error is {"error": {"code", "message", "hint"}} then; either way it is a line on standard error.
    """

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
    @functools.wraps(command)
    def wrapper(*args: Any, as_json: bool, **kwargs: Any) -> None:
        with errors_in_one_line(as_json=as_json):
            with output.silent(when=as_json):
                outcome = command(*args, **kwargs)
            if as_json:
                click.echo(strict_json.dumps(outcome.document))
        sys.exit(0 if outcome.ok else 1)

    return wrapper


@contextmanager
def errors_in_one_line(*, as_json: bool = False) -> Iterator[None]:
    """Errors become one line with their remedy, and exit status 1; Ctrl-C and a polite kill, 130."""
    try:
        with sigterm_as_interrupt():
            yield
    except AfterframeError as error:
        _end(error, as_json=as_json)
    except sqlite3.Error as error:
        _end(explained(error, Home.find().database), as_json=as_json)
    except OSError as error:
        what = f"{error.strerror or error}: {error.filename or 'one of our files'}."
        hint = "Give yourself the right to it." if isinstance(error, PermissionError) else "Check the disk."
        _end(AfterframeError(what, hint), as_json=as_json)
    except KeyboardInterrupt:
        output.print_error("Stopped.")
        sys.exit(130)


def _end(error: AfterframeError, *, as_json: bool) -> None:
    if as_json:
        click.echo(strict_json.dumps({"error": error.to_dict()}))
    output.print_error(error.message, error.hint)
    sys.exit(1)


def load_settings() -> Settings:
    """Afterframe's own folder and config.toml; what happens from now on is logged there.

    Raises:
        ConfigError, RecipeError: config.toml makes no sense.
    """
    settings = Settings(Home.find())
    if settings.config.recipe:
        from afterframe.recipe import validate

        validate([(str(settings.home.config), settings.config.recipe)])
    logs.to_file(settings.home.make().logs / "afterframe.log")
    return settings


class CommandGroup(click.Group):
    """Commands under one name. Their options may also stand before the command's name.

    Args:
        default: the command that is meant when none is named.
    """

    def __init__(self, *args: Any, default: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.no_args_is_help = False  # as for any missing word: an error, and status 2
        self._default = default

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the command's name first."""
        return super().parse_args(ctx, self._ordered(args, help_options=ctx.help_option_names))

    def _ordered(self, args: list[str], *, help_options: Sequence[str]) -> list[str]:
        named = next((place for place, word in enumerate(args) if word in self.commands), None)
        if named is not None:
            return [args[named], *args[:named], *args[named + 1 :]]
        if self._default and all(word.startswith("-") and word not in help_options for word in args):
            return [self._default, *args]
        return args


photo_paths = click.argument("paths", metavar="PHOTO|FOLDER...", nargs=-1, required=True, type=str)
