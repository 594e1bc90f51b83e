"""How a setting is declared and its value checked; the value of `corpus` is folders."""

import glob
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from itertools import permutations
from pathlib import Path
from typing import Any, cast

from msgspec import Struct
from msgspec.structs import asdict, replace

from ragqa.corpus import Corpus, Folder
from ragqa.errors import UsageError
from ragqa.safe import safe_line

Value = str | int | float | tuple[str, ...] | tuple[Folder, ...]

EXPECTED = "a folder, or a list of folders, each a path or {path, name, context}"

_MAX_CONTEXT = 300


class Setting(Struct, frozen=True):
    """One setting: its purpose and how to parse its value.

    :param expects: what `check` accepts, in words.
    :param personal: whether a `ragqa.toml` must not set it, since that may have come with somebody
        else's notes.
    :param choices: the command that lists the possible values.
    :param refine: normalises a text, given its origin, or raises UsageError; messages never repeat
        such a text, which may contain a secret.
    :param convert: makes a value of what a file, a flag or the environment has; None if it cannot.
    :param path_at: where in a value its path begins; None if it has none.
    """

    default: Value
    help: str
    expects: str = "a text"
    check: Callable[[Value], bool] = lambda _: True
    personal: bool = False
    choices: str = ""
    refine: Callable[[str, str], str] | None = None
    convert: Callable[[object], Value | None] | None = None
    path_at: Callable[[str], int | None] = lambda _: None
    name: str = ""

    def parse(self, raw: object, where: str) -> Value:
        """Convert a value from a file, a flag or the environment to the setting's type.

        :raises UsageError: the value is invalid.
        """
        value = self._converted(raw)
        if value is None or not self.check(value):
            shown = "" if self.refine else f", not {raw!r}"
            raise UsageError(
                f"{self.name} in {where} must be {self.expects}{shown}",
                hint=how_to_fix(where, self.choices),
            )
        return self.refine(str(value), where) if self.refine else value

    def _converted(self, raw: object) -> Value | None:
        """A value of the setting's type; None if it cannot be one."""
        if self.convert:
            return self.convert(raw)
        kind = cast("type[str | int | float]", type(self.default))
        if isinstance(raw, kind) and not isinstance(raw, bool):
            return raw
        if isinstance(raw, str) or (kind is float and type(raw) is int):
            with suppress(ValueError, OverflowError):
                return kind(raw)
        return None

    def anchored(self, value: Value, folder: Path) -> Value:
        """A value with its path, if any, made absolute; raises as `absolute` does."""
        if isinstance(value, tuple):
            folders = [one for one in value if isinstance(one, Folder)]
            placed = tuple(replace(one, path=absolute(str(one), folder)) for one in folders)
            return placed or value
        text = str(value)
        at = self.path_at(text)
        if at is None or not text[at:]:
            return value
        return f"{text[:at]}{absolute(text[at:], folder)}"

    def anchored_in_file(self, value: Value, where: str) -> Value:
        """The same for a file or the environment, where personal paths must be absolute already.

        :raises UsageError: the path depends on the current folder, which may contain somebody
            else's notes.
        """
        if not self.personal:
            return value
        text = str(value)
        at = self.path_at(text)
        path = "" if at is None else text[at:]
        if path and not path.startswith(("/", "~")):
            raise UsageError(
                f"{self.name} in {where} must be an absolute path, not {path!r}, "
                "which would depend on the folder you are in",
                hint=f"write out the whole path in {where}",
            )
        return self.anchored(value, Path("/"))


def _names_in(raw: object) -> tuple[str, ...] | None:
    """The names in a list, or in a text with commas or spaces between them; each only once."""
    names = raw.replace(",", " ").split() if isinstance(raw, str) else raw
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        return None
    return tuple(dict.fromkeys(names))


def shown(value: object) -> object:
    """A value as people read and type it."""
    return ", ".join(map(str, value)) if isinstance(value, tuple) else value


def as_written(value: Value) -> object:
    """A value as a settings file and JSON have it; a folder that only has a path as that."""
    if not isinstance(value, tuple):
        return value
    listed = [
        str(one)
        if isinstance(one, str) or (one.name in ("", one.path.name) and not one.context)
        else {key: str(of) for key, of in asdict(one).items() if of}
        for one in value
    ]
    is_one = len(listed) == 1 and isinstance(value[0], Folder)
    return listed[0] if is_one else listed


def absolute(path: str, folder: Path) -> Path:
    """Resolve a path relative to a folder: without `~`, links and `..`.

    :raises UsageError: a loop of links, an unknown user, or an invalid path.
    """
    try:
        return (folder / Path(path).expanduser()).resolve()
    except (OSError, RuntimeError, ValueError) as exc:
        raise UsageError(f"the path {path} leads nowhere: {exc}", hint="give another path") from exc


