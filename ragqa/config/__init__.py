"""Settings from flags, environment, file and defaults, and where notes and index are."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from ragqa.config.settings import (
    SETTINGS,
    Origin,
    Setting,
    Settings,
    Value,
    absolute,
    as_written,
    setting_named,
    with_nearest,
)
from ragqa.corpus import Corpus
from ragqa.errors import INSTEAD, NoCorpus, UsageError
from ragqa.safe import write_private

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

__all__ = [
    "SETTINGS", "Loaded", "Origin", "Places", "Setting", "Settings", "cache_folder", "history_file",
    "load_settings", "set_user_setting", "unset_user_setting", "user_settings_file",
]  # fmt: skip

PROJECT_FILE = "ragqa.toml"
AT_HAND = "corpus"
"""The folder of notes in the current folder, where nothing says which notes to use."""

_MAX_NAMED = 3


@dataclass(frozen=True, slots=True)
class Places:
    """Where the notes and the index are; absolute."""

    corpus: Corpus
    index: Path


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, the origin of each, and the places of notes and index, None if unknown."""

    settings: Settings
    origins: Mapping[str, str]
    found: Places | None
    warnings: tuple[str, ...] = ()

    @property
    def places(self) -> Places:
        """Where the notes and the index are.

        :raises NoCorpus: no notes folder is known.
        """
        if self.found is None:
            here, why = Path.cwd(), "there is no corpus folder in"
            if _is_at_hand(here):
                why = f"{AT_HAND} is a link that leads out of"
            raise NoCorpus(
                f"no folder of notes was given, and {why} {here}",
                hint="ragqa config set corpus DIR, for good; or --corpus DIR, for one command",
            )
        return self.found


def load_settings(flags: Mapping[str, object]) -> Loaded:
    """Take each setting from the strongest origin that has it.

    :param flags: values from the command line by setting name; None means not given.
    :raises UsageError: a file cannot be read, or a value is invalid; the message names both.
    """
    folder = Path.cwd()
    own, warnings = _read(user_settings_file())
    # `os.path`, since pathlib raises if a parent folder may not be entered.
    former = filter(os.path.isfile, (above / PROJECT_FILE for above in (folder, *folder.parents)))
    if project := next(former, None):
        warnings.insert(0, f"{project} is not read: {INSTEAD[PROJECT_FILE]}")
    for name in INSTEAD:
        if (variable := f"RAGQA_{name.upper()}") in os.environ:
            warnings.append(f"{variable} is not read: {INSTEAD[name]}")
    layers = {
        Origin.DEFAULT: {name: setting.default for name, setting in SETTINGS.items()},
        Origin.USER: own,
        Origin.ENVIRONMENT: _from_environment(),
        Origin.FLAG: {
            name: SETTINGS[name].parse(given, "the command")
            for name, given in flags.items() if given is not None
        },
    }  # fmt: skip
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, layer in layers.items():
        values |= layer
        origins |= dict.fromkeys(layer, origin)
    values = {name: SETTINGS[name].anchored(value, folder) for name, value in values.items()}
    settings = Settings(**values)
    return Loaded(settings, origins, _find_places(settings, origins, folder), tuple(warnings))


def history_file(settings: Settings, corpus: Corpus, folder: str = "history") -> Path | None:
    """The file in a folder of the user's data for questions about a corpus; None if not kept."""
    return None if settings.history == "off" else _data_of(corpus, folder)


def _data_of(corpus: Corpus, folder: str) -> Path:
    """A corpus's path in a folder of the user's data."""
    folders = sorted(corpus.prefixed)
    named = "\0".join(f"{prefix}{folder}" for prefix, folder in folders)
    digest = blake2b(os.fsencode(named), digest_size=6).hexdigest()
    names = "-".join(folder.name for _, folder in folders)
    name = "".join(c if c.isalnum() and c.isascii() else "-" for c in names)[:40]
    return Path(platformdirs.user_data_dir("ragqa")) / folder / f"{name or 'notes'}-{digest}"


def _from_environment() -> dict[str, Value]:
    values: dict[str, Value] = {}
    for name, setting in SETTINGS.items():
        variable = f"RAGQA_{name.upper()}"
        if given := os.environ.get(variable):
            folders = list(filter(None, given.split(os.pathsep)))
            raw = folders if setting.kind == "corpus" else given
            values[name] = setting.parse_in_file(raw, variable)
    return values


