"""Settings that name a file or folder: what they mean must not depend on where one stands.

The folder that one stands in may be full of somebody else's notes.
"""

from pathlib import Path

from ragqa.config import storeuri
from ragqa.config.settings import SETTINGS, Value
from ragqa.errors import UsageError

PATHS = ("corpus", "index", "llm_template")
"""The settings that are a path."""

LLMS_WITH_PATHS = ("scripted",)
"""The kinds of LLM backends that are named by a path: `KIND:PATH`."""


def absolute(path: str, folder: Path) -> Path:
    """A path as given, seen from a folder, without `~`, links and `..`.

    :raises UsageError: it has no end, names a user that there is not, or can be no path.
    """
    try:
        return (folder / Path(path).expanduser()).resolve()
    except (OSError, RuntimeError, ValueError) as exc:
        raise UsageError(f"the path {path} leads nowhere: {exc}", hint="give another path") from exc


def anchored(name: str, value: Value, folder: Path) -> Value:
    """The value of a setting with its path, if it has one, made absolute; raises as `absolute`."""
    before, path = _parts(name, value)
    return f"{before}{absolute(path, folder)}" if path else value


def checked_path(name: str, value: Value, where: str) -> Value:
    """The value of a setting about models or stores, which may be kept for long, its path absolute.

    :raises UsageError: the path is relative.
    """
    if not name.startswith(("llm", "reader", "store")):
        return value
    _, path = _parts(name, value)
    if path and not path.startswith(("/", "~")):
        raise UsageError(
            f"{name} in {where} must be an absolute path, not {path!r}, "
            "which could be a file of whatever folder you are in",
            hint=f"write out the whole path in {where}",
        )
    return anchored(name, value, Path("/"))


def _parts(name: str, value: Value) -> tuple[str, str]:
    """What stands before the path in a value, and the path, "" where there is none."""
    text = str(value)
    if name in PATHS or (name == "store_uri" and storeuri.is_file(text)):
        return "", text
    if name == "reader" and text != SETTINGS["reader"].default:
        return "", text
    kind, colon, path = text.partition(":")
    if name == "llm" and kind in LLMS_WITH_PATHS:
        return kind + colon, path
    return text, ""
