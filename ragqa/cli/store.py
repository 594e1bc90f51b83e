"""`ragqa store`: which hosts may keep an index of the notes."""

import typer

from ragqa.cli.options import add_consent_commands

app = typer.Typer(
    no_args_is_help=True,
    help="Allow a host to receive the text of all notes, for an index or to embed them.",
    epilog="Example: ragqa store allow milvus.example.org:19530",
)
add_consent_commands(
    app,
    "store",
    host="HOST:PORT, as ragqa status and ragqa doctor show it.",
    allows="Allow the text of notes to be stored on a host, until you withdraw it.",
    forgets="Withdraw the permission to store notes on a host; what is already there stays.",
    example="milvus.example.org:19530",
)
