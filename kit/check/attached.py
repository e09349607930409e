"""What cosign and BuildKit attached to images, made ready for the verifiers.

A manifest that lists signatures or attestations proves nothing: each of its layers does, or
does not. The layer's blob is read from the layout in the pack; its annotations come out of
the manifest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from kit.check.hashing import Known
from kit.check.jobs import Job, Subject
from kit.check.weighed import Weighed
from kit.errors import EvidenceError, MalformedError, RejectedError, UnsupportedError
from kit.formats import cosign, oci_layout, oci_manifest, sigstore_bundle
from kit.formats.oci_manifest import Descriptor, ImageManifest
from kit.model import EvidenceFile, EvidenceKind, Level
from kit.pack.reader import Pack

_LAYER_TYPES = {
    EvidenceKind.COSIGN_SIGNATURE: cosign.SIMPLE_SIGNING,
    EvidenceKind.COSIGN_ATTESTATION: cosign.DSSE_ENVELOPE,
}
_MAX_BYTES = {
    EvidenceKind.COSIGN_SIGNATURE: cosign.MAX_PAYLOAD,
    EvidenceKind.COSIGN_ATTESTATION: sigstore_bundle.MAX_BYTES,
}
#: Kinds of evidence whose member is a manifest with a layer for each piece of it.
KINDS = frozenset({*_LAYER_TYPES, EvidenceKind.BUILDKIT})

#: Images that one manifest of signatures is said to be about: one, or two of one digest.
MAX_ABOUT = 16

#: Bytes of layers that are read of one pack: a layer may be named in any number of manifests,
#: and with any number of annotations. Signatures are kilobytes, attested SBOMs megabytes.
MAX_READ = 1 << 30

_PREDICATE_TYPE = "in-toto.io/predicate-type"
_MAX_TYPES = 8


@dataclass(slots=True)
class Reading:
    """How many bytes of layers were read of one pack."""

    size: int = 0


def jobs(
    pack: Pack, known: Known, evidence: EvidenceFile, weighed: Weighed, reading: Reading
) -> Iterator[Job]:
    """Yield a job for each signature or attestation in a manifest of one of :data:`KINDS`.

    Of what can be none it is said why; and of BuildKit's attestations that they are unsigned.
    ``reading`` counts over all of a pack's manifests.
    """
    if evidence.kind is EvidenceKind.BUILDKIT:
        _tell_unsigned(pack, evidence, weighed)
        return
    subjects = tuple(Subject(member=m, digests=known[m]) for m in evidence.about)

    def refuse(label: str, error: EvidenceError) -> None:
        for subject in subjects:
            weighed.refuse(subject.member, label, error)

    if not all(subject.member.startswith(oci_layout.BLOBS) for subject in subjects):
        # What signs a digest of an image says nothing of a file that has this digest.
        refuse(evidence.member, UnsupportedError("it is about images, and not for files"))
        return
    if len(subjects) > MAX_ABOUT:
        many = f"it is said to be about {len(subjects)} images, over {MAX_ABOUT}"
        refuse(evidence.member, RejectedError(many, code="cosign.too-many"))
        return
    try:
        for layer in _layers(pack, evidence, refuse, reading):
            yield Job(
                label=layer.label,
                raw=layer.raw,
                annotations=layer.annotations,
                subjects=subjects,
                kind=evidence.kind,
            )
    except EvidenceError as error:
        refuse(evidence.member, error)


def _tell_unsigned(pack: Pack, evidence: EvidenceFile, weighed: Weighed) -> None:
    """Say what BuildKit attests: nobody signed it, and only the index's digest covers it."""
    try:
        said = _said_by_buildkit(pack, evidence)
    except EvidenceError as error:
        for member in evidence.about:
            weighed.refuse(member, evidence.member, error)
        return
    for member in evidence.about:
        weighed.find(
            member,
            Level.NOTE,
            "evidence.unsigned",
            f"{evidence.member}: attestations by BuildKit ({said}), which nobody signed; the "
            "digest of the index covers them, and they count for nothing",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """One signature or attestation: its label for people, its bytes, and what proves it."""

    label: str
    raw: bytes
    annotations: Mapping[str, str]


def _layers(
    pack: Pack,
    evidence: EvidenceFile,
    refuse: Callable[[str, EvidenceError], None],
    reading: Reading,
) -> Iterator[_Layer]:
    """Yield the signatures or attestations of a manifest, each once.

    ``refuse`` is told of layers that cannot be any, by their labels. Raises
    :class:`EvidenceError` where the manifest itself cannot be used.
    """
    seen: set[tuple[object, ...]] = set()
    for number, layer in enumerate(_manifest(pack, evidence).layers, start=1):
        proof = {key: text for key, text in layer.annotations.items() if key in cosign.PROOF}
        key = (layer.digest, tuple(sorted(proof.items())))
        if key in seen:
            continue
        seen.add(key)
        label = f"{evidence.member} layer {number}"
        try:
            raw = _blob(pack, evidence.kind, layer, reading)
        except EvidenceError as error:
            refuse(label, error)
        else:
            yield _Layer(label=label, raw=raw, annotations=layer.annotations)


def _said_by_buildkit(pack: Pack, evidence: EvidenceFile) -> str:
    """Return what a BuildKit attestation manifest holds, for people: nobody signed it."""
    types = [layer.annotations.get(_PREDICATE_TYPE) for layer in _manifest(pack, evidence).layers]
    told = list(dict.fromkeys(each[:200] for each in types if each))
    return ", ".join(told[:_MAX_TYPES]) or "nothing that it names"


def _manifest(pack: Pack, evidence: EvidenceFile) -> ImageManifest:
    document = oci_manifest.parse(pack.read(evidence.member, oci_manifest.MAX_BYTES))
    if not isinstance(document, ImageManifest):
        raise UnsupportedError(f"it is an index, not a manifest of {evidence.kind.value}s")
    if len(document.layers) > cosign.MAX_SIGNATURES:
        raise RejectedError(
            f"it has {len(document.layers)} layers, over {cosign.MAX_SIGNATURES}",
            code="cosign.too-many",
        )
    return document


def _blob(pack: Pack, kind: EvidenceKind, layer: Descriptor, reading: Reading) -> bytes:
    if layer.media_type != _LAYER_TYPES[kind]:
        raise UnsupportedError(f"its media type is {layer.media_type[:100]}")
    path = oci_layout.blob(layer.digest)
    try:
        reading.size += pack.member(path).size
    except KeyError as error:
        raise MalformedError(
            f"{layer.digest} is not in the pack", code="oci.blob-missing"
        ) from error
    if reading.size > MAX_READ:
        raise RejectedError(
            f"the pack's signatures and attestations of images are over {MAX_READ} bytes",
            code="evidence.too-many",
        )
    raw = pack.read(path, _MAX_BYTES[kind])
    if hashlib.sha256(raw).hexdigest() != layer.digest.hex:
        raise MalformedError(f"{path} holds other bytes than its name says", code="oci.mismatch")
    return raw
