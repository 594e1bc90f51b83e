"""What Milvus, or the way to it, did wrong in one sentence."""

from ragqa.config.storeuri import TOKEN_VARIABLE, is_file
from ragqa.errors import IndexNotReadable, IndexNotWritable, IndexUnusable

DOCTOR = "ragqa doctor"


def explained(exc: Exception, uri: str) -> IndexUnusable:
    """The error to raise for one of pymilvus or gRPC."""
    at = f"the Milvus Lite file {uri}" if is_file(uri) else f"the Milvus server at {uri}"
    said = " ".join(str(getattr(exc, "message", "") or exc).split())[:300]
    code = str(getattr(exc, "code", ""))
    low = f"{code} {said}".lower()
    if "unauthenticated" in low or "auth check failure" in low or "permission" in low:
        return IndexNotReadable(
            f"{at} does not let ragqa in: {said}",
            hint=f"set {TOKEN_VARIABLE} to a token, or USER:PASSWORD",
        )
    if "quota" in low or "rate limit" in low or "resource_exhausted" in low or "disk" in low:
        return IndexNotWritable(
            f"{at} takes no more: {said}", hint="give it more room or a higher quota, and try again"
        )
    if "deadline" in low or "timeout" in low:
        return IndexNotReadable(f"{at} did not answer in time: {said}", hint=DOCTOR)
    if "unavailable" in low or "connect" in low:
        return IndexNotReadable(
            f"no Milvus answers at {uri}: {said}", hint="start it, or name another: --store-uri URI"
        )
    return IndexUnusable(f"{at} failed: {said}", hint=DOCTOR)
