"""Settings that name a file or folder: their meaning must not depend on the current folder.

The current folder may contain somebody else's notes.
"""

from pathlib import Path

from ragqa.config import storeuri
from ragqa.config.settings import SETTINGS, Value
from ragqa.errors import UsageError

PATHS = ("corpus", "index", "llm_template")
"""The settings that are paths."""

LLMS_WITH_PATHS = ("scripted",)
"""The kinds of LLM backends with a path as argument: `KIND:PATH`."""


def absolute(path: str, folder: Path) -> Path:
    """Resolve a path relative to a folder: without `~`, links and `..`.

    :raises UsageError: a loop of links, an unknown user, or an invalid path.
    """
    try:
        return (folder / Path(path).expanduser()).resolve()
    except (OSError, RuntimeError, ValueError) as exc:
        raise UsageError(f"the path {path} leads nowhere: {exc}", hint="give another path") from exc


def anchored(name: str, value: Value, folder: Path) -> Value:
    """A setting's value with its path, if any, made absolute; raises as `absolute` does."""
    before, path = _parts(name, value)
    return f"{before}{absolute(path, folder)}" if path else value


def checked_path(name: str, value: Value, where: str) -> Value:
    """As `anchored`, but for models and stores the path must already be absolute.

    :raises UsageError: the path is relative.
    """
    if not name.startswith(("llm", "reader", "store")):
        return value
    _, path = _parts(name, value)
    if path and not path.startswith(("/", "~")):
        raise UsageError(
            f"{name} in {where} must be an absolute path, not {path!r}, "
            "which would depend on the folder you are in",
            hint=f"write out the whole path in {where}",
        )
    return anchored(name, value, Path("/"))


def _parts(name: str, value: Value) -> tuple[str, str]:
    """Split a value into the text before its path, and the path, "" if it has none."""
    text = str(value)
    if name in PATHS or (name == "store_uri" and storeuri.is_file(text)):
        return "", text
    if name == "reader" and text != SETTINGS["reader"].default:
        return "", text
    kind, colon, path = text.partition(":")
    if name == "llm" and kind in LLMS_WITH_PATHS:
        return kind + colon, path
    return text, ""
