"""Every error that ragqa raises on purpose, with its exit code, and hints what to do next."""

import errno
import sys
from pathlib import Path
from typing import ClassVar, Self

_SAID = (
    "allocate memory", "unable to allocate", "failed to allocate", "failed to map segment",
    "bad_alloc", "out of memory", "not enough memory", "start new thread", "pthread_create",
)  # fmt: skip
_MEMORY = "close other programs, or raise the limit: ulimit -v unlimited"


class Hint(str):
    """What fixes an error for whoever asked; a plain `str` is for the user of this machine alone.

    It reads as on the command line. `tool` is for an assistant, which calls tools, and `page` for a
    page, "" where it shows that already.
    """

    __slots__ = ("page", "tool")
    page: str
    tool: str

    def __new__(cls, text: str, *, tool: str = "", page: str | None = None) -> Self:  # noqa: D102
        hint = super().__new__(cls, text)
        hint.tool, hint.page = tool or text, text if page is None else page
        return hint


LIST = Hint("ragqa list", tool="the tool list", page="")
_TAGS = Hint("ragqa list --tags", tool="list with what='tags'", page="")
STATUS = Hint("ragqa status", tool="the tool status", page="")


INSTEAD = {
    "ragqa doctor": "ragqa status says what is wrong; ragqa index --rebuild mends an index",
    "ragqa llm": "ragqa status says which LLM is set; --yes allows its host",
    "ragqa store": "ragqa index --yes allows the host of the store",
    "ragqa model": "ragqa config set embedder NAME asks before it fetches a model",
    "ragqa index --list": "ragqa status names the folder of an index",
    "ragqa index --remove": "remove the folder by hand: ragqa status names it",
    "ragqa eval --compare": "compare two documents of --json, with jq for example",
    "ragqa eval --half": "ragqa eval --questions FILE asks all the questions of a file",
    "ragqa eval --beir": "python eval/beir.py DIR, in the source of ragqa, measures a public set",
    "ragqa eval --qa": "python eval/qa.py DIR, in the source of ragqa, measures a public set",
    "ragqa eval --set": "RAGQA_PASSAGE_TOKENS=100 ragqa eval --index DIR sets it for one run",
    "ragqa ask --where": "--where status=done --where kind=plan: equal alone, and all of them",
    "ragqa.toml": "ragqa config set NAME VALUE sets what it says for you; then remove the file",
    "candidates": "200 passages are taken by meaning, and 200 by words",
    "dense_weight": "meaning and words count the same",
    "excerpts": "an answer has at most 3 excerpts",
    "excerpt_words": "an excerpt has at most 100 words, before a list or table is completed",
    "reader": "ragqa config set reranker NAME names a cross-encoder",
    "old_after_days": "a source is marked as old after 730 days",
    "secret_front_matter": "values of front matter whose keys name a secret are never indexed",
}
"""What to do instead of a former command, option or setting: one sentence or one command."""


class RagqaError(Exception):
    """An error that a user can cause and fix: what happened, and the command that mends it."""

    exit_code: ClassVar[int] = 70

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class BelowTarget(RagqaError):
    """An evaluation's measure is below `--fail-under`."""

    exit_code = 1


class UsageError(RagqaError):
    """The command line, a question or a setting is wrong."""

    exit_code = 2


class NoSuchTag(UsageError):
    """No note has a tag that was asked for; `nearest` are those with similar names."""

    def __init__(self, tag: str, nearest: tuple[str, ...]) -> None:
        self.tag, self.nearest = tag, nearest
        near = f"; nearest: {', '.join(nearest)}" if nearest else ""
        super().__init__(f"no note has the tag {tag}{near}", hint=_TAGS)


class NotAllowed(UsageError):
    """The user has not allowed sending this to the host."""


class NoCorpus(RagqaError):
    """There is no folder of notes, or no readable note in it."""

    exit_code = 3


class NoIndex(RagqaError):
    """There is no index yet, and this command does not build one."""

    exit_code = 3


class NotIndexed(NoIndex):
    """There is an index, and a note is not in it."""


class IndexUnusable(RagqaError):
    """The index cannot be read, written or trusted; the notes are not affected."""

    exit_code = 4


class IndexNotReadable(IndexUnusable):
    """The system refused to read the index: no permission, too many open files. It may be sound."""


class EmbedderMismatch(IndexUnusable):
    """The index was built with another embedder than the one in use."""


class NeedsRebuild(IndexUnusable):
    """The index is damaged, or another version of ragqa wrote it: a refresh builds it anew.

    :param corpus: what the index says it was made from, "" if that is unknown.
    """

    def __init__(self, message: str, *, hint: str = "", corpus: str = "") -> None:
        super().__init__(message, hint=hint)
        self.corpus = corpus


class IndexNotWritable(IndexUnusable):
    """The index cannot be written: no room, no permission, no locks. The old one still answers."""


class WorkersFailed(IndexUnusable):
    """The embedding workers cannot be reached or failed; the old index still answers."""


class BackendFailed(RagqaError):
    """The LLM backend failed; the extractive answer stands."""

    exit_code = 5


class WriterBusy(RagqaError):
    """Another process is writing this index."""

    exit_code = 6


class OutOfMemory(RagqaError):
    """The system gave less memory than is needed; an index is as it was."""

    exit_code = 8


class GivenUp(RagqaError):
    """A call to a server took too long, or nobody waits for its answer any longer."""


class NotesSkipped(RagqaError):
    """Notes were skipped while `--strict` was given."""

    exit_code = 7


def out_of_memory(exc: BaseException | None) -> OutOfMemory | None:
    """The error to report if an exception, or one that caused it, is about memory, else None."""
    if isinstance(exc, (UsageError, BackendFailed)):
        return None  # a filter nested too deeply, a server that has no memory
    seen = set[int]()
    while exc is not None and id(exc) not in seen:
        if isinstance(exc, OutOfMemory):
            return exc
        is_native = isinstance(exc, (ImportError, OSError, RuntimeError))
        is_said = is_native and any(words in str(exc).lower() for words in _SAID)
        if isinstance(exc, MemoryError) or getattr(exc, "errno", 0) == errno.ENOMEM or is_said:
            return OutOfMemory("there is too little memory for this", hint=_MEMORY)
        seen.add(id(exc))
        exc = exc.__cause__ or exc.__context__
    return None


def install_command(extra: str) -> str:
    """The command that adds an extra, with what made this environment: uv, pipx or pip."""
    environment = Path(sys.prefix)
    if (environment / "uv-receipt.toml").is_file():
        return f'uv tool install "{_origin()}[{extra}]"'
    if (environment / "pipx_metadata.json").is_file():
        return f'pipx install --force "{_origin()}[{extra}]"'
    return f'pip install "ragqa[{extra}]"'


def _origin() -> str:
    """The folder or file that ragqa was installed from (PEP 610), or its name if from an index."""
    import json
    from importlib.metadata import distribution
    from urllib.parse import unquote, urlsplit

    direct = distribution("ragqa").read_text("direct_url.json")
    url = urlsplit(json.loads(direct)["url"]) if direct else None
    return unquote(url.path) if url and url.scheme == "file" else "ragqa"
