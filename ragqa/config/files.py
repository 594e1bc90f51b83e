"""The user's settings file, a project's `ragqa.toml`, and files that only the user may read."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import msgspec
import platformdirs

from ragqa.config.folders import corpus_key, corpus_of
from ragqa.config.settings import (
    SETTINGS,
    Origin,
    Value,
    as_written,
    setting_named,
    with_nearest,
)
from ragqa.corpus import Corpus, Folder
from ragqa.errors import UsageError
from ragqa.safe import write_private

PROJECT_FILE = "ragqa.toml"
OF_FOLDER = "formats"
"""The setting that may differ between folders: in one, a built site is what to read."""

_TABLE = "folder"
_MAX_BYTES = 64_000
_MAX_NAMED = 3


Checked = tuple[dict[str, Value], tuple[str, ...]]
"""The checked values of a settings file, and warnings about unknown names in it."""


def user_settings_file() -> Path:
    """The path of the user's settings file, which need not exist."""
    return Path(platformdirs.user_config_dir("ragqa")) / "config.toml"


def cache_folder() -> Path:
    """The cache folder: `RAGQA_CACHE`, else the platform's."""
    chosen = os.environ.get("RAGQA_CACHE")
    return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("ragqa")


def find_project_file(start: Path) -> Path | None:
    """The nearest `ragqa.toml` in this folder or its parents, None if there is none.

    It must belong to the user, the administrator or the owner of `start`: in a parent folder such
    as `/tmp`, another user could redirect where this user's notes are copied.

    :raises UsageError: it belongs to somebody else.
    """
    found = (_project_file_in(folder, start) for folder in (start, *start.parents))
    return next(filter(None, found), None)


def _project_file_in(folder: Path, start: Path) -> Path | None:
    candidate = folder / PROJECT_FILE
    # `os.path`, since pathlib raises if a parent folder may not be entered.
    if not os.path.isfile(candidate):  # noqa: PTH113 - see above
        return None
    if _owner(candidate) not in (os.getuid(), 0, _owner(start)):
        raise UsageError(
            f"{candidate} belongs to another user, so it is not used",
            hint="work in another folder; to trust it, copy it to a folder of your own",
        )
    return candidate


def read_user_settings() -> Checked:
    """The user's settings; none if there is no file.

    :raises UsageError: the file cannot be read, or has an invalid value.
    """
    path = user_settings_file()
    values, warnings = _read(path, others=(_TABLE,))
    for name in values:
        values[name] = SETTINGS[name].anchored_in_file(values[name], str(path))
    return values, warnings


def read_project_settings(path: Path) -> Checked:
    """The settings of a `ragqa.toml`, with paths made absolute.

    The file may have come with somebody else's notes, so it may not set personal settings, name a
    model's folder, or place notes or index outside its own folder.

    :raises UsageError: it does so, or does not parse.
    """
    values, warnings = _read(path)
    folder = path.parent
    for name in values:
        if SETTINGS[name].personal:
            raise UsageError(
                f"{path} may not set {name}: a folder of notes must not decide that",
                hint=f"remove the line; to set it for yourself: ragqa config set {name} VALUE",
            )
    embedder = str(values.get("embedder", ""))
    if (embedder.partition(":")[2] or embedder).startswith((".", "/", "~")):
        raise UsageError(
            f"{path} may not name a folder as embedder: models come from the user, not with notes",
            hint="remove the line; to set it for yourself: ragqa config set embedder FOLDER",
        )
    for name in ("corpus", "index"):
        if name in values:
            values[name] = SETTINGS[name].anchored(values[name], folder)
            placed = values[name]
            places = placed if isinstance(placed, tuple) else (placed,)
            if not all(Path(str(one)).is_relative_to(folder.resolve()) for one in places):
                raise UsageError(
                    f"{path} may not put the {name} outside its own folder",
                    hint=f"remove the line, or use --{name} or RAGQA_{name.upper()}",
                )
    return values, warnings


def formats_of(corpus: Corpus) -> tuple[Any, str] | None:
    """The formats set for these notes alone, with their origin; None if they are not.

    The user's own file comes before the folder's `ragqa.toml`, of which nothing else is read here.

    :raises UsageError: a value is invalid, or a file cannot be read.
    """
    path = user_settings_file()
    own = _formats_in(_tables_in(_read_toml(path), path).get(corpus_key(corpus)), str(path))
    if own is not None:
        return own, f"{Origin.USER} for {corpus}"
    if len(corpus.folders) > 1:
        return None
    folder = corpus.folders[0].path
    project = _project_file_in(folder, folder)
    theirs = _formats_in(_read_toml(project), str(project)) if project else None
    return None if theirs is None else (theirs, str(project))


def _formats_in(table: object, where: str) -> Value | None:
    if not isinstance(table, dict) or OF_FOLDER not in table:
        return None
    return SETTINGS[OF_FOLDER].parse(table[OF_FOLDER], where)


