"""What is shown beside a passage's text."""

from ragqa.types import Kind, Passage, Unit


def context_of(passage: Passage) -> str:
    """What a passage's text lacks of its beginning: column labels, parent items, an ellipsis."""
    if not passage.units:
        return ""
    first = passage.units[0]
    context = "" if first.full_context in passage.text else first.full_context
    return "\n".join(filter(None, (context, ellipsis_before(first))))


def ellipsis_before(unit: Unit) -> str:
    """An ellipsis if a unit goes on with an item, row or block of code; else ""."""
    return "" if unit.begins or unit.kind in (Kind.PARAGRAPH, Kind.HEADING) else "\u2026"
