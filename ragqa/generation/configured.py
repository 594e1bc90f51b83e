"""The writer that the settings name, and what it would send."""

from pathlib import Path

from ragqa.config import Settings
from ragqa.errors import UsageError
from ragqa.generation.prompt import INSTRUCTIONS
from ragqa.generation.writer import Writer
from ragqa.llms import llm_for
from ragqa.safe import safe_text
from ragqa.types import counted

_MAX_TEMPLATE_BYTES = 20_000


def writer_of(
    settings: Settings, spec: str, *, strict: bool = False, force: bool = False
) -> Writer:
    """The writer for a backend, `KIND:MODEL`; it has no consent yet, so it may send nothing.

    :raises UsageError: the backend is unknown or unusable, or the instructions cannot be read.
    """
    return Writer(
        llm_for(spec),
        instructions=instructions_in(settings),
        prompt_tokens=settings.llm_prompt_tokens,
        answer_tokens=settings.llm_answer_tokens,
        deadline_s=settings.llm_deadline_s,
        strict=strict,
        force=force,
        allow=lambda: False,
    )


def what_is_sent(settings: Settings) -> str:
    """What a question sends, in words."""
    passages = counted(settings.top_k, "passage")
    return f"what you ask and up to {passages} of your notes (ragqa ask --show-prompt shows them)"


def instructions_in(settings: Settings) -> str:
    """The user's instructions for the LLM, or the built-in ones.

    They are sanitised, so that what is sent is exactly what is shown.

    :raises UsageError: the user's file cannot be read, is blank or is too long.
    """
    if not settings.llm_template:
        return INSTRUCTIONS
    path = Path(settings.llm_template).expanduser()
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_TEMPLATE_BYTES + 1)
        if len(data) > _MAX_TEMPLATE_BYTES:
            reason = f"it holds more than {_MAX_TEMPLATE_BYTES} bytes"
        elif text := safe_text(data.decode("utf-8-sig")).strip():
            return f"{text}\n"
        else:
            reason = "it is empty"
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc)
    raise UsageError(
        f"the instructions for the LLM cannot be read from {path}: {reason}",
        hint="ragqa config set llm_template FILE, or ragqa config unset llm_template",
    )
