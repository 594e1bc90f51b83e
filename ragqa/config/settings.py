"""The settings of ragqa, in one table: the fields of `Settings`.

Loading, checking, the commands of `ragqa config` and docs/reference.md all follow from it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from enum import StrEnum
from types import MappingProxyType

from msgspec.structs import replace

from ragqa.config import addresses
from ragqa.config.setting import (
    EXPECTED,
    Setting,
    Value,
    folders_in,
    how_to_fix,
    one_of,
    setting,
    some_of,
    whole_number,
    within,
)
from ragqa.corpus import Folder
from ragqa.errors import UsageError
from ragqa.languages import AUTO, LANGUAGES, OTHER

LLMS_WITH_PATHS = ("scripted",)
"""The kinds of LLM backends with a path as argument: `KIND:PATH`."""

OPTIONAL_FORMATS = ("html", "ipynb", "pdf", "docx")
"""The formats that are read only if the setting `formats` names them."""

_MAX_NAME = 60
_COLLECTION = re.compile(r"([A-Za-z_][A-Za-z0-9_]{0,59})?")


class Origin(StrEnum):
    """Where a value came from, strongest first; a `ragqa.toml` goes by its path and ranks third.

    AT_HAND is a `corpus` folder in the current folder, with its index beside it.
    """

    FLAG = "flag"
    ENVIRONMENT = "environment"
    AT_HAND = "current folder"
    USER = "user settings"
    DEFAULT = "default"


def _is_not_blank(value: Value) -> bool:
    return bool(str(value).strip())


def _names_a_backend(value: Value) -> bool:
    """Whether it may name an LLM; only `ragqa.llms` knows the kinds."""
    return value in ("", "none") or str(value).find(":") > 0


def _names_collections(value: Value) -> bool:
    """Whether it can name collections; endings like `_p1` are taken by other indexes."""
    return bool(_COLLECTION.fullmatch(str(value))) and not re.search(r"_[pn][0-9]+$", str(value))


def _llm_path_at(value: str) -> int | None:
    kind, colon, _ = value.partition(":")
    return len(kind + colon) if kind in LLMS_WITH_PATHS else None


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting's value, checked. `corpus` and `index` are as given; see `Places`.

    `store_uri` is "", an absolute path, or an address without a secret.
    """

    corpus: tuple[Folder, ...] = setting(
        (), "the folder of notes, or a list of several", EXPECTED, convert=folders_in
    )
    index: str = setting("", "the folder that holds the index", "a folder", path_at=lambda _: 0)
    store: str = one_of(
        ("local", "milvus"),
        "what keeps the index: files in its folder (local), or milvus",
        personal=True,
    )
    store_uri: str = setting(
        "",
        "where Milvus is: https://HOST:PORT/DATABASE, http://… or a file, NAME.db; "
        "empty for a file in the index's folder",
        personal=True,
        refine=addresses.checked_uri,
        path_at=lambda uri: 0 if addresses.is_file(uri) else None,
    )
    store_name: str = setting(
        "",
        "the index's name on a Milvus server, for a team that shares it: then only "
        "ragqa index changes it; empty for a private index",
        "up to 60 letters, digits and underscores, the first no digit, "
        "and not ending like _p1 or _n1",
        check=_names_collections,
        personal=True,
    )
    embedder: str = setting(
        "all-MiniLM-L6-v2",
        "the embedding model: a name, a folder, or KIND:MODEL",
        "the name or folder of a model",
        check=_is_not_blank,
    )
    language: str = setting(
        AUTO,
        "the language of the notes, by its code, as in de; auto tells it for each note",
        f"auto or one of {', '.join(sorted(filter(None, LANGUAGES)))}",
        check=lambda value: value == AUTO or (value != OTHER and value in LANGUAGES),
    )
    reader: str = setting(
        "neutral",
        "what reads question and passage together: `neutral` for nothing, or the folder of "
        "a cross-encoder or NLI model",
        "neutral or a folder",
        check=_is_not_blank,
        personal=True,
        path_at=lambda reader: None if reader == "neutral" else 0,
    )
    passage_tokens: int = whole_number(140, 30, 2000, "the target size of a passage, in tokens")
    secret_front_matter: str = one_of(
        ("skip", "index"),
        "values of front matter whose keys name a password, token, secret or the like: "
        "`skip` or `index` them",
        personal=True,
    )
    formats: tuple[str, ...] = some_of(
        OPTIONAL_FORMATS,
        "what is read besides Markdown, text and org, such as `html,ipynb`",
        "Markdown, text and org need not be named, since they are always read",
    )
    max_note_bytes: int = whole_number(5_000_000, 1, 500_000_000, "larger files are skipped")
    candidates: int = whole_number(
        200,
        1,
        10_000,
        "how many passages are taken by meaning, and how many by words, to be ranked",
    )
    dense_weight: float = setting(
        0.5,
        "the share of meaning in the ranking score; the rest is for words",
        "a number from 0 to 1",
        check=within(0, 1),
    )
    top_k: int = whole_number(5, 1, 1000, "how many passages are returned")
    excerpts: int = whole_number(3, 1, 10, "the most excerpts that an answer has")
    excerpt_words: int = whole_number(
        100, 1, 1000, "the most words of an excerpt, before a list or table in it is completed"
    )
    old_after_days: int = whole_number(
        730, 0, 36_500, "a source is marked as old if its note's date is more days ago; 0 for never"
    )
    link_format: str = setting(
        "file://{path}",
        "what a source links to; {path} and {line} are filled in, as in vscode://file{path}:{line}",
        "a link with {path} in it, such as vscode://file{path}:{line}",
        check=lambda value: "{path}" in str(value) and "://" in str(value),
        personal=True,
    )
    history: str = one_of(
        ("on", "off"),
        "whether your questions are kept on this machine, for ragqa more, ragqa open, and the "
        "arrow keys of chat",
        personal=True,
    )
    llm: str = setting(
        "",
        "the LLM backend that writes answers, KIND:MODEL (ragqa llm list); empty for none",
        "KIND:MODEL, such as ollama:llama3.2, or none",
        check=_names_a_backend,
        personal=True,
        choices="ragqa llm list",
        path_at=_llm_path_at,
    )
    llm_url: str = setting(
        "",
        "the address of the server for openai:MODEL; empty for that in OPENAI_BASE_URL, "
        "else OpenAI's",
        "an address, such as http://127.0.0.1:8080/v1",
        personal=True,
        refine=addresses.checked_llm_url,
    )
    llm_prompt_tokens: int = whole_number(
        3000,
        300,
        1_000_000,
        "the size of a prompt, in tokens; passages beyond it are left out",
        personal=True,
    )
    llm_answer_tokens: int = whole_number(
        700, 50, 100_000, "the most tokens that an LLM may write", personal=True
    )
    llm_deadline_s: int = whole_number(
        120, 1, 3600, "the most seconds that an LLM may take for an answer", personal=True
    )


SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {one.name: replace(one.metadata["setting"], name=one.name) for one in fields(Settings)}
)


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
    """An unknown setting's name, with the nearest setting, if any."""
    near = get_close_matches(name[:_MAX_NAME], SETTINGS, n=1)
    return f"{name[:_MAX_NAME]!r}" + (f" (did you mean {near[0]}?)" if near else "")
