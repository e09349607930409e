"""What a registry's token server answers (distribution, "Token Authentication")."""

from __future__ import annotations

import re

from kit.errors import MalformedError
from kit.formats import strictjson
from kit.formats.fields import Fields

MAX_BYTES = 1 << 17
# RFC 6750 §2.1, as it is sent in a header.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{1,65536}=*")


def parse(raw: bytes) -> str:
    """Return the token; raise :class:`MalformedError`. No message shows it."""
    top = Fields(strictjson.parse(raw, max_bytes=MAX_BYTES))
    found = {text for key in ("token", "access_token") if (text := top.text(key))}
    if len(found) != 1:
        raise MalformedError("there is no token, or two that differ")
    token = found.pop()
    if not _TOKEN.fullmatch(token):
        raise MalformedError("the token has characters that cannot be sent")
    return token
