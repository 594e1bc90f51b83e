"""`ragqa llm`: list LLM backends and their destinations, try one, and manage consent."""

from typing import Annotated

import typer

from ragqa.cli.generation import Yes
from ragqa.cli.opening import load_flags
from ragqa.cli.options import AsJson, Command, add_consent_commands
from ragqa.errors import BackendFailed, UsageError

app = typer.Typer(
    no_args_is_help=True,
    help="Show which LLMs can answer and where they would send; try one; allow a host.",
    epilog="Example: ragqa llm list",
)


@app.command(name="list", cls=Command)
def show(json: AsJson = False) -> int:
    """List the kinds of backends, where each would send, which answers, and which one is set.

    Servers on this machine, and at hosts that you allowed, are asked which models they have.

    Example: ragqa llm list
    """
    from ragqa import render
    from ragqa.diagnosis import overview_of
    from ragqa.render import overviews

    overview = overview_of(load_flags({}))
    if json:
        render.print_document(overviews.overview_document(overview))
    else:
        overviews.print_overview(overview)
    render.print_warnings(overview.warnings)
    return 0


@app.command(cls=Command)
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
    from ragqa.cli.consenting import consented
    from ragqa.diagnosis.llm import WHAT, try_llm
    from ragqa.llms import llm_for
    from ragqa.render import overviews

    settings = load_flags({"llm": name}).settings
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


add_consent_commands(
    app,
    "llm",
    host="HOST or HOST:PORT, as ragqa llm list shows it.",
    allows="Allow questions and passages to be sent to a host, until you withdraw it.",
    forgets="Withdraw the permission to send anything to a host.",
    example="api.openai.com",
)
