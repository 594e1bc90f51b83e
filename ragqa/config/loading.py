"""Combine settings from flags, environment, files and defaults, and find notes and index."""

import os
import shlex
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, cast

import platformdirs
from msgspec import Struct
from msgspec.structs import replace

from ragqa.config.files import (
    OF_FOLDER,
    find_project_file,
    formats_of,
    read_project_settings,
    read_user_settings,
    user_settings_file,
)
from ragqa.config.folders import absolute, corpus_of
from ragqa.config.settings import SETTINGS, Origin, Settings, Value
from ragqa.corpus import Corpus, Folder
from ragqa.errors import NoCorpus, UsageError


class Places(Struct, frozen=True):
    """Where the notes and the index are; absolute."""

    corpus: Corpus
    index: Path


class Loaded(Struct, frozen=True):
    """Settings with the origin of each, and the places, None if unknown.

    `passed_over` says which notes or index replace those in the user's settings file, "" for none;
    `warnings` are about unknown settings.
    """

    settings: Settings
    origins: Mapping[str, str]
    found: Places | None
    passed_over: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def places(self) -> Places:
        """Where the notes and the index are.

        :raises NoCorpus: no notes folder is known.
        """
        if self.found is None:
            raise NoCorpus(
                f"no folder of notes was given, and there is no corpus folder in {Path.cwd()}",
                hint="add --corpus DIR, or once and for all: ragqa config set corpus DIR",
            )
        return self.found


