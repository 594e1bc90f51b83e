"""What Milvus, or the way to it, did wrong in one sentence."""

import re

import grpc

from ragqa.config.storeuri import TOKEN_VARIABLE, is_file
from ragqa.errors import IndexNotReadable, IndexNotWritable, IndexUnusable

DOCTOR = "ragqa doctor"

# What Milvus and gRPC say, which may be of any version, with several codes for one matter.
_KEPT_OUT = (
    "unauthenticated",
    "not authenticated",
    "auth check failure",
    "permission",
    "permitted",
)
_FULL = (
    "quota",
    "limit exceeded",
    "exceeded the limit",
    "resource_exhausted",
    "insufficient",
    "disk",
    "deny to write",
)
_GONE = ("unavailable", "connect", "not ready")
_SLOW = ("deadline", "timeout")


def explained(exc: Exception, uri: str) -> IndexUnusable:
    """The error to raise for one of pymilvus or gRPC."""
    at = f"the Milvus Lite file {uri}" if is_file(uri) else f"the Milvus server at {uri}"
    said, low = _said(exc)
    if any(sign in low for sign in _KEPT_OUT):
        return IndexNotReadable(
            f"{at} does not let ragqa in: {said}",
            hint=f"set {TOKEN_VARIABLE} to a token, or USER:PASSWORD",
        )
    if any(sign in low for sign in _FULL):
        return IndexNotWritable(
            f"{at} takes no more: {said}", hint="give it more room or a higher quota, and try again"
        )
    if any(sign in low for sign in _GONE):
        return IndexNotReadable(
            f"no Milvus answers at {uri}: {said}", hint="start it, or name another: --store-uri URI"
        )
    if any(sign in low for sign in _SLOW):
        return IndexNotReadable(f"{at} did not answer in time: {said}", hint=DOCTOR)
    return IndexUnusable(f"{at} failed: {said}", hint=DOCTOR)


def _said(exc: Exception) -> tuple[str, str]:
    """What went wrong, for people; and in small letters, with codes, for a look at which it is."""
    said = str(getattr(exc, "message", "") or exc)
    signs = f"{getattr(exc, 'code', '')} {said}"
    call = next((each for each in (exc, exc.__cause__) if isinstance(each, grpc.Call)), None)
    if call is not None:
        said = call.details() or said
        signs += f" {call.code().name} {said}"
    # What stands in brackets and quotes are names, which may hold any word.
    return " ".join(said.split())[:300], re.sub(r"\[[^]]*]|'[^']*'", "", signs).lower()
