"""`ragqa store`: which hosts may keep an index of the notes."""

from typing import Annotated

import typer

from ragqa.cli.options import Command

app = typer.Typer(
    no_args_is_help=True,
    help="Allow a host to receive the text of all notes, for an index or to embed them.",
    epilog="Example: ragqa store allow milvus.example.org:19530",
)

Host = Annotated[
    str, typer.Argument(metavar="HOST", help="HOST:PORT, as ragqa status and ragqa doctor show it.")
]


@app.command(cls=Command)
def allow(host: Host) -> int:
    """Allow the text of notes to be stored on a host, until you withdraw it.

    Example: ragqa store allow milvus.example.org:19530
    """
    from ragqa.cli.consenting import allow_host
    from ragqa.consent import Use

    allow_host(host, Use.STORE)
    return 0


@app.command(cls=Command)
def forget(host: Host) -> int:
    """Withdraw the permission to store notes on a host; what is already there stays.

    Example: ragqa store forget milvus.example.org:19530
    """
    from ragqa.cli.consenting import forget_host
    from ragqa.consent import Use

    forget_host(host, Use.STORE)
    return 0
