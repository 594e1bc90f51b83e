"""How a setting is declared, and how its value is checked."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from ragqa.corpus import Folder
from ragqa.errors import UsageError

Value = str | int | float | tuple[str, ...] | tuple[Folder, ...]


@dataclass(frozen=True, slots=True)
class Setting:
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
