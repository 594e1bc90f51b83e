"""Options that several commands share."""

import pytest
import typer
from typer._click.exceptions import ClickException

from ragqa.cli.options import AsJson, Command, PlaceOptions, Places, Scope, ScopeOptions


@pytest.fixture
def look():
    """A command that offers a scope and places, and returns what it was given."""
    app = typer.Typer()
    seen = []

    @app.command(cls=Command)
    def command(*, scope: Scope, given: Places, json: AsJson = False) -> int:
        seen.append((scope, given, json))
        return 0

    def run(*args):
        app(list(args), standalone_mode=False)
        return seen.pop()

    return run


def test_a_group_of_options_reaches_the_command_as_one_object(look):
    given = look("--tag", "a", "--tag", "b", "--corpus", "notes", "--no-refresh", "--json")
    assert given == (
        ScopeOptions(tag=["a", "b"], no_refresh=True),
        PlaceOptions(corpus=["notes"]),
        True,
    )
    assert look("--debug") == (ScopeOptions(), PlaceOptions(), False)


def test_an_option_that_a_command_leaves_out_is_unknown_to_it(look):
    with pytest.raises(ClickException, match="top-k"):
        look("--top-k", "3")