def load_settings(
    flags: Mapping[str, Value | None],
    *,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Loaded:
    """Take each setting from the strongest origin that has it.

    :param flags: values from the command line by setting name; None means not given.
    :param environ: the environment, `RAGQA_<NAME>` for each setting; default: the process's.
    :param folder: where to look for `ragqa.toml` and `./corpus`; default: the current folder.
    :raises UsageError: an invalid value; the message names file and setting.
    """
    environ = os.environ if environ is None else environ
    folder = _current_folder() if folder is None else folder
    own, warnings = read_user_settings()
    layers: list[tuple[str, dict[str, Value]]] = [
        (Origin.DEFAULT, {name: one.default for name, one in SETTINGS.items()}),
        (Origin.USER, own),
    ]
    if project := find_project_file(folder):
        of_project, about_project = read_project_settings(project)
        layers.append((str(project), of_project))
        warnings = about_project + warnings
    layers.append((Origin.ENVIRONMENT, _from_environment(environ)))
    given = {name: value for name, value in flags.items() if value is not None}
    layers.append(
        (Origin.FLAG, {name: SETTINGS[name].parse(given[name], "the command") for name in given})
    )
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, layer in layers:
        values |= layer
        origins |= dict.fromkeys(layer, origin)
    values["store_uri"] = SETTINGS["store_uri"].anchored(values["store_uri"], folder)
    _match_store(values, origins, [origin for origin, _ in layers])
    settings = Settings(**values)
    set_where = dict(origins)
    found = _find_places(settings, origins, folder)
    passed_over = ""
    if found is not None:
        if origins["corpus"] == Origin.AT_HAND:
            passed_over = _passed_over(settings, set_where, found)
        by_command = origins[OF_FOLDER] in (Origin.FLAG, Origin.ENVIRONMENT)
        if not by_command and (of_folder := formats_of(found.corpus)):
            formats, origins[OF_FOLDER] = of_folder
            settings = replace(settings, formats=formats)
    return Loaded(settings, origins, found, passed_over, warnings)


def indexes_folder() -> Path:
    """The folder in the user's data folder that has the index of each corpus."""
    return Path(platformdirs.user_data_dir("ragqa")) / "indexes"


def data_index(corpus: Corpus) -> Path:
    """The folder for this corpus's index in the user's data folder."""
    return indexes_folder() / _called(corpus)


def history_file(settings: Settings, corpus: Corpus, folder: str = "history") -> Path | None:
    """The file with what was asked of this corpus, and of no other; None if nothing is kept.

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


def _from_environment(environ: Mapping[str, str]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for name, setting in SETTINGS.items():
        variable = f"RAGQA_{name.upper()}"
        if given := environ.get(variable):
            raw = [one for one in given.split(os.pathsep) if one] if name == "corpus" else given
            values[name] = setting.anchored_in_file(setting.parse(raw, variable), variable)
    return values


def _match_store(values: dict[str, Any], origins: dict[str, str], weakest_first: list[str]) -> None:
    """Drop a store URI if a stronger origin chooses another store.

    :raises UsageError: the URI's origin is at least as strong, and the store is not Milvus.
    """
    uri, store = origins["store_uri"], origins["store"]
    if values["store"] == "milvus" or not values["store_uri"]:
        return
    if weakest_first.index(store) <= weakest_first.index(uri):
        raise UsageError(
            f"store_uri ({uri}) says where Milvus is, but the store is {values['store']}",
            hint="--store milvus, or ragqa config set store milvus; or leave store_uri out",
        )
    values["store_uri"], origins["store_uri"] = "", store


def _find_places(settings: Settings, origins: dict[str, str], folder: Path) -> Places | None:
    """Find notes and index; `./corpus` takes precedence over the user's settings file.

    Updates `origins` for both. An index named in a file belongs to that file's corpus: if the
    corpus comes from a stronger origin, its default index is used. Links in a folder that came from
    elsewhere can neither move the index out of it nor copy other notes into it.
    """
    named = cast("tuple[Folder, ...]", SETTINGS["corpus"].anchored(settings.corpus, folder))
    # `os.path`, which says False where it cannot be told.
    at_hand = os.path.isdir(folder / "corpus")  # noqa: PTH112 - see above
    at_hand = at_hand and origins["corpus"] in (Origin.DEFAULT, Origin.USER)
    if not (named or at_hand):
        return None
    corpus = Corpus.of(absolute("corpus", folder)) if at_hand else corpus_of(named)
    index, beside = data_index(corpus), Origin.DEFAULT
    if at_hand:
        origins["corpus"] = Origin.AT_HAND
        here = absolute("indexes/default", folder)
        if all(at.is_relative_to(folder.resolve()) for at in (corpus.folders[0].path, here)):
            index, beside = here, Origin.AT_HAND
    by_command = origins["index"] in (Origin.FLAG, Origin.ENVIRONMENT)
    by_project = origins["index"] not in tuple(Origin)
    fits = by_project if at_hand else origins["index"] == origins["corpus"]
    if settings.index and (by_command or fits):
        index = absolute(settings.index, folder)
    else:
        origins["index"] = beside
    if index in (at for _, at in corpus.prefixed):
        raise UsageError(
            f"the index cannot be kept in {index} itself, which is the folder of notes",
            hint="name another folder: --index DIR",
        )
    return Places(corpus, index)


def _passed_over(settings: Settings, set_where: Mapping[str, str], found: Places) -> str:
    """A message if the user's settings file names other notes, or another index, than are used."""
    for name, what, those, used, own in (
        ("corpus", "notes", "those", found.corpus.folders[0].path, map(str, settings.corpus)),
        ("index", "index", "that", found.index, [settings.index]),
    ):
        places = [str(absolute(one, Path("/"))) for one in own]
        if set_where[name] == Origin.USER and places != [str(used)]:
            options = " ".join(f"--{name} {shlex.quote(one)}" for one in places)
            return (
                f"Using the {what} in {_seen_from_here(used)}, not {those} of your "
                f"setting {name} ({user_settings_file()}): {', '.join(places)}; "
                f"to use {those}: {options}"
            )
    return ""


def _seen_from_here(place: Path) -> str:
    here = Path.cwd().resolve()
    return f"./{place.relative_to(here)}" if place.is_relative_to(here) else str(place)


def _current_folder() -> Path:
    try:
        return Path.cwd()
    except OSError as exc:
        raise UsageError("the current folder no longer exists", hint="cd ~") from exc
