"""The settings of ragqa: their names, types, defaults and bounds, and who may set them."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from difflib import get_close_matches
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from ragqa.config.storeuri import checked_uri
from ragqa.errors import UsageError

Value = str | int | float

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


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its purpose and how to parse its value.

    :param personal: whether a `ragqa.toml` must not set it, since that may have come with somebody
        else's notes.
    :param choices: the command that lists the possible values.
    :param refine: normalises a text, given its origin, or raises UsageError; messages never repeat
        such a text, which may contain a secret.
    """

    name: str
    default: Value
    help: str
    check: Callable[[Value], bool] = lambda _: True
    expects: str = "a text"
    personal: bool = False
    choices: str = ""
    refine: Callable[[str, str], str] | None = None

    def parse(self, raw: object, where: str) -> Value:
        """Convert a value from a file, a flag or the environment to the setting's type.

        :raises UsageError: the value is invalid.
        """
        kind = type(self.default)
        value: Value | None = None
        if isinstance(raw, kind) and not isinstance(raw, bool):
            value = raw
        elif isinstance(raw, str) or (kind is float and type(raw) is int):
            with suppress(ValueError, OverflowError):
                value = kind(raw)
        if value is None or not self.check(value):
            shown = "" if self.refine else f", not {raw!r}"
            raise UsageError(
                f"{self.name} in {where} must be {self.expects}{shown}",
                hint=_fix(where, self.choices),
            )
        return self.refine(str(value), where) if self.refine else value


def _fix(where: str, choices: str = "") -> str:
    """How to fix an invalid setting; setting it elsewhere would not help."""
    if where == "the command":
        return choices or "ragqa config"
    # While the setting is invalid, no command gets as far as listing the choices.
    then = f"; then {choices}" if choices else ""
    return f"change it in {where}, or remove it{then}"


def _within(low: float, high: float) -> Callable[[Value], bool]:
    return lambda value: isinstance(value, int | float) and low <= value <= high


def _names_a_backend(value: Value) -> bool:
    """Whether it may name an LLM; only `ragqa.llms` knows the kinds."""
    return value in ("", "none") or str(value).find(":") > 0


def _names_collections(value: Value) -> bool:
    """Whether it can name collections; endings like `_p1` are taken by other indexes."""
    return bool(_COLLECTION.fullmatch(str(value))) and not re.search(r"_[pn][0-9]+$", str(value))


def _one_of(*choices: str) -> Callable[[Value], bool]:
    return lambda value: value in choices


def _whole_number(name: str, default: int, about: str, low: int, high: int) -> Setting:
    expects = f"a whole number from {low} to {high}"
    return Setting(name, default, about, check=_within(low, high), expects=expects)


SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        setting.name: setting
        for setting in (
            Setting("corpus", "", "the folder of notes", expects="a folder"),
            Setting("index", "", "the folder that holds the index", expects="a folder"),
            Setting(
                "store",
                "local",
                "what keeps the index: files in its folder (local), or milvus",
                check=_one_of("local", "milvus"),
                expects="local or milvus",
                personal=True,
            ),
            Setting(
                "store_uri",
                "",
                "where Milvus is: https://HOST:PORT/DATABASE, http://… or a file, NAME.db; "
                "empty for a file in the index's folder",
                expects="a text",
                personal=True,
                refine=checked_uri,
            ),
            Setting(
                "store_name",
                "",
                "the index's name on a Milvus server, for a team that shares it: then only "
                "ragqa index changes it; empty for a private index",
                check=_names_collections,
                expects="up to 60 letters, digits and underscores, the first no digit, "
                "and not ending like _p1 or _n1",
                personal=True,
            ),
            Setting(
                "embedder",
                "all-MiniLM-L6-v2",
                "the embedding model: a name, a folder, or KIND:MODEL",
                check=lambda value: bool(str(value).strip()),
                expects="the name or folder of a model",
            ),
            Setting(
                "embedder_scripts",
                "latin",
                "what the embedder can read: `latin`, or `all` for a multilingual model",
                check=_one_of("latin", "all"),
                expects="latin or all",
            ),
            Setting(
                "reader",
                "neutral",
                "what reads question and passage together: `neutral` for nothing, or the folder of "
                "a cross-encoder or NLI model",
                check=lambda value: bool(str(value).strip()),
                expects="neutral or a folder",
                personal=True,
            ),
            _whole_number(
                "passage_tokens", 140, "the target size of a passage, in tokens", 30, 2000
            ),
            Setting(
                "secret_front_matter",
                "skip",
                "values of front matter whose keys name a password, token, secret or the like: "
                "`skip` or `index` them",
                check=_one_of("skip", "index"),
                expects="skip or index",
                personal=True,
            ),
            _whole_number("max_note_bytes", 5_000_000, "larger files are skipped", 1, 500_000_000),
            _whole_number(
                "candidates",
                200,
                "how many passages are taken by meaning, and how many by words, to be ranked",
                1,
                10_000,
            ),
            Setting(
                "dense_weight",
                0.5,
                "the share of meaning in the ranking score; the rest is for words",
                check=_within(0, 1),
                expects="a number from 0 to 1",
            ),
            _whole_number("top_k", 5, "how many passages are returned", 1, 1000),
            _whole_number("excerpts", 3, "the most excerpts that an answer has", 1, 10),
            _whole_number(
                "excerpt_words",
                100,
                "the most words of an excerpt, before a list or table in it is completed",
                1,
                1000,
            ),
            _whole_number(
                "old_after_days",
                730,
                "a source is marked as old if its note's date is more days ago; 0 for never",
                0,
                36_500,
            ),
            Setting(
                "link_format",
                "file://{path}",
                "what a source links to; {path} and {line} are filled in, "
                "as in vscode://file{path}:{line}",
                check=lambda value: "{path}" in str(value) and "://" in str(value),
                expects="a link with {path} in it, such as vscode://file{path}:{line}",
                personal=True,
            ),
            Setting(
                "llm",
                "",
                "the LLM backend that writes answers, KIND:MODEL (ragqa llm list); empty for none",
                check=_names_a_backend,
                expects="KIND:MODEL, such as ollama:llama3.2, or none",
                personal=True,
                choices="ragqa llm list",
            ),
            Setting(
                "llm_template",
                "",
                "a file with instructions for the LLM in place of the built-in ones",
                expects="a file",
                personal=True,
            ),
            Setting(
                "llm_prompt_tokens",
                3000,
                "the size of a prompt, in tokens; passages beyond it are left out",
                check=_within(300, 1_000_000),
                expects="a whole number from 300 to 1000000",
                personal=True,
            ),
            Setting(
                "llm_answer_tokens",
                700,
                "the most tokens that an LLM may write",
                check=_within(50, 100_000),
                expects="a whole number from 50 to 100000",
                personal=True,
            ),
            Setting(
                "llm_deadline_s",
                120,
                "the most seconds that an LLM may take for an answer",
                check=_within(1, 3600),
                expects="a whole number from 1 to 3600",
                personal=True,
            ),
        )
    }
)


REPLACED: Mapping[str, str] = MappingProxyType({"sentences": "excerpts and excerpt_words"})
"""Settings of older versions, with their replacements."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting's value, checked. `corpus` and `index` are as given; see `Places`.

    `store_uri` is "", an absolute path, or an address without a secret.
    """

    corpus: str
    index: str
    store: str
    store_uri: str
    store_name: str
    embedder: str
    embedder_scripts: str
    reader: str
    passage_tokens: int
    secret_front_matter: str
    max_note_bytes: int
    candidates: int
    dense_weight: float
    top_k: int
    excerpts: int
    excerpt_words: int
    old_after_days: int
    link_format: str
    llm: str
    llm_template: str
    llm_prompt_tokens: int
    llm_answer_tokens: int
    llm_deadline_s: int

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Settings":
        """Make settings from a value for each name."""
        return cls(**{field.name: values[field.name] for field in fields(cls)})


def setting_named(name: str, where: str) -> Setting:
    """Look up a setting.

    :raises UsageError: it does not exist; the message names the nearest, else all.
    """
    if name not in SETTINGS:
        shown = with_nearest(name)
        listed = "" if shown.endswith(")") else f"; there are: {', '.join(SETTINGS)}"
        raise UsageError(f"unknown setting {shown} in {where}{listed}", hint=_fix(where))
    return SETTINGS[name]


def with_nearest(name: str) -> str:
    """An unknown setting's name, with its replacement or the nearest setting, if any."""
    if name in REPLACED:
        return f"{name!r} ({REPLACED[name]} took its place)"
    near = get_close_matches(name[:_MAX_NAME], SETTINGS, n=1)
    return f"{name[:_MAX_NAME]!r}" + (f" (did you mean {near[0]}?)" if near else "")