def _tables_in(raw: dict[str, Any], path: Path) -> dict[str, Any]:
    """The tables of folders in the user's file, by path; folders asked together have their own."""
    try:
        return msgspec.convert(raw.get(_TABLE, {}), dict[str, dict[str, Any]])
    except msgspec.ValidationError as exc:
        what = f'{_TABLE} must be tables, such as [{_TABLE}."/home/ada/notes"]'
        raise _unreadable(path, what) from exc


@contextmanager
def _editing(name: str, corpus: Corpus | None) -> Iterator[Any]:
    """The table for all notes, or of some, in the user's file, where a change is kept.

    :raises UsageError: the setting is not one of a folder, or the file cannot be read or written.
    """
    import tomlkit

    if corpus is not None and name != OF_FOLDER:
        raise UsageError(
            f"{name} cannot be set for a folder, only {OF_FOLDER} can",
            hint="leave --corpus out, or write it into a ragqa.toml beside the notes",
        )
    path = user_settings_file()
    _tables_in(_read_toml(path), path)
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    document = tomlkit.parse(text)
    if corpus is None:
        yield document
    else:
        tables: Any = document.setdefault(_TABLE, {})
        yield tables.setdefault(corpus_key(corpus), {})
        if not tables[corpus_key(corpus)]:
            del tables[corpus_key(corpus)]
        if not tables:
            del document[_TABLE]
    if (changed := tomlkit.dumps(document)) != text:
        try:
            write_private(path, changed)
        except OSError as exc:
            raise UsageError(f"{path} cannot be written: {exc.strerror}") from exc


def set_user_setting(name: str, given: str | Sequence[str], corpus: Corpus | None = None) -> Value:
    """Write one setting to the user's file, keeping the rest; paths are made absolute.

    Returns the value as written.

    :param corpus: the notes that it is for; None for all.
    :raises UsageError: no such setting, not one of a folder, or an invalid value.
    """
    setting = setting_named(name, "the command")
    value = setting.anchored(setting.parse(given, "the command"), Path.cwd())
    if name == "corpus":
        corpus_of(cast("tuple[Folder, ...]", value))
    with _editing(name, corpus) as table:
        table[name] = as_written(value)
    return value


def unset_user_setting(name: str, corpus: Corpus | None = None) -> bool:
    """Remove one setting from the user's file, even an unknown one; False if it was not there.

    :param corpus: the notes that it is for; None for all.
    :raises UsageError: it is neither in the file nor a known setting, or not one of a folder.
    """
    with _editing(name, corpus) as table:
        if name not in table:
            setting_named(name, "the command")
            return False
        del table[name]
    return True


def _owner(path: Path) -> int:
    """The owner of a file, or of the link itself."""
    return path.lstat().st_uid


def _read(path: Path, others: Sequence[str] = ()) -> Checked:
    """Read a settings file; another version of ragqa may know names that are unknown here.

    :param others: names of what else it may have, which is not read here.
    """
    raw = _read_toml(path)
    values = {name: SETTINGS[name].parse(raw[name], str(path)) for name in raw if name in SETTINGS}
    unknown = [name for name in raw if name not in SETTINGS and name not in others]
    if not unknown:
        return values, ()
    shown = ", ".join(map(with_nearest, unknown[:_MAX_NAMED]))
    more = f" and {len(unknown) - _MAX_NAMED} more" if len(unknown) > _MAX_NAMED else ""
    kind = "an unknown setting, which is" if len(unknown) == 1 else "unknown settings, which are"
    return values, (f"{path} has {kind} ignored: {shown}{more}",)


def _read_toml(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise _unreadable(path, exc.strerror or str(exc)) from exc
    import tomllib

    try:
        if len(data) > _MAX_BYTES:
            raise UsageError(f"{path} is larger than {_MAX_BYTES} bytes: not a settings file")
        return tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as exc:
        raise _unreadable(path, str(exc)) from exc


def _unreadable(path: Path, reason: str) -> UsageError:
    return UsageError(f"{path} cannot be read: {reason}", hint=f"fix or remove {path}")


def read_own(path: Path, what: str, *, size: int) -> bytes | None:
    """Read at most `size` bytes of a file; None if it does not exist.

    :param what: the file's purpose, for messages.
    :raises UsageError: it is a link, not a regular file, another user's, or accessible to others.
    """
    fix = f"chmod 600 {path}"
    try:
        # O_NOFOLLOW: a link may point to what others write; O_NONBLOCK: a pipe would hang.
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise UsageError(  # of a link, the system says "Too many levels of symbolic links"
            f"the {what} {path} cannot be read: {exc.strerror}",
            hint=f"put a file of your own there; {fix}",
        ) from exc
    try:
        state = os.fstat(file)
        if not stat.S_ISREG(state.st_mode):
            raise UsageError(f"the {what} {path} is not a regular file", hint=f"rm {path}")
        if state.st_uid != os.getuid():
            raise UsageError(f"the {what} {path} belongs to another user", hint=f"rm {path}")
        if state.st_mode & 0o077:
            raise UsageError(f"other users may use the {what} {path}", hint=fix)
        return os.read(file, size)
    finally:
        os.close(file)
