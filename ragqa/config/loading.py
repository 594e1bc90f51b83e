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

_DEFAULTS = {name: one.default for name, one in SETTINGS.items()}


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
    layers: list[tuple[str, dict[str, Value]]] = [
        (Origin.FLAG, _parsed(flags, "the command")),
        (Origin.ENVIRONMENT, _from_environment(environ)),
    ]
    project = find_project_file(folder)
    warnings: tuple[str, ...] = ()
    if project is not None:
        of_project, about_project = read_project_settings(project)
        layers.append((str(project), of_project))
        warnings += about_project
    own, about_own = read_user_settings()
    layers += [(Origin.USER, own), (Origin.DEFAULT, _DEFAULTS)]
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, layer in reversed(layers):
        values |= layer
        origins |= dict.fromkeys(layer, origin)
    values["store_uri"] = SETTINGS["store_uri"].anchored(values["store_uri"], folder)
    _match_store(values, origins, [origin for origin, _ in layers])
    settings = Settings(**values)
    set_where = dict(origins)
    found = _find_places(settings, origins, folder)
    passed_over = _passed_over(settings, set_where, origins, found)
    settings = _with_formats(settings, origins, found)
    return Loaded(settings, origins, found, passed_over, warnings + about_own)


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


def _parsed(raw: Mapping[str, Value | None], where: str) -> dict[str, Value]:
    return {
        name: SETTINGS[name].parse(value, where) for name, value in raw.items() if value is not None
    }


def _from_environment(environ: Mapping[str, str]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for name, setting in SETTINGS.items():
        variable = f"RAGQA_{name.upper()}"
        if given := environ.get(variable):
            raw = [one for one in given.split(os.pathsep) if one] if name == "corpus" else given
            values[name] = setting.anchored_in_file(setting.parse(raw, variable), variable)
    return values


def _match_store(
    values: dict[str, Any], origins: dict[str, str], strongest_first: list[str]
) -> None:
    """Drop a store URI if a stronger origin chooses another store.

    :raises UsageError: the URI's origin is at least as strong, and the store is not Milvus.
    """
    uri, store = origins["store_uri"], origins["store"]
    if values["store"] == "milvus" or not values["store_uri"]:
        return
    if strongest_first.index(store) >= strongest_first.index(uri):
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
    folders = cast("tuple[Folder, ...]", SETTINGS["corpus"].anchored(settings.corpus, folder))
    corpus = corpus_of(folders) if folders else None
    index = absolute(settings.index, folder) if settings.index else None
    at_hand = origins["corpus"] in (Origin.DEFAULT, Origin.USER) and _is_folder(folder / "corpus")
    beside_origin = Origin.DEFAULT
    if at_hand:
        at = absolute("corpus", folder)
        corpus = Corpus.of(at)
        beside = absolute("indexes/default", folder)
        if all(place.is_relative_to(folder.resolve()) for place in (at, beside)):
            beside_origin = Origin.AT_HAND
        else:
            beside = data_index(corpus)
    elif corpus is None:
        return None
    else:
        beside = data_index(corpus)
    by_command = origins["index"] in (Origin.FLAG, Origin.ENVIRONMENT)
    by_project = origins["index"] not in tuple(Origin)
    goes_with_corpus = by_project if at_hand else origins["index"] == origins["corpus"]
    if at_hand:
        origins["corpus"] = Origin.AT_HAND
    if index is not None and (by_command or goes_with_corpus):
        chosen = index
    else:
        chosen, origins["index"] = beside, beside_origin
    if chosen in (at for _, at in corpus.prefixed):
        raise UsageError(
            f"the index cannot be kept in {chosen} itself, which is the folder of notes",
            hint="name another folder: --index DIR",
        )
    return Places(corpus, chosen)


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 - False where that cannot be told


def _with_formats(settings: Settings, origins: dict[str, str], found: Places | None) -> Settings:
    """The settings with the formats set for these notes alone, if any; updates `origins`."""
    if found is None or origins[OF_FOLDER] in (Origin.FLAG, Origin.ENVIRONMENT):
        return settings
    of_folder = formats_of(found.corpus)
    if of_folder is None:
        return settings
    value, origins[OF_FOLDER] = of_folder
    return replace(settings, formats=cast("tuple[str, ...]", value))


def _passed_over(
    settings: Settings,
    set_where: Mapping[str, str],
    origins: Mapping[str, str],
    found: Places | None,
) -> str:
    """A message if the user's settings file names other notes, or another index, than are used."""
    if found is None or origins["corpus"] != Origin.AT_HAND:
        return ""
    file = user_settings_file()
    for name, what, used, own in (
        ("corpus", "notes", found.corpus.folders, settings.corpus),
        ("index", "index", (found.index,), (settings.index,)),
    ):
        places = [absolute(str(one), Path("/")) for one in own]
        if set_where[name] == Origin.USER and places != [Path(str(one)) for one in used]:
            those = "those" if name == "corpus" else "that"
            options = " ".join(f"--{name} {shlex.quote(str(one))}" for one in own)
            return (
                f"Using the {what} in {_seen_from_here(Path(str(used[0])))}, not {those} of your "
                f"setting {name} ({file}): {', '.join(map(str, own))}; to use {those}: {options}"
            )
    return ""


def _seen_from_here(place: Path) -> str:
    here = Path.cwd().resolve()
    return f"./{place.relative_to(here)}" if place.is_relative_to(here) else str(place)


def _current_folder() -> Path:
    try:
        return Path.cwd()
    except OSError as exc:
        raise UsageError("the current folder no longer exists", hint="cd to one that does") from exc
