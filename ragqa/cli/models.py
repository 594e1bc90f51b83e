"""Models that settings name: see that they are here, or fetch them if the user agrees."""

from typing import TYPE_CHECKING

from ragqa.cli.consenting import is_interactive
from ragqa.errors import NotAllowed

if TYPE_CHECKING:
    from ragqa.embedders.hub import NotHere


def prepare(kind: str, value: str, *, yes: bool) -> None:
    """See that the model that the setting `kind` names can be used; fetch it if it is not here.

    :param yes: fetch it without asking.
    :raises UsageError: it cannot be used or fetched.
    :raises NotAllowed: the user does not want it to be fetched, or cannot be asked.
    """
    from ragqa.embedders import hub

    try:
        _check(kind, value)
    except hub.NotHere as exc:
        _fetch(kind, exc, yes=yes)
        _check(kind, value)


def _check(kind: str, value: str) -> None:
    from ragqa.embedders import model_in
    from ragqa.embedders.weights import find_model
    from ragqa.readers import reader_for

    if kind == "reader":
        reader_for(value)
    else:
        find_model(model_in(value))


def _fetch(kind: str, missing: "NotHere", *, yes: bool) -> None:
    """Fetch a model, once the user has seen its size and agreed."""
    from ragqa import render
    from ragqa.embedders import hub

    if not (yes or is_interactive()):
        hint = "add --yes to this command to fetch it"
        raise NotAllowed(f"{missing.message}; nothing was fetched", hint=hint)
    offer = hub.look_up(kind, missing.name)
    what = f"{missing.name} ({offer.megabytes}) from {hub.address().host}"
    if not (yes or render.confirm(f"Fetch {what}?")):
        raise NotAllowed(f"nothing was fetched, and the {kind} stays as it was")
    render.say(f"Fetching {what}, revision {offer.revision[:12]}")
    hub.fetch(offer)
