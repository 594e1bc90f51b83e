"""Ask the user whether something may be sent to a host."""

import sys
from typing import TYPE_CHECKING

from ragqa.errors import UsageError

if TYPE_CHECKING:
    from ragqa.llms import Destination
    from ragqa.state.consent import Use


def is_interactive() -> bool:
    """Whether a person types on stdin and sees stderr."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def consented(
    destination: "Destination", *, yes: bool, what: str, use: "Use | None" = None
) -> bool:
    """Return whether the user allows sending `what` to a destination; nothing is sent here.

    Asks unless consent was given before: it is remembered for each host, or, if that fails, holds
    for this command. This machine needs none.

    :param yes: `--yes` was given, which counts as consent.
    :param what: what would be sent, in words.
    :param use: what the host would be allowed for, by default to answer.
    :raises NotAllowed: the user cannot be asked.
    :raises UsageError: the destination's host is invalid, or the list of allowed hosts may be by
        somebody else.
    """
    from ragqa import render
    from ragqa.safe import safe_line
    from ragqa.state import consent

    use = use or consent.Use.LLM
    if destination.is_local or consent.is_allowed(destination.host, use):
        return True
    if not (yes or is_interactive()):
        hint = "add --yes to this command"
        raise consent.not_allowed(destination.backend, what, destination.where, hint=hint)
    if not yes:
        backend = safe_line(destination.backend)
        render.say(f"{backend} is not on this machine. It would be sent {safe_line(what)}.")
        render.say(f"This would go to: {safe_line(destination.where)}")
        if not render.confirm("Allow this, now and from now on?"):
            return False
    try:
        line = consent.allow(destination.host, use)
        render.say(
            f"Allowed: {line} (to take it back, delete this line in {consent.consent_file()})"
        )
    except UsageError as exc:
        render.print_warnings([f"consent holds for this command only: {exc.message}"])
    return True
