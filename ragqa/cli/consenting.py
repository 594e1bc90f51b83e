"""Asking the user before anything is sent to a host that is not this machine."""

from pathlib import Path

from ragqa.cli.lines import is_typed
from ragqa.consent import Use, allow, consents, host_named
from ragqa.errors import NotAllowed, UsageError
from ragqa.llms import Destination

_COMMANDS = {Use.LLM: "llm", Use.STORE: "store"}
"""The command whose `allow` and `forget` are about a use."""


def consented(destination: Destination, *, yes: bool, what: str, use: Use = Use.LLM) -> bool:
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
    if _is_known(host, use):
        return True
    if not (yes or is_typed()):
        raise NotAllowed(
            f"{destination.backend} would send {what} to {destination.where}, "
            "which you have not allowed yet; nothing was sent",
            hint=f"ragqa {_COMMANDS[use]} allow {host}, or add --yes to this command",
        )
    backend, where = map(render.safe_line, (destination.backend, destination.where))
    told = [
        f"{backend} is not on this machine. It would be sent {what}.",
        f"This would go to: {where}",
    ]
    if not yes and not _ask(told, "Allow this, now and from now on?"):
        return False
    _remember(host, use)
    return True


def store_consented(host: str, *, where: str, corpus: Path) -> bool:
    """Whether the user lets notes be kept on this host; they are asked if they can be.

    :param where: the store's address and what the index is called there.
    :param corpus: the notes that this is about.
    """
    from ragqa import render
    from ragqa.stores import SENT

    if _is_known(host, Use.STORE):
        return True
    if not is_typed():
        return False
    told = [
        f"The index would be kept on another machine: {render.safe_line(where)}",
        f"It would be sent {SENT}, of the notes in {render.safe_line(str(corpus))}.",
    ]
    if where.startswith("http://"):
        told.append("This address is http://: whoever is on the way there can read it.")
    if not _ask(told, f"Allow {host} to store these notes and what else you index there?"):
        return False
    _remember(host, Use.STORE)
    return True


def _is_known(host: str, use: Use) -> bool:
    """Whether this was allowed before; a damaged file of consents is told."""
    from ragqa import render

    known = consents()
    if host_named(host) in known.of(use):
        return True
    render.print_warnings(known.warnings)
    return False


def _ask(told: list[str], question: str) -> bool:
    from ragqa import render

    for line in told:
        render.say(line)
    return render.confirm(question)


def _remember(host: str, use: Use) -> None:
    """Remember consent; where that cannot be written, it still holds for this command."""
    from ragqa import render

    try:
        allow_and_say(host, use)
    except UsageError as exc:
        render.print_warnings([f"consent holds for this command only: {exc.message}"])


def allow_and_say(host: str, use: Use) -> None:
    """Remember consent for a host, and say how to take it back.

    :raises UsageError: it is not the name of a host, or consent cannot be remembered.
    """
    from ragqa import render

    allowed = allow(host, use)
    fix = f"ragqa {_COMMANDS[use]} forget {allowed}"
    render.say(f"Allowed: {allowed} (to take it back: {fix})")


def forget_and_say(host: str, use: Use) -> None:
    """Take consent back, and say whether there was any.

    :raises UsageError: it is not the name of a host, or the file of consents cannot be changed.
    """
    from ragqa import consent, render

    known = consent.forget(host, use)
    named = host_named(host)
    render.say(f"{named} {'is no longer allowed' if known else 'was not allowed'}")