def how_to_fix(where: str, choices: str = "") -> str:
    """How to fix an invalid setting; setting it elsewhere would not help."""
    if where == "the command":
        return choices or "ragqa config"
    # While the setting is invalid, no command gets as far as listing the choices.
    then = f"; then {choices}" if choices else ""
    return f"change it in {where}, or remove it{then}"


def setting(default: Value, about: str, expects: str = "a text", **rules: Any) -> Any:  # noqa: ANN401 - the field's type
    """A field of `Settings` that declares a setting."""
    declared = Setting(default, about, expects, **rules)
    return field(default=default, metadata={"setting": declared})


def one_of(choices: tuple[str, ...], about: str, **rules: Any) -> Any:  # noqa: ANN401 - as above
    """A field whose value is one of these; the first is the default."""
    expects = " or ".join(choices)
    return setting(choices[0], about, expects, check=lambda value: value in choices, **rules)


def some_of(choices: tuple[str, ...], about: str, rest: str, **rules: Any) -> Any:  # noqa: ANN401 - as above
    """A field whose value is a list of these; `rest` says what need not be named."""
    expects = f"a list of these: {', '.join(choices)}; {rest}"
    check = frozenset(choices).issuperset
    return setting((), about, expects, check=lambda names: check(names), convert=_names_in, **rules)


def whole_number(default: int, low: int, high: int, about: str, **rules: Any) -> Any:  # noqa: ANN401 - as above
    """A field whose value is a whole number within bounds."""
    expects = f"a whole number from {low} to {high}"
    return setting(default, about, expects, check=within(low, high), **rules)


def within(low: float, high: float) -> Callable[[Value], bool]:
    """Whether a value is a number within bounds, as a function."""
    return lambda value: isinstance(value, int | float) and low <= value <= high


def folders_in(raw: object) -> tuple[Folder, ...] | None:
    """The folders that a setting or the environment names; None if it cannot name any."""
    listed = raw if isinstance(raw, list | tuple) else [raw]
    folders = [_folder_in(one) for one in listed]
    return None if None in folders else tuple(one for one in folders if one)


def several(text: str) -> list[str]:
    """The paths in a text like PATH's: with `:` between them."""
    return [one for one in text.split(os.pathsep) if one]


def _folder_in(raw: object) -> Folder | None:
    if isinstance(raw, Folder):
        return raw
    if isinstance(raw, str | Path):
        return Folder(Path(raw)) if str(raw) else None
    if not isinstance(raw, Mapping) or not {"path"} <= raw.keys() <= {"path", "name", "context"}:
        return None
    path, name, context = raw["path"], raw.get("name", ""), raw.get("context", "")
    texts = all(isinstance(text, str) for text in (path, name, context))
    if not texts or not path or len(context) > _MAX_CONTEXT or not _is_a_name(name):
        return None
    return Folder(Path(path), name, " ".join(context.split()))


def _is_a_name(name: str) -> bool:
    return name not in (".", "..") and "/" not in name and safe_line(name) == name


def corpus_given(paths: Sequence[str]) -> Corpus:
    """The corpus of folders named on the command line.

    :raises UsageError: one of them is not there, or as `corpus_of` does.
    """
    for path in paths:
        if not Path(path).expanduser().is_dir():
            raise UsageError(f"there is no folder {path}", hint="--corpus DIR")
    folders = (Folder(absolute(path, Path.cwd())) for path in paths)
    return corpus_of(tuple(folders))


def corpus_of(folders: tuple[Folder, ...]) -> Corpus:
    """The corpus of absolute folders; one without a name is called as it is on disk.

    :raises UsageError: two have the same name, or one lies within another.
    """
    named = tuple(one if one.name else replace(one, name=one.path.name) for one in folders)
    for inner, outer in permutations(named, 2):
        if inner.path.is_relative_to(outer.path):
            raise UsageError(
                f"the notes in {inner.path} would be read twice, since {outer.path} holds them too",
                hint="leave one of the two folders out of corpus",
            )
    name, most = Counter(one.name for one in named).most_common(1)[0]
    if most > 1:
        raise UsageError(
            f"{most} folders of notes are called {name}, and citations could not tell them apart",
            hint='name them in your settings: corpus = [{path = "DIR", name = "NAME"}, "DIR"]',
        )
    return Corpus(named)


def globs_in(corpus: Corpus, names: Sequence[str], globs: Sequence[str]) -> tuple[str, ...]:
    """Path globs relative to the folders with these names, as globs for the whole corpus.

    :raises UsageError: there is no such folder.
    """
    known = [one.name for one in corpus.folders]
    if unknown := [name for name in names if name not in known]:
        raise UsageError(
            f"no folder of notes is called {unknown[0]}; there are: {', '.join(known)}",
            hint="ragqa status",
        )
    if not names or len(known) == 1:
        return tuple(globs)
    folders = [glob.escape(name) for name in names]
    return tuple(f"{one}/{below}" for one in folders for below in globs) or tuple(folders)
