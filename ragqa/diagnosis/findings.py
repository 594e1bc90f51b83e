"""A finding: one thing that was looked at."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what was found, and the command that mends it, or ""."""

    severity: Severity
    what: str
    fix: str = ""
    exit_code: int = 0
