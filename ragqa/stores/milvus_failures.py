"""Translate Milvus and network errors."""

import re

import grpc

from ragqa.config.storeuri import TOKEN_VARIABLE, is_file
from ragqa.errors import IndexNotReadable, IndexNotWritable, IndexUnusable

DOCTOR = "ragqa doctor"

# Words in the messages of Milvus and gRPC, of any version; several codes may mean the same.
_REFUSED = (
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


def translate_error(exc: Exception, uri: str) -> IndexUnusable:
    """The error to raise for an error of pymilvus or gRPC."""
    at = f"the Milvus Lite file {uri}" if is_file(uri) else f"the Milvus server at {uri}"
    message, signs = _message_and_signs(exc)
    if any(sign in signs for sign in _REFUSED):
        return IndexNotReadable(
            f"{at} denies access: {message}",
            hint=f"set {TOKEN_VARIABLE} to a token, or USER:PASSWORD",
        )
    if any(sign in signs for sign in _FULL):
        return IndexNotWritable(
            f"{at} accepts no more data: {message}",
            hint="give it more space or a higher quota, and try again",
        )
    if any(sign in signs for sign in _GONE):
        return IndexNotReadable(
            f"no Milvus answers at {uri}: {message}",
            hint="start it, or name another: --store-uri URI",
        )
    if any(sign in signs for sign in _SLOW):
        return IndexNotReadable(f"{at} did not answer in time: {message}", hint=DOCTOR)
    return IndexUnusable(f"{at} failed: {message}", hint=DOCTOR)


def _message_and_signs(exc: Exception) -> tuple[str, str]:
    """The message for people, and in lower case with error codes for classification."""
    message = str(getattr(exc, "message", "") or exc)
    signs = f"{getattr(exc, 'code', '')} {message}"
    call = next((each for each in (exc, exc.__cause__) if isinstance(each, grpc.Call)), None)
    if call is not None:
        message = call.details() or message
        signs += f" {call.code().name} {message}"
    # Brackets and quotes enclose names, which may contain any word.
    return " ".join(message.split())[:300], re.sub(r"\[[^]]*]|'[^']*'", "", signs).lower()
