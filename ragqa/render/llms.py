"""LLM backends: which one is set, which there are, and what came of trying one."""


from ragqa.diagnosis import Choice
from ragqa.render.documents import Document


def llm_line(choice: Choice) -> str:
    """Which backend is set and where data would go, in a line; still to be sanitised."""
    if not choice.spec:
        return "none: nothing leaves this machine"
    said = f"{choice.spec}, set by {choice.origin}"
    if choice.destination is None:
        return f"{said}: {choice.problem}"
    allowed = "" if choice.allowed else " (not allowed yet)"
    return f"{said}; data goes to {choice.destination.where}{allowed}"


def llm_document(choice: Choice) -> Document:
    """The backend that is set, in `ragqa status --json` and `ragqa llm list --json`."""
    where = choice.destination
    return {
        "llm": choice.spec or None,
        "origin": choice.origin or None,
        "local": where.is_local if where else None,
        "host": (where.host or None) if where else None,
        "proxy": (where.proxy or None) if where else None,
        "allowed": choice.allowed,
        "problem": choice.problem or None,
        "fix": choice.fix or None,
    }
