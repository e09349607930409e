"""What a pack's evidence shows under this host's anchors, before there is a policy."""

from __future__ import annotations

from collections.abc import Mapping

from kit.check import hashing, images, weighing
from kit.check.jobs import Basis
from kit.check.walk import Options, facts_of, openpgp
from kit.formats.release_file import ReleaseFile
from kit.formats.rules import Terms
from kit.model import Manifest
from kit.pack.reader import Pack
from kit.policy.facts import FileFacts
from kit.trust.anchors import Anchor
from kit.trust.keyrings import Keyring
from kit.trust.npm_keys import NpmKeyring


def survey(
    pack: Pack,
    anchors: Mapping[str, Anchor],
    options: Options,
    openpgp_keys: Mapping[str, Keyring],
    npm_keys: tuple[NpmKeyring, ...] = (),
) -> tuple[FileFacts, ...]:
    """Return every artifact of an opened pack with the claims that hold, as `check` finds them.

    Raises what `check` raises: a damaged pack ends it before anything in it is believed.
    """
    release = _nothing_demanded(pack.manifest)
    known = hashing.hash_members(pack, release, options.progress)
    basis = Basis(anchors=tuple(anchors.values()), at=options.at, npm_keys=npm_keys)
    with openpgp(openpgp_keys, options) as verifier:
        weighed = weighing.weigh(pack, known, basis, options.workers, verifier)
    return facts_of(pack, known, weighed, images.look(pack, release))


def _nothing_demanded(manifest: Manifest) -> ReleaseFile:
    return ReleaseFile(
        name=manifest.release_name,
        version=manifest.release_version,
        strict_names=True,
        signers={},
        lines=(),
        terms=Terms(),
        raw=b"",
        sha256="",
    )
