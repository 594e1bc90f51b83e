"""The user's calibration file: confidence models fitted on their notes."""

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from ragqa.answering.confidence import (
    FEATURES,
    Models,
    models_document,
    read_models,
    shipped,
    shipped_text,
)
from ragqa.types import EmbedderInfo

FILE = "confidence.json"
MEND = "ragqa calibrate, or ragqa calibrate --reset"

_MAX_BYTES = 2**16
_MAX_REASON = 120


class Calibration(StrEnum):
    """Whose models estimate confidence."""

    OWN = "own"
    SHIPPED = "shipped"


class Refitted(StrEnum):
    """Which part of the shipped model was refitted."""

    THRESHOLD = "threshold"
    WEIGHTS = "weights"


@dataclass(frozen=True, slots=True)
class InUse:
    """The models that estimate confidence, and where they come from.

    `date` is when they were fitted on the user's notes, "" for the shipped ones. `problem` is why
    the user's calibration file was ignored, "" if it was not.
    """

    models: Models
    calibration: Calibration = Calibration.SHIPPED
    refitted: Refitted | None = None
    date: str = ""
    problem: str = ""

    @property
    def warnings(self) -> list[str]:
        """The problem, if any, with its remedy."""
        return [f"{self.problem}: {MEND}"] if self.problem else []

    @property
    def source(self) -> str:
        """A phrase for where the models come from."""
        ragqa_model = "the model that ragqa ships"
        if self.refitted is None:
            return ragqa_model
        if self.refitted is Refitted.THRESHOLD:
            return f"{ragqa_model}, with a threshold for your notes of {self.date}"
        return f"a model fitted on your own questions on {self.date}"


def in_use(index: Path, embedder: EmbedderInfo) -> InUse:
    """Load the models fitted on the notes of this index, or else the shipped ones.

    :param embedder: the one that built the index.
    """
    path = index / FILE
    try:
        document = json.loads(_read(path))
        _check_fits(document, embedder)
        own = read_models(json.dumps({"models": document["models"]}))
        _check_names(own)
        refitted = Refitted(document["refitted"])
        day = date.fromisoformat(document["date"]).isoformat()
    except FileNotFoundError:
        return InUse(shipped())
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as exc:
        problem = f"your calibration in {path} is not used: {_describe(exc)}"
        return InUse(shipped(), problem=problem)
    return InUse(own, Calibration.OWN, refitted, day)


def own_document(
    models: Models, refitted: Refitted, embedder: EmbedderInfo, *, day: date
) -> dict[str, Any]:
    """A calibration file as `in_use` reads it."""
    return {
        "date": day.isoformat(),
        "refitted": refitted,
        "embedder": _fingerprint(embedder),
        "shipped_sha256": _shipped_digest(),
        **models_document(models),
    }


def _read(path: Path) -> str:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is not a regular file")
        data = os.read(descriptor, _MAX_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(data) > _MAX_BYTES:
        raise ValueError(f"it has more than {_MAX_BYTES} bytes")
    return data.decode("utf-8")


def _check_fits(document: Mapping[str, Any], embedder: EmbedderInfo) -> None:
    """Refuse a model fitted on other features.

    Features depend on the embedder and on ragqa, whose changes also change the shipped model.

    :raises ValueError: embedder or shipped model have changed.
    """
    if document["embedder"] != _fingerprint(embedder):
        raise ValueError("it was fitted with another embedder")
    if document["shipped_sha256"] != _shipped_digest():
        raise ValueError("it was fitted with another version of ragqa")


def _check_names(models: Models) -> None:
    if unknown := {*models.all.names, *models.terms.names} - {*FEATURES}:
        raise ValueError(f"it has an unknown feature {min(unknown)[:40]!r}")


def _fingerprint(embedder: EmbedderInfo) -> dict[str, Any]:
    """What determines the embeddings; one model may have several names."""
    return {name: value for name, value in asdict(embedder).items() if name != "name"}


def _shipped_digest() -> str:
    return hashlib.sha256(shipped_text().encode()).hexdigest()


def _describe(exc: BaseException) -> str:
    if isinstance(exc, json.JSONDecodeError | UnicodeDecodeError | RecursionError | TypeError):
        return "it is damaged"
    if isinstance(exc, KeyError):
        return f"it has no {exc}"
    return ((exc.strerror if isinstance(exc, OSError) else None) or str(exc))[:_MAX_REASON]