def _find_places(settings: Settings, origins: dict[str, str], folder: Path) -> Places | None:
    """Find notes and index; `./corpus` is used only where nothing else names notes.

    Updates `origins` for both. An index named in a file belongs to that file's corpus: if the
    corpus comes from a stronger origin, its default index is used, which is in the data folder.
    """
    corpus = Corpus(settings.corpus) if settings.corpus else _corpus_at_hand(folder)
    if corpus is None:
        return None
    if not settings.corpus:
        origins["corpus"] = Origin.AT_HAND
    by_command = origins["index"] in (Origin.FLAG, Origin.ENVIRONMENT)
    if settings.index and (by_command or origins["index"] == origins["corpus"]):
        index = Path(settings.index)
    else:
        index, origins["index"] = _data_of(corpus, "indexes"), Origin.DEFAULT
    if index in (folder for _, folder in corpus.prefixed):
        raise UsageError(
            f"the index cannot be kept in {index} itself, which is the folder of notes",
            hint="name another folder: --index DIR",
        )
    return Places(corpus, index)


def _is_at_hand(folder: Path) -> bool:
    # `os.path`, which says False where it cannot be told.
    return os.path.isdir(folder / AT_HAND)  # noqa: PTH112 - see above


def _corpus_at_hand(folder: Path) -> Corpus | None:
    """The notes in `./corpus`; None if there are none.

    The folder may have come from elsewhere: a link in it must not lead to other notes.
    """
    if not _is_at_hand(folder):
        return None
    notes = absolute(AT_HAND, folder)
    return Corpus.of(notes) if notes.is_relative_to(folder.resolve()) else None


def user_settings_file() -> Path:
    """The path of the user's settings file, which need not exist."""
    return Path(platformdirs.user_config_dir("ragqa")) / "config.toml"


def cache_folder() -> Path:
    """The cache folder: `RAGQA_CACHE`, else the platform's."""
    chosen = os.environ.get("RAGQA_CACHE")
    return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("ragqa")


def set_user_setting(name: str, given: str | Sequence[str]) -> Value:
    """Write one setting to the user's file, with absolute paths; return it as written.

    :raises UsageError: no such setting, an invalid value, or a file that cannot be written.
    """
    setting = setting_named(name, "the command")
    value = setting.anchored(setting.parse(given, "the command"), Path.cwd())
    with _user_document() as document:
        document[name] = as_written(value)
    return value


def unset_user_setting(name: str) -> bool:
    """Remove one setting from the user's file, even an unknown one; False if it was not there.

    :raises UsageError: it is neither in the file nor a known setting.
    """
    with _user_document() as document:
        if name in document:
            del document[name]
            return True
    setting_named(name, "the command")
    return False


@contextmanager
def _user_document() -> "Iterator[TOMLDocument]":
    """The user's settings file, to be changed; written in the end if it was."""
    import tomlkit

    path = user_settings_file()
    _read_toml(path)
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    yield (document := tomlkit.parse(before))
    try:
        if (after := document.as_string()) != before:
            write_private(path, after)
    except OSError as exc:
        raise UsageError(f"{path} cannot be written: {exc.strerror}") from exc


def _read(path: Path) -> tuple[dict[str, Value], list[str]]:
    """The values of a settings file, and a warning about the names that this version lacks."""
    raw = _read_toml(path)
    known = [name for name in raw if name in SETTINGS]
    values = {name: SETTINGS[name].parse_in_file(raw[name], str(path)) for name in known}
    unknown = [with_nearest(name) for name in raw if name not in SETTINGS]
    if not unknown:
        return values, []
    more = ["\u2026"] if len(unknown) > _MAX_NAMED else []
    shown = ", ".join([*unknown[:_MAX_NAMED], *more])
    return values, [f"{path} has unknown settings, which are ignored: {shown}"]


def _read_toml(path: Path) -> dict[str, object]:
    try:
        text = path.read_text(encoding="utf-8")
        import tomllib

        return tomllib.loads(text)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else exc
        raise UsageError(f"{path} cannot be read: {reason}", hint=f"fix or remove {path}") from exc
