"""Small SBOMs, scans and VEX documents, right in everything; tests change one thing."""

from __future__ import annotations

from typing import Any

HEX = "ab" * 32
WHEN = "2025-12-30T00:00:00Z"


def spdx(packages: int = 2, sha256: str | None = HEX, **changes: Any) -> dict[str, Any]:
    """Return an SPDX 2.3 document of a described root and this many other packages."""
    root = _package("root", "app")
    if sha256 is not None:
        root["checksums"] = [
            {"algorithm": "SHA1", "checksumValue": "0" * 40},
            {"algorithm": "SHA256", "checksumValue": sha256},
        ]
    root["externalRefs"] = [
        {
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": "pkg:generic/app@1.0",
        }
    ]
    others = [_package(f"p{number}", f"lib{number}") for number in range(packages)]
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "app",
        "documentNamespace": "https://example.com/app",
        "creationInfo": {"created": WHEN, "creators": ["Tool: test"]},
        "packages": [root, *others],
        "relationships": [
            {
                "spdxElementId": "SPDXRef-DOCUMENT",
                "relatedSpdxElement": "SPDXRef-root",
                "relationshipType": "DESCRIBES",
            }
        ],
    } | changes


def _package(identity: str, name: str) -> dict[str, Any]:
    return {
        "SPDXID": f"SPDXRef-{identity}",
        "name": name,
        "downloadLocation": "NOASSERTION",
        "versionInfo": "1.0",
    }


def cyclonedx(components: int = 2, sha256: str | None = HEX, **changes: Any) -> dict[str, Any]:
    """Return a CycloneDX 1.6 document about `app`, of this many components."""
    root: dict[str, Any] = {"type": "file", "name": "app", "purl": "pkg:generic/app@1.0"}
    if sha256 is not None:
        root["hashes"] = [{"alg": "SHA-256", "content": sha256}]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": root},
        "components": [
            {"type": "library", "name": f"lib{number}", "version": "1.0"}
            for number in range(components)
        ],
    } | changes


def sarif(*scores: str | None, **changes: Any) -> dict[str, Any]:
    """Return a SARIF log as grype writes it: a result for each ``security-severity``."""
    rules = [
        {"id": f"CVE-2026-{number}-libx", "properties": {"security-severity": score}}
        if score is not None
        else {"id": f"CVE-2026-{number}-libx"}
        for number, score in enumerate(scores)
    ]
    run = {
        "tool": {"driver": {"name": "Grype", "version": "0.90.0", "rules": rules}},
        "invocations": [{"executionSuccessful": True, "endTimeUtc": WHEN}],
        "results": [{"ruleId": rule["id"], "message": {"text": "libx"}} for rule in rules],
    } | changes
    return {"version": "2.1.0", "runs": [run]}


def grype(*severities: str | None, **changes: Any) -> dict[str, Any]:
    """Return grype's JSON: a match for each severity word."""
    return {
        "matches": [match(number, severity) for number, severity in enumerate(severities)],
        "source": {"type": "directory", "target": "."},
        "descriptor": {
            "name": "grype",
            "version": "0.90.0",
            "timestamp": "2025-12-30T00:00:00.123456789Z",
            "db": {"built": "2025-12-29T00:00:00Z", "schemaVersion": 5},
        },
    } | changes


def match(number: int, severity: str | None) -> dict[str, Any]:
    """Return one match, under a GHSA id and the CVE it is related to."""
    told = {"id": f"GHSA-aaaa-bbbb-{number:04}"}
    return {
        "vulnerability": told if severity is None else told | {"severity": severity},
        "relatedVulnerabilities": [{"id": f"CVE-2026-{number}"}],
        "artifact": {"name": "libx", "version": "1.0", "purl": "pkg:npm/libx@1.0?arch=all"},
    }


def vuln(result: Any, **changes: Any) -> dict[str, Any]:
    """Return cosign's vulnerability predicate around a scanner's output."""
    return {
        "invocation": {"parameters": None, "uri": "", "event_id": "", "builder.id": ""},
        "scanner": {
            "uri": "pkg:github/anchore/grype@0.90.0",
            "version": "0.90.0",
            "db": {"uri": "", "version": "2025-12-29T06:00:00Z"},
            "result": result,
        },
        "metadata": {"scanStartedOn": WHEN, "scanFinishedOn": "2025-12-30T00:01:00Z"},
    } | changes


def openvex(*statements: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return an OpenVEX document of these statements."""
    return {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.com/vex-1",
        "author": "Acme",
        "timestamp": WHEN,
        "version": 1,
        "statements": list(statements),
    } | changes


def not_affected(name: str = "CVE-2026-0", **changes: Any) -> dict[str, Any]:
    """Return a statement that a vulnerability does not touch whatever it is attested to."""
    return {
        "vulnerability": {"name": name},
        "status": "not_affected",
        "justification": "vulnerable_code_not_present",
    } | changes
