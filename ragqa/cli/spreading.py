"""`--workers`: the Ray workers that embed, and consent to send them passages."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from ragqa.errors import NotAllowed

if TYPE_CHECKING:
    from ragqa.api import Index

WorkersOption = Annotated[
    str | None,
    typer.Option(
        "--workers",
        metavar="ray[:HOST:PORT]",
        help="Embed with Ray: on all cores and GPUs of this machine, or of the cluster there.",
    ),
]
YesWorkers = Annotated[
    bool,
    typer.Option("--yes", help="Allow passages to be sent to the workers from now on."),
]


def use_workers(index: "Index", spec: str | None, *, yes: bool) -> None:
    """Make the index embed with these workers, or in this process for None; nothing is sent yet.

    :raises UsageError: the spec is malformed, or Ray is not installed.
    :raises NotAllowed: the user does not allow sending passages to the workers' host.
    """
    if spec is None:
        return
    from ragqa.embedders.spread import SENT, address_in, ray_workers, remote_host

    address = address_in(spec)
    if host := remote_host(address):
        from ragqa.cli.consenting import consented
        from ragqa.consent import Use
        from ragqa.llms import Destination

        if not consented(Destination("Ray", host), yes=yes, what=SENT, use=Use.STORE):
            raise NotAllowed(
                f"nothing was sent to {host}, and nothing was embedded",
                hint="ragqa index, without --workers",
            )
    index.source.embedders.workers = partial(ray_workers, address=address)
