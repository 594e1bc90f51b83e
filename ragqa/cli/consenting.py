"""Asking the user before anything is sent to a host that is not this machine."""

from collections.abc import Sequence

from ragqa import consent, render
from ragqa.cli.lines import is_interactive
from ragqa.consent import Use, consents, host_named, not_allowed
from ragqa.errors import UsageError
from ragqa.llms import Destination
from ragqa.safe import safe_line
from ragqa.types import Corpus

_COMMANDS = {Use.LLM: "llm", Use.STORE: "store"}
"""The command whose `allow` and `forget` manage the consent for a use."""


def consented(destination: Destination, *, yes: bool, what: str, use: Use = Use.LLM) -> bool:
    """Return whether the user allows sending `what` to a destination; nothing is sent here.

    Asks unless consent was given before: it is remembered for each host. `--yes` counts as consent.
    This machine needs none.

    :param yes: `--yes` was given.
    :param what: what would be sent, in words.
    :raises NotAllowed: the user cannot be asked.
    :raises UsageError: the destination's host is invalid.
    """
    if destination.is_local:
        return True
    host = host_named(destination.host)
    if _is_known(host, use):
        return True
    if not (yes or is_interactive()):
        hint = f"ragqa {_COMMANDS[use]} allow {host}, or add --yes to this command"
        raise not_allowed(destination.backend, what, destination.where, hint=hint)
    notice = (
        f"{safe_line(destination.backend)} is not on this machine. It would be sent {what}.",
        f"This would go to: {safe_line(destination.where)}",
    )
    return _allowed_now(host, use, notice, "Allow this, now and from now on?", yes=yes)


def store_consented(host: str, *, where: str, corpus: Corpus) -> bool:
    """Return whether the user allows storing notes on a host; asks if a person is at the terminal.

    :param where: the store's address and the index's name there.
    :param corpus: the folder of the notes.
    """
    from ragqa.stores import SENT

    if _is_known(host, Use.STORE):
        return True
    if not is_interactive():
        return False
    notice = [
        f"The index would be kept on another machine: {safe_line(where)}",
        f"It would be sent {SENT}, of the notes in {safe_line(str(corpus))}.",
    ]
    if where.startswith("http://"):
        notice.append("This address is http://: anyone on the network path can read it.")
    question = f"Allow {host} to store these notes and whatever else you index there?"
    return _allowed_now(host, Use.STORE, notice, question)


def allow_host(host: str, use: Use) -> None:
    """Remember consent for a host, and print how to withdraw it.

    :raises UsageError: the host is invalid, or consent cannot be saved.
    """
    allowed = consent.allow(host, use)
    fix = f"ragqa {_COMMANDS[use]} forget {allowed}"
    render.say(f"Allowed: {allowed} (to take it back: {fix})")


def forget_host(host: str, use: Use) -> None:
    """Withdraw consent, and print whether there was any.

    :raises UsageError: the host is invalid, or the file of consents cannot be changed.
    """
    said = "is no longer" if consent.forget(host, use) else "was not"
    render.say(f"{host_named(host)} {said} allowed")


def _is_known(host: str, use: Use) -> bool:
    """Whether this was allowed before; warns of a damaged file of consents."""
    known = consents()
    if host_named(host) in known.of(use):
        return True
    render.print_warnings(known.warnings)
    return False


def _allowed_now(
    host: str, use: Use, notice: Sequence[str], question: str, *, yes: bool = False
) -> bool:
    """Ask the user, unless `yes`, and remember consent.

    If it cannot be remembered, it still holds for this command.
    """
    if not yes:
        for line in notice:
            render.say(line)
        if not render.confirm(question):
            return False
    try:
        allow_host(host, use)
    except UsageError as exc:
        render.print_warnings([f"consent holds for this command only: {exc.message}"])
    return True
