"""`ragqa llm`, `store` and `model`: what answers, where it would send; which hosts are allowed."""

from typing import TYPE_CHECKING, Annotated

import typer

from ragqa.cli.opening import is_interactive, load
from ragqa.cli.options import AsJson, Yes
from ragqa.errors import BackendFailed, UsageError

if TYPE_CHECKING:
    from ragqa.consent import Use
    from ragqa.llms import Destination

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
    from ragqa import render
    from ragqa.consent import consents
    from ragqa.diagnosis import choice_of, offers_of
    from ragqa.render import overviews

    loaded, known = load(), consents()
    choice, offers = choice_of(loaded), offers_of(loaded)
    if json:
        document = overviews.overview_document(choice, offers, known.hosts, known.warnings)
        render.print_document(document)
    else:
        overviews.print_overview(choice, offers, known.hosts)
    render.print_warnings(known.warnings)
    return 0


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
    from ragqa import render
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
    if json:
        render.print_document(overviews.trial_document(trial))
    else:
        overviews.print_trial(trial)
    return 0 if trial.right else 1


def consented(
    destination: "Destination", *, yes: bool, what: str, use: "Use | None" = None
) -> bool:
    """Return whether the user allows sending `what` to a destination; nothing is sent here.

    Asks unless consent was given before: it is remembered for each host, or, if that fails, holds
    for this command. This machine needs none.

    :param yes: `--yes` was given, which counts as consent.
    :param what: what would be sent, in words.
    :param use: what the host would be allowed for, by default to answer.
    :raises NotAllowed: the user cannot be asked.
    :raises UsageError: the destination's host is invalid.
    """
    from ragqa import render
    from ragqa.consent import Use, consents, host_named, not_allowed
    from ragqa.safe import safe_line

    if destination.is_local:
        return True
    use = use or Use.LLM
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
        _allow_host(host, use)
    except UsageError as exc:
        render.print_warnings([f"consent holds for this command only: {exc.message}"])
    return True


def _allow_host(host: str, use: "Use") -> None:
    """Remember consent for a host, and print how to withdraw it.

    :raises UsageError: the host is invalid, or consent cannot be saved.
    """
    from ragqa import consent, render

    allowed = consent.allow(host, use)
    fix = f"ragqa {use.command} forget {allowed}"
    render.say(f"Allowed: {allowed} (to take it back: {fix})")


def _add_consent(family: typer.Typer, use: str, allows: str, forgets: str, example: str) -> None:
    """Add `allow` and `forget` to a family of commands, for the use of this name."""
    named = typer.Argument(metavar="HOST", help="HOST or HOST:PORT, as ragqa shows it.")

    @family.command(help=f"{allows}\n\nExample: ragqa {use.lower()} allow {example}")
    def allow(host: Annotated[str, named]) -> int:
        from ragqa.consent import Use

        _allow_host(host, Use[use])
        return 0

    @family.command(help=f"{forgets}\n\nExample: ragqa {use.lower()} forget {example}")
    def forget(host: Annotated[str, named]) -> int:
        from ragqa import consent, render

        said = "is no longer" if consent.forget(host, consent.Use[use]) else "was not"
        render.say(f"{consent.host_named(host)} {said} allowed")
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
