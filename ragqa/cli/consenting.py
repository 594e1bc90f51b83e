"""Asking the user before anything is sent to a host that is not this machine."""

from ragqa import consent, render
from ragqa.cli.opening import is_interactive
from ragqa.consent import Use, consents, host_named, not_allowed
from ragqa.errors import UsageError
from ragqa.llms import Destination
from ragqa.render import safe_line


def consented(destination: Destination, *, yes: bool, what: str, use: Use = Use.LLM) -> bool:
    """Return whether the user allows sending `what` to a destination; nothing is sent here.

    Asks unless consent was given before: it is remembered for each host, or, if that fails, holds
    for this command. This machine needs none.

    :param yes: `--yes` was given, which counts as consent.
    :param what: what would be sent, in words.
    :raises NotAllowed: the user cannot be asked.
    :raises UsageError: the destination's host is invalid.
    """
    if destination.is_local:
        return True
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


def allow_host(host: str, use: Use) -> None:
    """Remember consent for a host, and print how to withdraw it.

    :raises UsageError: the host is invalid, or consent cannot be saved.
    """
    allowed = consent.allow(host, use)
    fix = f"ragqa {use.command} forget {allowed}"
    render.say(f"Allowed: {allowed} (to take it back: {fix})")


def forget_host(host: str, use: Use) -> None:
    """Withdraw consent, and print whether there was any.

    :raises UsageError: the host is invalid, or the file of consents cannot be changed.
    """
    said = "is no longer" if consent.forget(host, use) else "was not"
    render.say(f"{host_named(host)} {said} allowed")
