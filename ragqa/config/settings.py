"""The settings, in one table from which checks, completion and reference follow: `Settings`."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum
from itertools import permutations
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, cast, get_args, get_type_hints

import msgspec
from msgspec import Meta, Struct, structs

from ragqa.config import urls
from ragqa.config.urls import LOCAL
from ragqa.corpus import Folder
from ragqa.errors import INSTEAD, UsageError
from ragqa.languages import AUTO, LANGUAGES, OTHER
from ragqa.safe import safe_line

Value: TypeAlias = str | int | tuple[str, ...] | tuple[Folder, ...]

OptionalFormat = Literal[
    "all", "html", "org", "epub", "odt", "ods", "pptx", "xlsx", "rtf", "eml", "ipynb", "pdf", "docx"
]
OPTIONAL_FORMATS = get_args(OptionalFormat)[1:]
"""The formats besides Markdown and text; all but web pages, the first, are read by default."""

_MAX_NAME = 60
_CODES = (AUTO, *sorted(code for code in LANGUAGES if code not in ("", OTHER)))


class Origin(StrEnum):
    """Where a value came from, strongest first.

    AT_HAND is a `corpus` folder in the current folder, where nothing else says which notes.
    """

    FLAG = "flag"
    ENVIRONMENT = "environment"
    USER = "user settings"
    AT_HAND = "current folder"
    DEFAULT = "default"


class _Entry(Struct, forbid_unknown_fields=True):
    """A folder as a table of a settings file."""

    path: Annotated[str, Meta(min_length=1)]
    name: Annotated[str, Meta(pattern=r"\A(?!\.{1,2}\Z)[^/]*\Z")] = ""
    context: Annotated[str, Meta(max_length=300)] = ""


def _folder_in(raw: object) -> Folder:
    if isinstance(raw, Folder):
        return raw
    table = msgspec.convert({"path": str(raw)} if isinstance(raw, str | Path) else raw, _Entry)
    if safe_line(table.name) != table.name:
        raise ValueError(table.name)
    return Folder(Path(table.path), table.name, " ".join(table.context.split()) or None)


def absolute(path: str, folder: Path) -> Path:
    """Resolve a path relative to a folder: without `~`, links and `..`.

    :raises UsageError: a loop of links, an unknown user, or an invalid path.
    """
    try:
        return (folder / Path(path).expanduser()).resolve()
    except (OSError, RuntimeError, ValueError) as exc:
        raise UsageError(f"the path {path} leads nowhere: {exc}", hint="give another path") from exc


def _placed(named: Iterable[Folder], here: Path) -> tuple[Folder, ...]:
    """Folders of notes, made absolute; one without a name is called as it is on disk.

    :raises UsageError: two have the same name, one lies within another, or one leads nowhere.
    """
    paths = [(folder, absolute(str(folder), here)) for folder in named]
    folders = tuple(
        structs.replace(folder, path=path, name=folder.name or path.name) for folder, path in paths
    )
    for inner, outer in permutations(folders, 2):
        if inner.path.is_relative_to(outer.path):
            raise UsageError(
                f"the notes in {inner.path} would be read twice, since {outer.path} holds them too",
                hint="leave one of the two folders out of corpus",
            )
    for name, number in Counter(folder.name for folder in folders).most_common(1):
        if number > 1:
            raise UsageError(
                f"{number} folders of notes are called {name}, "
                "and citations could not tell them apart",
                hint='name them in your settings: corpus = [{path = "DIR", name = "NAME"}, "DIR"]',
            )
    return folders


@dataclass(frozen=True, slots=True)
class Setting:
    """What a field of `Settings` is.

    :param expects: what its value must be, in words.
    :param choices: values to offer.
    :param kind: what its value names.
    :param is_secret: whether an invalid value may have a password in it, and is not repeated.
    """

    doc: str
    expects: str = ""
    choices: tuple[str, ...] = ()
    kind: Literal["text", "words", "corpus", "folder", "model", "store", "llm", "url"] = "text"
    is_secret: bool = False
    name: str = ""
    type: Any = None
    default: Value = ""

    def parse(self, raw: object, where: str) -> Value:
        """Convert a value from a file, a flag or the environment to the setting's type.

        :raises UsageError: the value is invalid.
        """
        try:
            if self.kind == "corpus":
                return tuple(map(_folder_in, raw if isinstance(raw, list | tuple) else [raw]))
            if self.kind == "words" and isinstance(raw, str):
                raw = raw.replace(",", " ").split()
            value: Value = msgspec.convert(raw, self.type, strict=False)
        except ValueError as exc:
            shown = "" if self.is_secret else f", not {raw!r}"
            raise UsageError(
                f"{self.name} in {where} must be {self.expects}{shown}",
                hint=how_to_fix(where),
            ) from exc
        if self.kind == "store":
            return urls.checked_store(str(value), where)
        if self.kind == "url" and value:
            example = "http://127.0.0.1:8080/v1"
            urls.llm_address(str(value), f"{self.name} in {where}", example=example)
        return tuple(dict.fromkeys(map(str, value))) if isinstance(value, tuple) else value

    def anchored(self, value: Value, folder: Path) -> Value:
        """A value with its path, if any, made absolute.

        :raises UsageError: a path leads nowhere, or folders of notes do not go together.
        """
        if self.kind == "corpus":
            return _placed(cast("tuple[Folder, ...]", value), folder)
        path = self._path_in(value)
        return f"{str(value).removesuffix(path)}{absolute(path, folder)}" if path else value

    def parse_in_file(self, raw: object, where: str) -> Value:
        """`parse` for a file or the environment, where a model, LLM or store must be absolute.

        :raises UsageError: also if the path depends on the current folder, which may contain
            somebody else's notes.
        """
        value = self.parse(raw, where)
        if self.kind in ("corpus", "folder"):
            return value
        path = self._path_in(value)
        if path and not path.startswith(("/", "~")):
            raise UsageError(
                f"{self.name} in {where} must be an absolute path, not {path!r}, "
                "which would depend on the folder you are in",
                hint=f"write out the whole path in {where}",
            )
        return self.anchored(value, Path("/"))

    def _path_in(self, value: Value) -> str:
        """The path that ends a value; "" if there is none."""
        text = str(value)
        match self.kind:
            case "model" if not text.startswith((".", "/", "~")):
                return ""
            case "store" if not urls.is_file(text):
                return ""
            case "llm":
                return text.removeprefix("scripted:") if text.startswith("scripted:") else ""
        return text if self.kind in ("folder", "model", "store") else ""


class Settings(Struct, frozen=True):
    """Every setting's value, checked, with absolute paths; see `Places` for where the index is."""

    corpus: Annotated[
        tuple[Folder, ...],
        Setting(
            "the folder of notes, or a list of several",
            "a folder, or a list of folders, each a path or {path, name, context}",
            kind="corpus",
        ),
    ] = ()
    index: Annotated[str, Setting("the folder that holds the index", "a folder", kind="folder")] = (
        ""
    )
    store: Annotated[
        str,
        Setting(
            "where the index is kept: in its folder (local), or in Milvus",
            "local, https://HOST:PORT/DATABASE, http://… or NAME.db",
            choices=(LOCAL,),
            kind="store",
            is_secret=True,
        ),
    ] = LOCAL
    store_name: Annotated[
        str,
        Setting(
            "the index's name on a Milvus server that a team shares: then only ragqa index "
            "changes it",
            "up to 60 letters, digits and underscores, the first no digit, "
            "and not ending like _p1 or _n1",
        ),
        # Names that end like `_p1` are taken by other indexes.
        Meta(pattern=r"\A(?!.*_[pn][0-9]+\Z)([A-Za-z_][A-Za-z0-9_]{0,59})?\Z"),
    ] = ""
    embedder: Annotated[
        str,
        Setting("the embedding model", "the name or folder of a model", kind="model"),
        Meta(pattern=r"\S"),
    ] = "all-MiniLM-L6-v2"
    language: Annotated[
        str,
        Setting(
            "the language of the notes; auto tells it for each note",
            f"{AUTO} or one of {', '.join(_CODES[1:])}",
            choices=_CODES,
        ),
        Meta(pattern=rf"\A({'|'.join(_CODES)})\Z"),
    ] = AUTO
    reranker: Annotated[
        str,
        Setting(
            "a cross-encoder, which helps to choose sentences; neutral for none",
            "the name or folder of a model, or neutral",
            choices=("neutral",),
            kind="model",
        ),
        Meta(pattern=r"\S"),
    ] = "neutral"
    passage_tokens: Annotated[
        int, Setting("the target size of a passage, in tokens"), Meta(ge=30, le=2000)
    ] = 140
    formats: Annotated[
        tuple[OptionalFormat, ...],
        Setting(
            "what is read besides Markdown and text",
            f"all, or a list of these: {', '.join(OPTIONAL_FORMATS)}; "
            "Markdown and text need not be named, since they are always read",
            choices=get_args(OptionalFormat),
            kind="words",
        ),
    ] = OPTIONAL_FORMATS[1:]
    max_note_bytes: Annotated[
        int, Setting("larger files are skipped"), Meta(ge=1, le=500_000_000)
    ] = 5_000_000
    top_k: Annotated[int, Setting("how many passages are returned"), Meta(ge=1, le=1000)] = 5
    link_format: Annotated[
        str,
        Setting(
            "what a source links to; {path} and {line} are filled in",
            "a link with {path} in it, such as vscode://file{path}:{line}",
        ),
        Meta(pattern=r"(?s)\A(?=.*\{path\}).*://"),
    ] = "file://{path}"
    history: Annotated[
        Literal["on", "off"],
        Setting(
            "whether your questions are kept on this machine, for ragqa more, open, chat and serve",
            "on or off",
            choices=("on", "off"),
        ),
    ] = "on"
    llm: Annotated[
        str,
        Setting(
            "the LLM that writes answers; empty for none",
            "KIND:MODEL, such as ollama:llama3.2, or none",
            choices=("none",),
            kind="llm",
        ),
        Meta(pattern=r"(?s)\A(none)?\Z|\A[^:].*:"),
    ] = ""
    llm_url: Annotated[
        str,
        Setting(
            "the address of the server for openai:MODEL; empty for that in OPENAI_BASE_URL, "
            "else OpenAI's",
            "an address, such as http://127.0.0.1:8080/v1",
            kind="url",
            is_secret=True,
        ),
    ] = ""
    llm_prompt_tokens: Annotated[
        int,
        Setting("the size of a prompt, in tokens; passages beyond it are left out"),
        Meta(ge=300, le=1_000_000),
    ] = 3000
    llm_answer_tokens: Annotated[
        int, Setting("the most tokens that an LLM may write"), Meta(ge=50, le=100_000)
    ] = 700
    llm_deadline_s: Annotated[
        int, Setting("the most seconds that an LLM may take for an answer"), Meta(ge=1, le=3600)
    ] = 120


