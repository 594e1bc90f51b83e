"""The user's settings file, a project's `ragqa.toml`, and files that only the user may read."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import platformdirs

from ragqa.config.settings import (
    SETTINGS,
    Value,
    as_written,
    corpus_of,
    setting_named,
    with_nearest,
)
from ragqa.corpus import Folder
from ragqa.errors import UsageError
from ragqa.safe import write_private

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

PROJECT_FILE = "ragqa.toml"
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
    for folder in (start, *start.parents):
        candidate = folder / PROJECT_FILE
        # `os.path`, since pathlib raises if a parent folder may not be entered.
        if not os.path.isfile(candidate):  # noqa: PTH113 - see above
            continue
        if _owner(candidate) not in (os.getuid(), 0, _owner(start)):
            raise UsageError(
                f"{candidate} belongs to another user, so it is not used",
                hint="work in another folder; to trust it, copy it to a folder of your own",
            )
        return candidate
    return None


def read_user_settings() -> Checked:
    """The user's settings; none if there is no file.

    :raises UsageError: the file cannot be read, or has an invalid value.
    """
    path = user_settings_file()
    values, warnings = _read(path)
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


def set_user_setting(name: str, given: str | Sequence[str]) -> Value:
    """Write one setting to the user's file, keeping the rest; paths are made absolute.

    Returns the value as written.

    :raises UsageError: no such setting, an invalid value, or a file that cannot be written.
    """
    setting = setting_named(name, "the command")
    value = setting.anchored(setting.parse(given, "the command"), Path.cwd())
    if name == "corpus":
        corpus_of(cast("tuple[Folder, ...]", value))
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


def _owner(path: Path) -> int:
    """The owner of a file, or of the link itself."""
    return path.lstat().st_uid


def _read(path: Path) -> Checked:
    """Read a settings file; another version of ragqa may know names that are unknown here."""
    raw = _read_toml(path)
    values = {name: SETTINGS[name].parse(raw[name], str(path)) for name in raw if name in SETTINGS}
    unknown = [with_nearest(name) for name in raw if name not in SETTINGS]
    if not unknown:
        return values, ()
    more = ["\u2026"] if len(unknown) > _MAX_NAMED else []
    shown = ", ".join([*unknown[:_MAX_NAMED], *more])
    return values, (f"{path} has unknown settings, which are ignored: {shown}",)


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
    fix = f"put a file of your own there; chmod 600 {path}"
    try:
        # O_NOFOLLOW: a link may point to what others write; O_NONBLOCK: a pipe would hang.
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as exc:  # of a link, the system says "Too many levels of symbolic links"
        raise UsageError(f"the {what} {path} cannot be read: {exc.strerror}", hint=fix) from exc
    try:
        state = os.fstat(file)
        if not stat.S_ISREG(state.st_mode) or state.st_uid != os.getuid():
            raise UsageError(f"the {what} {path} is not a file of yours", hint=fix)
        if state.st_mode & 0o077:
            raise UsageError(f"other users may use the {what} {path}", hint=f"chmod 600 {path}")
        return os.read(file, size)
    finally:
        os.close(file)
