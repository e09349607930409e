"""Where a place's anchors of an instance came from: the ``origin.json`` beside them."""

from __future__ import annotations

from kit.errors import AnchorError, MalformedError
from kit.formats import anchor_origin
from kit.formats.anchor_origin import Origin
from kit.trust.places import Place, read


def at(place: Place, instance: str) -> Origin | None:
    """Return what stands in ``INSTANCE/origin.json``; ``None`` where there is no such file.

    Raises :class:`AnchorError` (``trust.unreadable``, ``trust.malformed``).
    """
    path = place.folder / instance / anchor_origin.FILE
    raw = read(path, anchor_origin.MAX_BYTES, instance)
    if raw is None:
        return None
    try:
        return anchor_origin.parse(raw)
    except MalformedError as error:
        raise AnchorError(
            f"{instance}/{anchor_origin.FILE} ({place.label}): {error.message}",
            code="trust.malformed",
            subject=instance,
        ) from error
