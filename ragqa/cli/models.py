"""Models that settings name: see that they are here, or fetch them if the user agrees."""

from ragqa.cli.consenting import consented, is_interactive
from ragqa.errors import NotAllowed


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
        _fetch(kind, exc.name, yes=yes)
        _check(kind, value)


def _check(kind: str, value: str) -> None:
    from ragqa.embedders import model_in
    from ragqa.embedders.weights import find_model
    from ragqa.readers import reader_for

    if kind == "reader":
        reader_for(value)
    else:
        find_model(model_in(value))


def _fetch(kind: str, name: str, *, yes: bool) -> None:
    """Fetch a model, once its host is allowed and the user has seen the size and agreed."""
    from ragqa import render
    from ragqa.embedders import hub
    from ragqa.llms import Destination
    from ragqa.llms.servers import proxy_to
    from ragqa.safe import safe_line
    from ragqa.state.consent import Use, is_allowed

    server = hub.address()
    host = "" if server.is_loopback else server.host_and_port.removesuffix(":443")
    asks = is_interactive() and not yes
    if host and not (yes or asks or is_allowed(host, Use.MODEL)):
        raise NotAllowed(
            f"the model {name} is not on this machine, and you have not allowed {host} to be asked "
            "for it; nothing was fetched",
            hint=f"ragqa model allow {host}, or add --yes to this command",
        )
    there = Destination("The hub of models", host, proxy_to(server)[1] if host else "")
    what = f"the name {name}, to fetch that model, and nothing of your notes"
    refused = NotAllowed(f"nothing was fetched, and the {kind} stays as it was")
    if not consented(there, yes=yes, what=what, use=Use.MODEL):
        raise refused
    offer = hub.look_up(kind, name)
    where = safe_line(host or server.host_and_port)
    render.say(f"{name}: {offer.megabytes} from {where}, revision {offer.revision[:12]}")
    if asks and not render.confirm("Fetch it?"):
        raise refused
    with render.ProgressLine() as progress:
        hub.fetch(offer, progress)
