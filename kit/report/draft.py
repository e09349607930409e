"""A draft of a release file as TOML: what can be demanded, where it was seen, how strong it is.

Nothing in it is approved. It has passed the day until which it counts, so that `check`
refuses it until somebody has taken that line out. What no verified evidence shows stands in
comments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kit.formats.encodings import render_time
from kit.formats.release_file import MAX_BYTES
from kit.formats.toml_text import comment, string
from kit.model import AnchorRecord, Claim, Manifest
from kit.policy.draft import MAX_FILES, Demand, Line, Who, can_be_named
from kit.policy.facts import FileFacts

_HEAD = """\
# DRAFT. Nobody has approved this file.
#
# It was written from what a pack shows, and whoever made the pack chose what is in it. Read
# every line, compare it with what the publisher says in some other place, and change or
# delete what you cannot confirm. What nothing verified shows is commented out.
#
# `airgap-kit check` refuses it (policy.expired) until you take the line `expires` out, or set
# it to a day on which somebody must look at this again.
"""
_EXPIRES = "expires = 1970-01-01  # DRAFT: read every line below, then take this one out"
_MAX_FINDINGS = 8
_MAX_SEEN = 3


def render(
    manifest: Manifest, sha256: str, anchors: Sequence[AnchorRecord], lines: Sequence[Line]
) -> str:
    """Return the draft; equal packs under equal anchors give equal text."""
    kept: list[Line] = []
    size = 0
    for line in lines:
        size += len(_block(line, _names([line]))) + sum(map(len, _signers([line])))
        if size > MAX_BYTES - (64 << 10):  # a longer file is refused
            break
        kept.append(line)
    names = _names(kept)
    blocks = [_top(manifest, sha256, anchors), *_signers(kept)]
    blocks += [_block(line, names) for line in kept]
    if len(kept) < len(lines):
        left_out = len(lines) - len(kept)
        blocks.append(f"{comment(f'{left_out} more sources are left out: it would be too much')}\n")
    return "\n".join(blocks)


def _top(manifest: Manifest, sha256: str, anchors: Sequence[AnchorRecord]) -> str:
    rests_on = [
        comment(f"anchor {anchor.instance}: sha256:{anchor.sha256} ({anchor.origin})")
        for anchor in anchors
    ]
    return "\n".join(
        [
            f"{_HEAD}#",
            comment(f"pack: manifest.json sha256:{sha256}"),
            *rests_on,
            "",
            "schema = 1",
            f"name = {string(manifest.release_name)}  # only the collector's word",
            f"version = {string(manifest.release_version)}  # only the collector's word",
            _EXPIRES,
            "",
        ]
    )


# ---- signers ----------------------------------------------------------------------


def _names(lines: Sequence[Line]) -> Mapping[Who, str]:
    """Return what each signer is called: plain numbers, since a name could mislead."""
    found: dict[Who, None] = {}
    for line in lines:
        found |= dict.fromkeys(demand.shown.who for demand in line.demands)
    return {who: f"signer-{number}" for number, who in enumerate(found, start=1)}


def _signers(lines: Sequence[Line]) -> Iterator[str]:
    needed = {
        demand.shown.who
        for line in lines
        for demand in line.demands
        if line.is_shown(demand) and line.is_usable
    }
    for who, name in _names(lines).items():
        written = [f"[signers.{name}]"]
        if who.form == "identity":
            written.append(f"issuer = {string(who.issuer)}")
        written.append(f"{who.form} = {string(who.value)}")
        if who.form == "npm-keys" and who.issuer:
            written.append(f"registry = {string(who.issuer)}")
        if who.trusted_root:
            written.append(f"trusted-root = {string(who.trusted_root)}")
        told = comment("signed something in the pack: whether it is who should have is for you")
        yield "\n".join([told, *_unless(who not in needed, written), ""])


def _unless(out: bool, written: Sequence[str]) -> list[str]:  # noqa: FBT001 - reads as a sentence
    return [f"# {line}" for line in written] if out else list(written)


# ---- lines ------------------------------------------------------------------------


def _block(line: Line, names: Mapping[Who, str]) -> str:
    usable = line.is_usable
    written = [*_unless(not usable, ["[[artifact]]", f"source = {string(line.text)}"])]
    if not usable:
        written.append(comment("no release file can have this source, or name a file of it"))
    elif line.needs_files:
        written += _files(line)
    else:
        written += [comment(f"the file: {_carried(line.files[0])}")]
    written += [
        comment(f"not verified: {found.code}: {found.message}")
        for found in line.findings[:_MAX_FINDINGS]
    ]
    for demand in line.demands:
        written += ["", *_demand(line, demand, names, usable=usable)]
    if line.left_out:
        written += ["", comment(f"{line.left_out} more ways in which evidence speaks of them")]
    if not any(line.is_shown(demand) for demand in line.demands):
        written += ["", *_nothing(line)]
    return "\n".join([*written, ""])


def _files(line: Line) -> Iterator[str]:
    yield "files = ["
    first = {file.artifact.name: file for file in reversed(line.files)}
    for file in [first[name] for name in sorted(first)][:MAX_FILES]:
        if can_be_named(file):
            yield f"  {string(file.artifact.name)},  {comment(_carried(file))}"
        else:
            yield f"  {comment(f'{file.artifact.name}: would be a wildcard here')}"
    yield "]"
    if len(first) > MAX_FILES:
        yield comment(f"{len(first) - MAX_FILES} more files are left out: a line names 1000")


def _carried(file: FileFacts) -> str:
    told = "verified evidence speaks of it" if file.claims else "nothing verified speaks of it"
    return f"{file.digests['sha256']} as carried; {told}"


def _nothing(line: Line) -> Iterator[str]:
    yield comment("Nothing verified shows the same of every file of this line.")
    if len(line.files) == 1:
        yield comment("If the publisher tells you this digest in some other place:")
        yield "# [[artifact.require]]"
        yield f"# digest = {string(str(line.files[0].digests['sha256']))}"
    else:
        yield comment("Demand of all what some show, or give each file a source of its own.")


# ---- demands ----------------------------------------------------------------------


def _demand(line: Line, demand: Demand, names: Mapping[Who, str], *, usable: bool) -> Iterator[str]:
    shown = demand.shown
    whole = line.is_shown(demand)
    yield comment(
        "shown of every file of the line"
        if whole
        else f"shown only of {demand.files} of {len(line.files)} files of the line"
    )
    for claim in demand.claims[:_MAX_SEEN]:
        yield comment(_seen(claim))
    if len(demand.claims) > _MAX_SEEN:
        yield comment(f"seen in {len(demand.claims) - _MAX_SEEN} more places")
    written = ["[[artifact.require]]", f"signer = {string(names[shown.who])}"]
    if shown.predicate_type is not None:
        written.append(f"predicate-type = {string(shown.predicate_type)}  # the signer's word")
    if shown.listed_in is not None:
        written.append(f"listed-in = {string(shown.listed_in)}  # the signer's word")
    written += [
        f"{key} = {string(value)}  # the certificate: its authority's word"
        for key, value in shown.build
    ]
    yield from _unless(not (whole and usable), written)
    if shown.who.form in ("key", "npm-keys") and not shown.logged:
        yield comment("log = false  # it is in no log: nothing but the signer says when it signed")


def _seen(claim: Claim) -> str:
    parts = [f"seen in {claim.evidence}", f"verified by {' and '.join(claim.accepted_by)}"]
    if claim.instance:
        parts.append(f"under the anchor {claim.instance}")
    parts.append(
        "signed at no time that anybody vouches for"
        if claim.signed_at is None
        else f"signed {render_time(claim.signed_at)}"
    )
    parts.append("in a log" if claim.log else "in no log")
    return ", ".join(parts)