COMMON = ("corpus", "formats", "embedder", "link_format", "llm")
"""The settings that many people need: shown even where they are not set."""


def _declared(name: str, declared: Any, default: Value) -> Setting:  # noqa: ANN401 - a type
    kind, about, *limits = get_args(declared)
    setting: Setting = replace(about, name=name, type=declared, default=default)
    if kind is int:
        least, most = limits[0].ge, limits[0].le
        setting = replace(setting, expects=f"a whole number from {least} to {most}")
    return setting


_TYPES = get_type_hints(Settings, include_extras=True)
SETTINGS: Mapping[str, Setting] = {
    field.name: _declared(field.name, _TYPES[field.name], field.default)
    for field in structs.fields(Settings)
}


def setting_named(name: str, where: str) -> Setting:
    """Look up a setting.

    :raises UsageError: it does not exist; the message names the nearest, else all.
    """
    if name not in SETTINGS:
        shown = with_nearest(name)
        listed = "" if shown.endswith(")") else f"; there are: {', '.join(SETTINGS)}"
        raise UsageError(f"unknown setting {shown} in {where}{listed}", hint=how_to_fix(where))
    return SETTINGS[name]


def with_nearest(name: str) -> str:
    """An unknown setting's name, with what to do instead or the nearest setting, if any."""
    if name in INSTEAD:
        return f"{name!r} ({INSTEAD[name]})"
    near = get_close_matches(name[:_MAX_NAME], SETTINGS, n=1)
    return f"{name[:_MAX_NAME]!r}" + (f" (did you mean {near[0]}?)" if near else "")


def how_to_fix(where: str) -> str:
    """How to fix an invalid setting; setting it elsewhere would not help."""
    if where == "the command":
        return "ragqa config --all"
    return f"change it in {where}, or remove it"


def shown(value: object) -> object:
    """A value as people read and type it."""
    return ", ".join(map(str, value)) if isinstance(value, tuple) else value


def as_written(value: Value) -> object:
    """A value as a settings file and JSON have it; a folder that only has a path as that."""
    if not isinstance(value, tuple):
        return value
    listed = [
        str(entry)
        if isinstance(entry, str) or (entry.name in ("", entry.path.name) and not entry.context)
        else {key: str(of) for key, of in structs.asdict(entry).items() if of}
        for entry in value
    ]
    is_one = len(listed) == 1 and isinstance(value[0], Folder)
    return listed[0] if is_one else listed
