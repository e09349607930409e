"""Write a trusted root's known fields, in the form that every reader takes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from kit.formats import encodings, strictjson
from kit.formats.trusted_root import MEDIA_TYPES, Authority, Log, TrustedRoot, Window


def render(root: TrustedRoot, *, open_from: datetime | None = None) -> bytes:
    """Return the root as proto3 JSON.

    With ``open_from``, logs and certificate authorities get a window that begins then and
    never ends, for a reader that compares their windows with something else than the time of
    signing. Timestamp authorities keep theirs.
    """

    def opened(window: Window) -> Window:
        return window if open_from is None else Window(start=open_from, end=None)

    return strictjson.canonical(
        {
            "mediaType": MEDIA_TYPES[0],
            "tlogs": [_log(log, opened(log.window)) for log in root.tlogs],
            "ctlogs": [_log(log, opened(log.window)) for log in root.ctlogs],
            "certificateAuthorities": [
                _authority(ca, opened(ca.window)) for ca in root.certificate_authorities
            ],
            "timestampAuthorities": [
                _authority(tsa, tsa.window) for tsa in root.timestamp_authorities
            ],
        }
    )


def _log(log: Log, window: Window) -> dict[str, Any]:
    return {
        "baseUrl": log.base_url,
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": encodings.b64encode(log.key),
            "keyDetails": _DETAILS.get(log.key_details, log.key_details),
            "validFor": _window(window),
        },
        "logId": {"keyId": encodings.b64encode(log.log_id)},
    }


#: A key is written as SubjectPublicKeyInfo, so what is told of it is too.
_DETAILS = {"PKCS1_RSA_PKCS1V5": "PKIX_RSA_PKCS1V5"}


def _authority(authority: Authority, window: Window) -> dict[str, Any]:
    return {
        "subject": {
            "organization": authority.organization,
            "commonName": authority.common_name,
        },
        "uri": authority.uri,
        "certChain": {
            "certificates": [{"rawBytes": encodings.b64encode(der)} for der in authority.chain]
        },
        "validFor": _window(window),
    }


def _window(window: Window) -> dict[str, str]:
    rendered = {"start": _time(window.start)}
    return rendered if window.end is None else rendered | {"end": _time(window.end)}


def _time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
