"""Asking the user before anything is sent to a host that is not this machine."""

import sys

from ragqa.consent import allow, consents, host_named
from ragqa.errors import UsageError
from ragqa.llms import Destination


def ensure_consent(destination: Destination, *, yes: bool, what: str) -> None:
    """Return only where the user lets `what` be sent there; nothing is sent here.

    A host is asked about once: consent is remembered for it. `--yes` is consent too. This machine
    needs none.

    :param yes: `--yes` was given.
    :param what: what would be sent, in words.
    :raises UsageError: the user refused, or could not be asked.
    """
    from ragqa import render

    if destination.is_local:
        return
    host = host_named(destination.host)
    known = consents()
    if host in known.hosts:
        return
    render.print_warnings(known.warnings)
    if not (yes or _can_ask()):
        raise UsageError(
            f"{destination.backend} would send {what} to {destination.where}, "
            "which you have not allowed yet; nothing was sent",
            hint=f"ragqa llm allow {host}, or add --yes to this command",
        )
    if not yes:
        _ask(destination, what)
    _remember(host)


def _can_ask() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def _ask(destination: Destination, what: str) -> None:
    from ragqa import render

    backend, where = map(render.safe_line, (destination.backend, destination.where))
    render.say(f"{backend} is not on this machine. It would be sent {what}.")
    render.say(f"This would go to: {where}")
    if not render.confirm("Allow this, now and from now on?"):
        raise UsageError(
            f"you did not allow sending to {destination.host}; nothing was sent",
            hint="leave the LLM out, and your notes answer in their own words on this machine",
        )


def _remember(host: str) -> None:
    """Remember consent; where that cannot be written, it still holds for this command."""
    from ragqa import render

    try:
        allow(host)
    except UsageError as exc:
        render.print_warnings([f"consent holds for this command only: {exc.message}"])
    else:
        render.say(f"Allowed: {host} (to take it back: ragqa llm forget {host})")
