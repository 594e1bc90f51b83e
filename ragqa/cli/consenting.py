"""Asking the user before anything is sent to a host that is not this machine."""

from ragqa.cli.lines import is_typed
from ragqa.consent import allow, consents, host_named
from ragqa.errors import NotAllowed, UsageError
from ragqa.llms import Destination


def consented(destination: Destination, *, yes: bool, what: str) -> bool:
    """Whether the user lets `what` be sent there; nothing is sent here.

    They are asked, unless they allowed it before: consent is remembered for a host. `--yes` is
    consent too. This machine needs none.

    :param yes: `--yes` was given.
    :param what: what would be sent, in words.
    :raises NotAllowed: the user cannot be asked.
    :raises UsageError: the destination's host is none.
    """
    from ragqa import render

    if destination.is_local:
        return True
    host = host_named(destination.host)
    known = consents()
    if host in known.hosts:
        return True
    render.print_warnings(known.warnings)
    if not (yes or is_typed()):
        raise NotAllowed(
            f"{destination.backend} would send {what} to {destination.where}, "
            "which you have not allowed yet; nothing was sent",
            hint=f"ragqa llm allow {host}, or add --yes to this command",
        )
    if not yes and not _ask(destination, what):
        return False
    _remember(host)
    return True


def _ask(destination: Destination, what: str) -> bool:
    from ragqa import render

    backend, where = map(render.safe_line, (destination.backend, destination.where))
    render.say(f"{backend} is not on this machine. It would be sent {what}.")
    render.say(f"This would go to: {where}")
    return render.confirm("Allow this, now and from now on?")


def _remember(host: str) -> None:
    """Remember consent; where that cannot be written, it still holds for this command."""
    from ragqa import render

    try:
        allow_and_say(host)
    except UsageError as exc:
        render.print_warnings([f"consent holds for this command only: {exc.message}"])


def allow_and_say(host: str) -> None:
    """Remember consent for a host, and say how to take it back.

    :raises UsageError: it is not the name of a host, or consent cannot be remembered.
    """
    from ragqa import render

    allowed = allow(host)
    render.say(f"Allowed: {allowed} (to take it back: ragqa llm forget {allowed})")
