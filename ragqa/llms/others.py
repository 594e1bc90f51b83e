"""Backends of other packages, by entry points of the group `ragqa.llms`.

    [project.entry-points."ragqa.llms"]
    mine = "my_package:make"        # make(model) gives an LLM; used as --llm mine:MODEL

A package is loaded when its kind is asked for and not before, and cannot take the name of one of
ragqa's own kinds.
"""

from importlib.metadata import EntryPoint, entry_points

from ragqa.errors import RagqaError, UsageError
from ragqa.llms import LLM, LLMS
from ragqa.llms.faults import exception_text, sentence

GROUP = "ragqa.llms"


def packages() -> dict[str, str]:
    """The kinds that other packages bring, each with the package; none of these is loaded."""
    return {point.name: _package(point) for point in _points()}


def make(kind: str, model: str) -> LLM:
    """Load the package that brings this kind, and make its backend.

    :raises UsageError: two packages bring it, or it cannot be loaded, or what it makes is none.
    """
    found = [point for point in _points() if point.name == kind]
    names = " and ".join(sorted(_package(point) for point in found))
    if len(found) > 1:
        raise UsageError(
            f"the packages {names} both bring the LLM backend {kind!r}", hint="remove one of them"
        )
    at_fault = f"the LLM backend {kind!r} of the package {names}"
    mend = f"pip install --upgrade {names}"
    try:
        factory = found[0].load()
    except Exception as exc:  # noqa: BLE001 - a package may raise anything
        raise _failed(f"{at_fault} cannot be loaded", exc, mend) from None
    try:
        llm: LLM = factory(model)
        is_llm = callable(llm.stream) and bool(llm.destination.backend)
    except RagqaError as exc:
        # Of whatever class it is: another one's exit code would accuse notes or index.
        raise UsageError(sentence(exc.message), hint=sentence(exc.hint)) from None
    except Exception as exc:  # noqa: BLE001 - see above
        mend = f"look at what stands after {kind}:, or {mend}"
        raise _failed(f"{at_fault} cannot be made of {model!r}", exc, mend) from None
    if not is_llm:
        raise UsageError(
            f"what the package {names} makes as {kind!r} is not an LLM backend",
            hint=mend,
        )
    return llm


def _failed(what: str, exc: Exception, mend: str) -> UsageError:
    return UsageError(sentence(f"{what}: {exception_text(exc)}"), hint=mend)


def _points() -> list[EntryPoint]:
    return [point for point in entry_points(group=GROUP) if point.name not in LLMS]


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "(unknown)"
