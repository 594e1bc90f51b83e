"""Findings: the results of checks."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check, and the command that fixes it, or ""."""

    severity: Severity
    what: str
    fix: str = ""
    exit_code: int = 0
