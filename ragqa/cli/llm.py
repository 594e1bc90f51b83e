"""`ragqa llm`, `store` and `model`: what answers, where it would send; which hosts are allowed."""

from typing import Annotated

import typer

from ragqa.cli.consenting import allow_host, consented
from ragqa.cli.opening import finish, load
from ragqa.cli.options import AsJson, Yes
from ragqa.errors import BackendFailed, UsageError

app = typer.Typer(
    no_args_is_help=True,
    help="Show which LLMs can answer and where they would send; try one; allow a host.",
    epilog="Example: ragqa llm list",
)
store = typer.Typer(
    no_args_is_help=True,
    help="Allow a host to receive the text of all notes, for an index or to embed them.",
    epilog="Example: ragqa store allow milvus.example.org:19530",
)
model = typer.Typer(
    no_args_is_help=True,
    help="Allow a host to be asked for models that ragqa config set names.",
    epilog="Example: ragqa model allow huggingface.co",
)


@app.command(name="list")
def show(json: AsJson = False) -> int:
    """List the kinds of backends, where each would send, which answers, and which one is set.

    Servers on this machine, and at hosts that you allowed, are asked which models they have.

    Example: ragqa llm list
    """
    from ragqa.diagnosis import choice_of, offers_of
    from ragqa.render import overviews
    from ragqa.state.consent import consents

    loaded, known = load(), consents()
    choice, offers = choice_of(loaded), offers_of(loaded)
    return finish(
        {"set": choice, "kinds": offers, "allowed": known.hosts, "warnings": known.warnings},
        lambda: overviews.print_overview(choice, offers, known.hosts),
        json=json, warnings=known.warnings,
    )  # fmt: skip


@app.command()
def check(
    name: Annotated[
        str | None,
        typer.Argument(metavar="KIND:MODEL", help="The backend; by default the one that is set."),
    ] = None,
    yes: Yes = False,
    json: AsJson = False,
) -> int:
    """Send one harmless question and show how fast the answer came, and whether it is right.

    The prompt holds nothing of your notes. Exits with 1 if the answer is wrong, and with 5 if none
    came.

    Example: ragqa llm check ollama:llama3.2
    """
    from ragqa.diagnosis import WHAT, try_llm
    from ragqa.llms import llm_for
    from ragqa.render import overviews

    settings = load(llm=name).settings
    if not settings.llm:
        raise UsageError(
            "no LLM is set, and none was named", hint="ragqa llm list, then ragqa llm check NAME"
        )
    llm = llm_for(settings.llm, settings.llm_url)
    host = llm.destination.host
    if not consented(llm.destination, yes=yes, what=WHAT):
        raise UsageError(
            f"you did not allow sending to {host}; nothing was sent", hint=f"ragqa llm allow {host}"
        )
    try:
        trial = try_llm(
            llm, max_tokens=settings.llm_answer_tokens, deadline_s=settings.llm_deadline_s
        )
    except BackendFailed as exc:
        exc.hint = exc.hint or "ragqa llm list"
        raise
    return finish(trial, lambda: overviews.print_trial(trial), json=json, is_good=trial.right)


def _add_consent(family: typer.Typer, use: str, allows: str, forgets: str, example: str) -> None:
    """Add `allow` and `forget` to a family of commands, for the use of this name."""
    named = typer.Argument(metavar="HOST", help="HOST or HOST:PORT, as ragqa shows it.")

    @family.command(help=f"{allows}\n\nExample: ragqa {use.lower()} allow {example}")
    def allow(host: Annotated[str, named]) -> int:
        from ragqa.state.consent import Use

        allow_host(host, Use[use])
        return 0

    @family.command(help=f"{forgets}\n\nExample: ragqa {use.lower()} forget {example}")
    def forget(host: Annotated[str, named]) -> int:
        from ragqa import render
        from ragqa.state import consent

        state = "is no longer" if consent.forget(host, consent.Use[use]) else "was not"
        render.say(f"{consent.host_named(host)} {state} allowed")
        return 0


_add_consent(
    app,
    "LLM",
    "Allow questions and passages to be sent to a host, until you withdraw it.",
    "Withdraw the permission to send anything to a host.",
    "api.openai.com",
)
_add_consent(
    store,
    "STORE",
    "Allow the text of notes to be stored on a host, until you withdraw it.",
    "Withdraw the permission to store notes on a host; what is already there stays.",
    "milvus.example.org:19530",
)
_add_consent(
    model,
    "MODEL",
    "Allow models to be fetched from a host, until you withdraw it.",
    "Withdraw the permission to fetch models from a host; those that are here stay.",
    "huggingface.co",
)
