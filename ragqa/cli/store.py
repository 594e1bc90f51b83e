"""`ragqa store`: which hosts may keep an index of the notes."""

from typing import Annotated

import typer

from ragqa.cli.options import Debug

app = typer.Typer(
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Allow a host the text of all your notes, to keep an index or embed them; take it back.",
    epilog="Example: ragqa store allow milvus.example.org:19530",
)

Host = Annotated[
    str, typer.Argument(metavar="HOST", help="HOST:PORT, as ragqa status and ragqa doctor show it.")
]


@app.command()
def allow(host: Host, debug: Debug = False) -> int:
    """Allow the text of notes to be stored on a host, until you take it back.

    Example: ragqa store allow milvus.example.org:19530
    """
    from ragqa.cli.consenting import allow_and_say
    from ragqa.consent import Use

    allow_and_say(host, Use.STORE)
    return 0


@app.command()
def forget(host: Host, debug: Debug = False) -> int:
    """Take back that a host may store notes; what it stores already stays there.

    Example: ragqa store forget milvus.example.org:19530
    """
    from ragqa.cli.consenting import forget_and_say
    from ragqa.consent import Use

    forget_and_say(host, Use.STORE)
    return 0
