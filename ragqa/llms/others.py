"""Backends from other packages, by entry points in the group `ragqa.llms`.

    [project.entry-points."ragqa.llms"]
    mine = "my_package:make"        # make(model) returns an LLM; used as --llm mine:MODEL

A package is loaded only when its kind is used, and cannot take the name of one of ragqa's kinds.
"""

from importlib.metadata import EntryPoint, entry_points

from ragqa.errors import RagqaError, UsageError
from ragqa.llms import LLM, LLMS
from ragqa.llms.faults import exception_text, sentence

GROUP = "ragqa.llms"


def packages() -> dict[str, str]:
    """The kinds from other packages, each with its package; loads none of them."""
    return {point.name: _package(point) for point in _points()}


def make(kind: str, model: str) -> LLM:
    """Load the package that provides this kind, and make its backend.

    :raises UsageError: two packages provide it, it cannot be loaded, or it makes no LLM backend.
    """
    found = [point for point in _points() if point.name == kind]
    names = " and ".join(sorted(_package(point) for point in found))
    if len(found) > 1:
        raise UsageError(
            f"the packages {names} both provide the LLM backend {kind!r}",
            hint="uninstall one of them",
        )
    backend = f"the LLM backend {kind!r} from the package {names}"
    fix = f"pip install --upgrade {names}"
    try:
        factory = found[0].load()
    except Exception as exc:  # noqa: BLE001 - a package may raise anything
        raise _failed(f"{backend} cannot be loaded", exc, fix) from None
    try:
        llm: LLM = factory(model)
        is_llm = callable(llm.stream) and bool(llm.destination.backend)
    except RagqaError as exc:
        # Whatever its class: another one's exit code would blame the notes or the index.
        raise UsageError(sentence(exc.message), hint=sentence(exc.hint)) from None
    except Exception as exc:  # noqa: BLE001 - see above
        fix = f"check what follows {kind}:, or {fix}"
        raise _failed(f"{backend} cannot be made from {model!r}", exc, fix) from None
    if not is_llm:
        raise UsageError(
            f"what the package {names} makes as {kind!r} is not an LLM backend",
            hint=fix,
        )
    return llm


def _failed(what: str, exc: Exception, fix: str) -> UsageError:
    return UsageError(sentence(f"{what}: {exception_text(exc)}"), hint=fix)


def _points() -> list[EntryPoint]:
    return [point for point in entry_points(group=GROUP) if point.name not in LLMS]


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "(unknown)"
