"""What is asked for and does not exist is refused, never ignored."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.lab import Lab, Options


def test_what_does_not_exist_cannot_be_asked_for() -> None:
    lab = Lab("acme")
    wishes: list[tuple[Options, str]] = [
        ({"spoil": "taste"}, "no such spoil: 'taste'"),
        ({"form": "keyed+round"}, "no such form: 'round'"),
        ({"version": "0.4"}, "no such version: '0.4'"),
        ({"extensions": {"colour": "red"}}, "no such extension: 'colour'"),
        ({"spoil": "payload"}, "spoil 'payload' needs a bundle with envelope"),
        ({"form": "intoto"}, "form 'intoto' needs a bundle with envelope"),
        ({"form": "no-log+two-entries"}, "form 'two-entries' needs a bundle with entry"),
        ({"form": "keyed", "spoil": "sct"}, "spoil 'sct' needs a bundle with certificate"),
        ({"form": "promise-only", "spoil": "root-hash"}, "needs a bundle with checkpoint"),
        ({"at": datetime(2025, 1, 1)}, "not a whole second in a time zone"),  # noqa: DTZ001
    ]
    for options, reason in wishes:
        with pytest.raises(ValueError, match=reason):
            lab.sign(b"artifact", **options)
    with pytest.raises(ValueError, match="not a SHA-256 digest"):
        lab.sign_digest("00")
