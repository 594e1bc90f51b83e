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
    :raises UsageError: the destination's host is invalid.
    """
    from ragqa import render
    from ragqa.safe import safe_line
    from ragqa.state.consent import Use, consents, host_named, not_allowed

    if destination.is_local:
        return True
    use = use or Use.LLM
    host, known = host_named(destination.host), consents()
    if host in known.of(use):
        return True
    render.print_warnings(known.warnings)
    if not (yes or is_interactive()):
        hint = f"ragqa {use.command} allow {host}, or add --yes to this command"
        raise not_allowed(destination.backend, what, destination.where, hint=hint)
    if not yes:
        backend = safe_line(destination.backend)
        render.say(f"{backend} is not on this machine. It would be sent {safe_line(what)}.")
        render.say(f"This would go to: {safe_line(destination.where)}")
        if not render.confirm("Allow this, now and from now on?"):
            return False
    try:
        allow_host(host, use)
    except UsageError as exc:
        render.print_warnings([f"consent holds for this command only: {exc.message}"])
    return True


def allow_host(host: str, use: "Use") -> None:
    """Remember consent for a host, and print how to withdraw it.

    :raises UsageError: the host is invalid, or consent cannot be saved.
    """
    from ragqa import render
    from ragqa.state import consent

    allowed = consent.allow(host, use)
    fix = f"ragqa {use.command} forget {allowed}"
    render.say(f"Allowed: {allowed} (to take it back: {fix})")
