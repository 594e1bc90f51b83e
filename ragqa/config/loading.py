"""Combine settings from flags, environment, file and defaults, and find notes and index."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from ragqa.config.settings import (
    SETTINGS,
    Origin,
    Settings,
    Value,
    absolute,
    as_written,
    corpus_of,
    setting_named,
    with_nearest,
)
from ragqa.corpus import Corpus
from ragqa.errors import INSTEAD, NoCorpus, UsageError
from ragqa.safe import write_private

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

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
    """The settings, the origin of each, and the places of notes and index, None if unknown.

    `warnings` are about unknown settings and a former `ragqa.toml`.
    """

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
    :raises UsageError: a file cannot be read, or has an invalid value; the message names file and
        setting.
    """
    folder = Path.cwd()
    own, warnings = _read(user_settings_file())
    if project := _project_file(folder):
        warnings = (f"{project} is not read: {INSTEAD[PROJECT_FILE]}", *warnings)
    for name in INSTEAD:
        if (variable := f"RAGQA_{name.upper()}") in os.environ:
            warnings = (*warnings, f"{variable} is not read: {INSTEAD[name]}")
    given = {name: value for name, value in flags.items() if value is not None}
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    layers: tuple[tuple[str, dict[str, Value]], ...] = (
        (Origin.DEFAULT, {name: setting.default for name, setting in SETTINGS.items()}),
        (Origin.USER, own),
        (Origin.ENVIRONMENT, _from_environment()),
        (Origin.FLAG, {name: SETTINGS[name].parse(given[name], "the command") for name in given}),
    )
    for origin, layer in layers:
        values |= layer
        origins |= dict.fromkeys(layer, origin)
    values["store"] = SETTINGS["store"].anchored(values["store"], folder)
    settings = Settings(**values)
    return Loaded(settings, origins, _find_places(settings, origins, folder), warnings)


def indexes_folder() -> Path:
    """The folder in the user's data folder that has the index of each corpus."""
    return Path(platformdirs.user_data_dir("ragqa")) / "indexes"


def history_file(settings: Settings, corpus: Corpus, folder: str = "history") -> Path | None:
    """The file for the questions about this corpus; None if nothing is kept.

    :param folder: the folder of all such files in the user's data folder.
    """
    if settings.history == "off":
        return None
    return Path(platformdirs.user_data_dir("ragqa")) / folder / _called(corpus)


def _called(corpus: Corpus) -> str:
    """A name for a corpus in the user's data folder."""
    folders = sorted(corpus.prefixed)
    named = "\0".join(f"{prefix}{folder}" for prefix, folder in folders)
    digest = blake2b(os.fsencode(named), digest_size=6).hexdigest()
    names = "-".join(folder.name for _, folder in folders)
    name = "".join(c if c.isalnum() and c.isascii() else "-" for c in names)[:40]
    return f"{name or 'notes'}-{digest}"


def _from_environment() -> dict[str, Value]:
    values: dict[str, Value] = {}
    for name, setting in SETTINGS.items():
        variable = f"RAGQA_{name.upper()}"
        if given := os.environ.get(variable):
            several = setting.kind == "corpus"
            raw = list(filter(None, given.split(os.pathsep))) if several else given
            values[name] = setting.parse_in_file(raw, variable)
    return values


def _find_places(settings: Settings, origins: dict[str, str], folder: Path) -> Places | None:
    """Find notes and index; `./corpus` is used only where nothing else names notes.

    Updates `origins` for both. An index named in a file belongs to that file's corpus: if the
    corpus comes from a stronger origin, its default index is used, which is in the data folder.
    """
    named = settings.corpus
    corpus = corpus_of(named, folder) if named else _corpus_at_hand(folder)
    if corpus is None:
        return None
    if not named:
        origins["corpus"] = Origin.AT_HAND
    by_command = origins["index"] in (Origin.FLAG, Origin.ENVIRONMENT)
    fits = bool(named) and origins["index"] == origins["corpus"]
    if settings.index and (by_command or fits):
        index = absolute(settings.index, folder)
    else:
        index, origins["index"] = indexes_folder() / _called(corpus), Origin.DEFAULT
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


def _project_file(start: Path) -> Path | None:
    """The nearest `ragqa.toml` in this folder or its parents, which is not read."""
    files = (folder / PROJECT_FILE for folder in (start, *start.parents))
    # `os.path`, since pathlib raises if a parent folder may not be entered.
    return next(filter(os.path.isfile, files), None)


def set_user_setting(name: str, given: str | Sequence[str]) -> Value:
    """Write one setting to the user's file, keeping the rest; paths are made absolute.

    Returns the value as written.

    :raises UsageError: no such setting, an invalid value, or a file that cannot be written.
    """
    setting = setting_named(name, "the command")
    value = setting.anchored(setting.parse(given, "the command"), Path.cwd())
    document = _user_document()
    document[name] = as_written(value)
    _write(document)
    return value


def unset_user_setting(name: str) -> bool:
    """Remove one setting from the user's file, even an unknown one; False if it was not there.

    :raises UsageError: it is neither in the file nor a known setting.
    """
    document = _user_document()
    if name not in document:
        setting_named(name, "the command")
        return False
    del document[name]
    _write(document)
    return True


def _user_document() -> "TOMLDocument":
    import tomlkit

    path = user_settings_file()
    _read_toml(path)
    return tomlkit.parse(path.read_text(encoding="utf-8") if path.is_file() else "")


def _write(document: "TOMLDocument") -> None:
    path = user_settings_file()
    try:
        write_private(path, document.as_string())
    except OSError as exc:
        raise UsageError(f"{path} cannot be written: {exc.strerror}") from exc


def _read(path: Path) -> tuple[dict[str, Value], tuple[str, ...]]:
    """The values of a settings file, and a warning about the names that this version lacks."""
    raw = _read_toml(path)
    known = [name for name in raw if name in SETTINGS]
    values = {name: SETTINGS[name].parse_in_file(raw[name], str(path)) for name in known}
    unknown = [with_nearest(name) for name in raw if name not in SETTINGS]
    if not unknown:
        return values, ()
    more = ["\u2026"] if len(unknown) > _MAX_NAMED else []
    shown = ", ".join([*unknown[:_MAX_NAMED], *more])
    return values, (f"{path} has unknown settings, which are ignored: {shown}",)


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
