"""The values that flow through the kit, in the words of the design.

All are frozen. Unverified things say so by their type: :class:`EvidenceFile` is
carried bytes, :class:`Claim` is what a verifier accepted. Only ``kit.verifiers`` makes one;
what a document or a copy is worth is derived from one. Policy sees claims and nothing else.

Sizes are bytes. Times are timezone-aware UTC. Digests are lower-case hex.
"""

from __future__ import annotations

from kit.model.claim import Claim as Claim
from kit.model.claim import Contradiction as Contradiction
from kit.model.claim import Identity as Identity
from kit.model.digest import Digest as Digest
from kit.model.gathered import Answer as Answer
from kit.model.gathered import Asked as Asked
from kit.model.gathered import Attached as Attached
from kit.model.gathered import Entry as Entry
from kit.model.gathered import Found as Found
from kit.model.gathered import Gathered as Gathered
from kit.model.gathered import Layout as Layout
from kit.model.pack import Artifact as Artifact
from kit.model.pack import EvidenceFile as EvidenceFile
from kit.model.pack import EvidenceKind as EvidenceKind
from kit.model.pack import Manifest as Manifest
from kit.model.pack import Member as Member
from kit.model.report import AnchorRecord as AnchorRecord
from kit.model.report import Finding as Finding
from kit.model.report import Level as Level
from kit.model.report import Report as Report
from kit.model.report import SealRecord as SealRecord
from kit.model.report import Verdict as Verdict
