"""kit.trust.tuf_chain: what a pinned root authenticates, and every way it does not.

The numbers are those of the trust-root catalogue (R-001 …).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from securesystemslib.formats import encode_canonical
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Key,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    SuccinctRoles,
    Targets,
)

from kit.errors import AnchorError
from kit.trust import tuf_chain
from kit.trust.tuf_files import Held
from tests.lab import keys
from tests.lab.tuf import REGISTRY, Repository

TRUSTED = b'{"newest": "trusted root"}'
KEYS = b'{"keys": []}'


def founded(shape: str = "public-good", seed: str = "acme") -> Repository:
    """Return a repository with what Sigstore's have."""
    targets = {"trusted_root.json": TRUSTED}
    if shape == "public-good":
        targets[f"{REGISTRY}/keys.json"] = KEYS
    return Repository(seed, targets, shape=shape)


def walk(repository: Repository, pinned: bytes | None = None) -> tuf_chain.Walked:
    """Walk from the first root, or from another."""
    return tuf_chain.walk("acme", pinned or repository.files["1.root.json"], Held(repository.files))


def code(repository: Repository, pinned: bytes | None = None) -> str:
    """Return the code of the error that a walk ends in."""
    with pytest.raises(AnchorError) as caught:
        walk(repository, pinned)
    assert caught.value.subject == "acme"
    return caught.value.code


def changed(raw: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """Change what a file says and leave its signatures as they are."""
    document = json.loads(raw)
    change(document)
    return json.dumps(document).encode()


@pytest.fixture(params=["public-good", "github"])
def repository(request: pytest.FixtureRequest) -> Repository:
    return founded(request.param)


# ---- what holds ---------------------------------------------------------------------


def test_a_chain_from_an_old_root_to_the_newest_gives_the_trusted_root(
    repository: Repository,
) -> None:
    repository.rotate()
    repository.rotate(retire="person-1")
    repository.rotate(retire="person-2", online="online-2")
    repository.put("trusted_root.json", b"newer")
    found = walk(repository)
    assert [root.version for root in found.roots] == [1, 2, 3, 4]
    assert found.targets["trusted_root.json"] == b"newer"
    assert (found.timestamp.version, found.snapshot.version, found.top_targets.version) == (2, 2, 2)


def test_any_root_of_the_chain_can_be_the_pinned_one(repository: Repository) -> None:
    repository.rotate(retire="person-1")
    repository.rotate()
    repository.publish()
    ends = {walk(repository, repository.files[f"{n}.root.json"]).root for n in (1, 2, 3)}
    assert len(ends) == 1


def test_keys_of_a_delegated_folder_come_with_it() -> None:
    found = walk(founded())
    assert found.targets[f"{REGISTRY}/keys.json"] == KEYS
    assert set(found.delegated) == {REGISTRY}


def test_a_delegated_folder_that_is_not_carried_is_left_out() -> None:
    repository = founded()
    del repository.files[f"1.{REGISTRY}.json"]
    assert set(walk(repository).targets) == {"trusted_root.json"}


@pytest.mark.parametrize(
    ("name", "due"),
    [(f"1.{REGISTRY}.json", "trust.threshold"), ("keys.json", "trust.tuf-digest")],
)
def test_keys_of_a_delegated_folder_that_do_not_verify_are_not_left_out(
    name: str, due: str
) -> None:
    """What is there and forged is no folder that was not carried."""
    repository = founded()
    (path,) = [path for path in repository.files if path.endswith(name)]
    if name == "keys.json":
        repository.files[path] = b'{"keys":["mallory\'s"]}'[: len(KEYS)]
    else:
        forged = Metadata[Targets].from_bytes(repository.files[path])
        forged.signatures.clear()
        repository.files[path] = repository.sign(forged, ["mallory"])
    assert code(repository) == due


def test_r005_expiry_is_told_and_refuses_nothing(repository: Repository) -> None:
    # The repository is of 2025, and this test runs later.
    found = walk(repository)
    assert found.timestamp.expires < found.root.expires


def test_it_is_valid_until_the_first_of_its_files_expires(repository: Repository) -> None:
    assert walk(repository).valid_until == walk(repository).timestamp.expires
    repository.refresh(timedelta(days=36500))
    assert walk(repository).valid_until < walk(repository).timestamp.expires


@pytest.mark.parametrize("first", ["root", "timestamp", "snapshot", "top_targets"])
def test_nobody_vouches_longer_than_any_of_the_four_does(first: str) -> None:
    """A frozen host cannot be kept content by the files whose keys an attacker holds."""
    found = walk(founded())
    later = found.root.expires + timedelta(days=36500)
    lasting = {
        name: replace(getattr(found, name), expires=later)
        for name in ("timestamp", "snapshot", "top_targets")
    }
    roots = (replace(found.root, expires=later),)
    found = replace(found, roots=roots, **lasting)
    ends = replace(getattr(found, first), expires=later - timedelta(days=1))
    ending = {"roots": (ends,)} if first == "root" else {first: ends}
    assert replace(found, **ending).valid_until == ends.expires


def test_what_is_returned_does_not_hang_on_how_often_it_was_signed(repository: Repository) -> None:
    first = walk(repository)
    root = Metadata[Root].from_bytes(repository.files["1.root.json"])
    again = repository.sign(root, repository.signers)  # by all of them
    assert again != repository.files["1.root.json"]
    assert walk(repository, again).roots == first.roots


def test_a_rotation_of_the_online_key_shows(repository: Repository) -> None:
    before = walk(repository).online_keys
    repository.rotate()
    repository.publish()
    assert walk(repository).online_keys == before
    repository.rotate(online="online-2")
    repository.publish()
    assert walk(repository).online_keys != before


# ---- roots -------------------------------------------------------------------


def test_r003_a_root_that_the_one_before_did_not_sign_is_refused(repository: Repository) -> None:
    root = repository.next_root()
    raw = repository.sign(Metadata(root), repository.signers[:2])
    repository.files["2.root.json"] = raw
    assert code(repository) == "trust.root-signatures"


def test_r003_a_root_that_only_the_one_before_signed_is_refused(repository: Repository) -> None:
    before = list(repository.signers)
    repository.signers = [f"mallory-{n}" for n in range(len(before))]
    root = repository.next_root()
    repository.files["2.root.json"] = repository.sign(Metadata(root), before[:3])
    assert code(repository) == "trust.root-signatures"


def test_r003_a_root_under_the_next_number_that_is_another_is_refused(
    repository: Repository,
) -> None:
    repository.rotate()
    third = repository.rotate()
    repository.files["2.root.json"] = third
    assert code(repository) == "trust.root-version"


def test_r003_the_pinned_root_offered_as_the_next_is_refused(repository: Repository) -> None:
    repository.files["2.root.json"] = repository.files["1.root.json"]
    assert code(repository) == "trust.root-version"


def test_r003_a_root_that_is_left_out_is_missed(repository: Repository) -> None:
    for _ in range(3):
        repository.rotate()
    del repository.files["3.root.json"]
    assert code(repository) == "trust.root-gap"


def test_r003_a_chain_from_another_root_is_refused(repository: Repository) -> None:
    mallory = founded(seed="mallory")
    mallory.rotate()
    mallory.publish()
    pinned = repository.files["1.root.json"]
    assert code(mallory, pinned) == "trust.root-fork"
    del mallory.files["1.root.json"]
    assert code(mallory, pinned) == "trust.root-signatures"


def test_r003_metadata_of_another_chain_under_the_pinned_root_is_refused(
    repository: Repository,
) -> None:
    mallory = founded(seed="mallory")
    del mallory.files["1.root.json"]
    assert code(mallory, repository.files["1.root.json"]) == "trust.threshold"


def test_a_forked_root_under_the_pinned_version_is_refused(repository: Repository) -> None:
    twin = founded("public-good" if repository.shape.delegates else "github")
    twin.rotate(change=lambda root: root.unrecognized_fields.update(fork=1))
    repository.rotate()
    assert code(twin, repository.files["2.root.json"]) == "trust.root-fork"


def test_a_chain_that_ends_before_the_pinned_root_is_older(repository: Repository) -> None:
    old = Held(repository.copy())
    repository.rotate()
    with pytest.raises(AnchorError) as caught:
        tuf_chain.walk("acme", repository.files["2.root.json"], old)
    assert caught.value.code == "trust.older-chain"


def test_a_pinned_root_that_is_none_is_refused(repository: Repository) -> None:
    assert code(repository, b"{}") == "trust.tuf-malformed"
    assert code(repository, repository.files["timestamp.json"]) == "trust.tuf-malformed"


def test_r009_a_pinned_root_that_was_changed_is_refused(repository: Repository) -> None:
    def weaken(document: dict[str, Any]) -> None:
        document["signed"]["roles"]["root"]["threshold"] = 2

    raw = changed(repository.files["1.root.json"], weaken)
    assert code(repository, raw) == "trust.root-signatures"


# ---- mixed and rolled back within one pack -----------------------------------


def test_r004_a_timestamp_of_before_with_a_snapshot_of_later_is_refused(
    repository: Repository,
) -> None:
    frozen = repository.files["timestamp.json"]
    repository.publish()
    del repository.files["1.snapshot.json"]
    repository.files["timestamp.json"] = frozen
    assert code(repository) == "trust.incomplete"


def test_r004_a_snapshot_of_before_under_the_name_of_a_later_one_is_refused(
    repository: Repository,
) -> None:
    repository.publish()
    repository.files["2.snapshot.json"] = repository.files["1.snapshot.json"]
    due = "trust.tuf-digest" if repository.shape.describes else "trust.mixed"
    assert code(repository) == due


def test_r004_targets_of_before_under_the_name_of_later_ones_are_refused(
    repository: Repository,
) -> None:
    repository.publish()
    repository.files["2.targets.json"] = repository.files["1.targets.json"]
    due = "trust.tuf-digest" if repository.shape.describes else "trust.mixed"
    assert code(repository) == due


def test_a_version_that_nobody_has_counted_to_is_a_fast_forward(repository: Repository) -> None:
    repository.refresh(version=2**31)
    assert code(repository) == "trust.fast-forward"


@pytest.mark.parametrize(
    "name", ["timestamp.json", "1.snapshot.json", "1.targets.json", "targets/"]
)
def test_a_file_that_is_missing_is_named(repository: Repository, name: str) -> None:
    for held in [held for held in repository.files if held.startswith(name)]:
        del repository.files[held]
    assert code(repository) == "trust.incomplete"


@pytest.mark.parametrize("name", ["timestamp.json", "1.snapshot.json", "1.targets.json"])
def test_a_file_that_was_changed_is_refused(repository: Repository, name: str) -> None:
    def later(document: dict[str, Any]) -> None:
        document["signed"]["expires"] = "2099-01-01T00:00:00Z"

    repository.files[name] = changed(repository.files[name], later)
    described = repository.shape.describes and name != "timestamp.json"
    assert code(repository) == ("trust.tuf-digest" if described else "trust.threshold")


# ---- thresholds over distinct keys -------------------------------------------


def test_r007_one_key_under_two_ids_counts_once() -> None:
    repository = founded()
    second = "0" * 64

    def twice(root: Root) -> None:
        key = repository.public("mallory")
        root.keys[key.keyid] = key
        root.keys[second] = key
        root.roles["timestamp"].keyids = [key.keyid, second]
        root.roles["timestamp"].threshold = 2

    repository.rotate(change=twice)
    timestamp = Metadata[Any].from_bytes(repository.files["timestamp.json"])
    timestamp.signatures.clear()
    repository.sign(timestamp, ["mallory"])
    raw = repository.sign(timestamp, ["mallory"], {"mallory": second})
    repository.files["timestamp.json"] = raw
    root = Metadata[Root].from_bytes(repository.files["2.root.json"])
    root.verify_delegate("timestamp", timestamp)  # python-tuf's weakness, still there
    assert code(repository) == "trust.threshold"


def test_r007_one_signature_twice_is_malformed() -> None:
    def repeat(document: dict[str, Any]) -> None:
        document["signatures"] *= 2

    repository = founded()
    raw = changed(repository.files["timestamp.json"], repeat)
    repository.files["timestamp.json"] = raw
    assert code(repository) == "trust.tuf-malformed"


def test_r007_two_of_three_signatures_are_too_few() -> None:
    repository = founded()
    repository.publish(by=repository.signers[:2])
    assert code(repository) == "trust.threshold"


def test_r007_a_threshold_of_zero_is_malformed() -> None:
    def zero(document: dict[str, Any]) -> None:
        document["signed"]["roles"]["timestamp"]["threshold"] = 0

    repository = founded()
    pinned = changed(repository.files["1.root.json"], zero)
    assert code(repository, pinned) == "trust.tuf-malformed"


def test_r007_a_key_id_that_is_not_the_digest_of_its_key_is_remarked_on() -> None:
    # Sigstore's own root 11 has one. It makes nothing weaker: keys are counted.
    repository = founded()

    def rename(root: Root) -> None:
        key = repository.public(repository.online)
        root.keys["f" * 64] = root.keys.pop(key.keyid)
        for role in ("timestamp", "snapshot"):
            root.roles[role].keyids = ["f" * 64]

    repository.rotate(change=rename)
    for name in ("timestamp.json", "1.snapshot.json"):
        metadata = Metadata[Any].from_bytes(repository.files[name])
        metadata.signatures.clear()
        raw = repository.sign(metadata, [repository.online], {repository.online: "f" * 64})
        repository.files[name] = raw
    assert [remark.code for remark in walk(repository).remarks] == ["trust.key-id"]


# ---- delegations -------------------------------------------------------------


def delegating(
    repository: Repository, roles: list[DelegatedRole], names: list[str], **files: Targets
) -> None:
    """Let targets delegate to ``roles``, keyed by ``names``, with what each role signs."""

    def change(targets: Targets) -> None:
        targets.targets.pop("trusted_root.json", None)
        held: dict[str, Key] = {key.keyid: key for key in map(repository.public, names)}
        targets.delegations = Delegations(held, {role.name: role for role in roles})

    repository.publish(change=change)
    described = {"targets.json": MetaFile(2)}
    for role, targets in files.items():
        repository.files[f"{targets.version}.{role}.json"] = repository.sign(
            Metadata(targets), [role]
        )
        described[f"{role}.json"] = MetaFile(targets.version)
    repository.resign(described)


def role(
    repository: Repository, name: str, *paths: str, terminating: bool = False
) -> DelegatedRole:
    """Return a delegation to the key of the role's own name."""
    return DelegatedRole(name, [repository.public(name).keyid], 1, terminating, list(paths))


def signing(repository: Repository, **targets: bytes) -> Targets:
    """Return targets of a role; ``trusted_root`` stands for the file of that name."""
    return Targets(
        version=1,
        targets={f"{k}.json": repository._file(f"{k}.json", v) for k, v in targets.items()},
    )


def test_r008_a_delegated_role_may_give_the_target() -> None:
    repository = founded("github")
    delegating(
        repository,
        [role(repository, "one", "*.json")],
        ["one"],
        one=signing(repository, trusted_root=b"by one"),
    )
    assert walk(repository).targets["trusted_root.json"] == b"by one"


def test_r008_the_first_role_of_two_that_overlap_decides() -> None:
    repository = founded("github")
    delegating(
        repository,
        [role(repository, "one", "trusted_root.json"), role(repository, "two", "*")],
        ["one", "two"],
        one=signing(repository, trusted_root=b"by one"),
        two=signing(repository, trusted_root=b"by two"),
    )
    assert walk(repository).targets["trusted_root.json"] == b"by one"


def test_r008_after_a_terminating_role_nobody_is_asked() -> None:
    repository = founded("github")
    delegating(
        repository,
        [role(repository, "one", "*", terminating=True), role(repository, "two", "*")],
        ["one", "two"],
        one=signing(repository),
        two=signing(repository, trusted_root=b"by two"),
    )
    assert code(repository) == "trust.no-target"


def test_r008_a_terminating_role_below_another_ends_the_search_of_those_above() -> None:
    """`two` may not give what `inner`, asked before it, was to have the last word on."""
    repository = founded("github")
    one = signing(repository)
    key = repository.public("inner")
    inner = role(repository, "inner", "*", terminating=True)
    one.delegations = Delegations({key.keyid: key}, {"inner": inner})
    delegating(
        repository,
        [role(repository, "one", "*"), role(repository, "two", "*")],
        ["one", "two"],
        one=one,
        inner=signing(repository),
        two=signing(repository, trusted_root=b"by two"),
    )
    assert code(repository) == "trust.no-target"


def test_r008_a_role_outside_its_paths_is_not_asked() -> None:
    repository = founded("github")
    delegating(
        repository,
        [role(repository, "one", "other/*", "trusted_root.jsonx")],
        ["one"],
        one=signing(repository, trusted_root=b"by one"),
    )
    assert code(repository) == "trust.no-target"


def test_r008_a_role_is_held_against_the_delegator_at_hand() -> None:
    repository = founded("github")
    inner = signing(repository)
    mallory = repository.public("mallory")
    inner.delegations = Delegations(
        {mallory.keyid: mallory},
        {"two": DelegatedRole("two", [mallory.keyid], 1, False, paths=["*"])},
    )
    delegating(
        repository,
        [role(repository, "one", "*"), role(repository, "two", "other/*")],
        ["one", "two"],
        one=inner,
        two=signing(repository, trusted_root=b"by two"),
    )
    # `two` signs with its own key, for which `one`, through which it is reached, does not vouch.
    assert code(repository) == "trust.threshold"


def test_r008_delegations_in_a_circle_end() -> None:
    repository = founded("github")
    one, two = signing(repository), signing(repository)
    for targets, other in ((one, "two"), (two, "one")):
        key = repository.public(other)
        targets.delegations = Delegations({key.keyid: key}, {other: role(repository, other, "*")})
    delegating(repository, [role(repository, "one", "*")], ["one"], one=one, two=two)
    assert code(repository) == "trust.no-target"


def test_r008_a_bin_of_succinct_roles_may_give_the_target() -> None:
    repository = founded("github")
    key = repository.public("bins")
    bins = SuccinctRoles([key.keyid], 1, 1, "bin")
    name = bins.get_role_for_target("trusted_root.json")
    other = ({"bin-0", "bin-1"} - {name}).pop()

    def change(targets: Targets) -> None:
        del targets.targets["trusted_root.json"]
        targets.delegations = Delegations({key.keyid: key}, None, bins)

    for asked, outcome in ((name, b"by its bin"), (other, None)):
        repository.publish(change=change)
        targets = signing(repository, trusted_root=b"by its bin")
        empty = {f"{n}.json": MetaFile(1) for n in (name, other)}
        for n in (name, other):
            held = targets if n == asked else signing(repository)
            repository.files[f"1.{n}.json"] = repository.sign(Metadata(held), ["bins"])
        version = max(int(n.split(".")[0]) for n in repository.files if n.endswith(".targets.json"))
        repository.resign({"targets.json": MetaFile(version), **empty})
        if outcome is None:
            assert code(repository) == "trust.no-target"
        else:
            assert walk(repository).targets["trusted_root.json"] == outcome


# ---- malformed ---------------------------------------------------------------


@pytest.mark.parametrize("value", [True, 1.0, "1", None, 0, -1, [], {}])
@pytest.mark.parametrize("name", ["2.root.json", "timestamp.json", "2.snapshot.json"])
def test_r010_a_version_of_another_type_is_malformed(name: str, value: object) -> None:
    repository = founded()
    repository.rotate()
    repository.publish()

    def change(document: dict[str, Any]) -> None:
        document["signed"]["version"] = value

    repository.files[name] = changed(repository.files[name], change)
    assert code(repository) == "trust.tuf-malformed"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"signed": null, "signatures": []}',
        b'{"signed": {"_type": "timestamp"}, "signatures": []}',
        b"\xef\xbb\xbf{}",
        b"[" * 5000,
    ],
)
def test_r010_what_is_no_metadata_is_malformed(raw: bytes) -> None:
    repository = founded()
    repository.files["timestamp.json"] = raw
    assert code(repository) == "trust.tuf-malformed"


def test_r010_two_equal_keys_are_malformed() -> None:
    repository = founded()
    raw = repository.files["timestamp.json"]
    repository.files["timestamp.json"] = raw.replace(b'"version":', b'"version":9,"version":', 1)
    assert code(repository) == "trust.tuf-malformed"


def test_r022_a_root_of_before_2023_is_refused_with_the_reason() -> None:
    repository = founded()

    def fraction(document: dict[str, Any]) -> None:
        document["signed"]["expires"] = "2022-05-11T19:09:02.663975009Z"

    raw = changed(repository.files["1.root.json"], fraction)
    with pytest.raises(AnchorError, match="not as TUF writes it"):
        walk(repository, raw)


# ---- targets -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("hashes", "due"),
    [
        ({}, "trust.tuf-malformed"),
        ({"sha1": "0" * 40}, "trust.weak-target"),
        ({"md5": "0" * 32, "sha1": "0" * 40}, "trust.weak-target"),
        ({"sha256": "../../x"}, "trust.weak-target"),
        ({"sha256": "0" * 64, "shake_128": "0"}, "trust.tuf-digest"),
        ({"sha256": "0" * 64, "no-such-thing": "0"}, "trust.tuf-digest"),
        ({"sha256": 5}, "trust.tuf-malformed"),
    ],
)
def test_r011_a_target_without_a_strong_digest_is_refused(hashes: dict[str, Any], due: str) -> None:
    assert code(_with_target(lambda item: item.update(hashes=hashes))) == due


@pytest.mark.parametrize("length", [None, True, 1.0, -1, "1"])
def test_r011_a_target_without_a_length_is_refused(length: object) -> None:
    def change(item: dict[str, Any]) -> None:
        del item["length"]
        if length is not None:
            item["length"] = length

    assert code(_with_target(change)) == "trust.tuf-malformed"


def _with_target(change: Callable[[dict[str, Any]], None]) -> Repository:
    """Return a repository whose signers signed an odd description of the trusted root."""
    repository = founded()
    document = json.loads(repository.files["1.targets.json"])
    change(document["signed"]["targets"]["trusted_root.json"])
    try:
        payload = str(encode_canonical(document["signed"])).encode()
    except Exception:  # noqa: BLE001 - canonical JSON has no fractions: signed or not, it is refused
        payload = b""
    document["signatures"] = [
        {
            "keyid": repository.public(name).keyid,
            "sig": keys.sign(repository.private(name), payload).hex(),
        }
        for name in repository.signers[:3]
    ]
    repository.files["1.targets.json"] = json.dumps(document).encode()
    name = next(n for n in repository.files if n.endswith(".trusted_root.json"))
    folder, _, _ = name.rpartition("/")
    repository.files[f"{folder}/{'0' * 64}.trusted_root.json"] = TRUSTED
    return repository


def test_r011_a_target_that_is_not_as_listed_is_refused(repository: Repository) -> None:
    name = next(n for n in repository.files if n.endswith(".trusted_root.json"))
    for forged in (b'{"newest": "forged  root"}', TRUSTED[:-1], TRUSTED + b"\n"):
        repository.files[name] = forged
        assert code(repository) == "trust.tuf-digest"


def test_a_target_over_the_limit_is_not_read() -> None:
    repository = Repository("acme", {"trusted_root.json": bytes(5 << 20)})
    assert code(repository) == "trust.limit"


# ---- names and limits -------------------------------------------------


@pytest.mark.parametrize("name", ["../x", "a/b", "a%2fb", "x\0y", "x" * 200, ".x", "-x", "x."])
def test_r020_a_role_whose_name_is_no_file_name_is_refused(name: str) -> None:
    repository = founded("github")
    delegating(repository, [role(repository, name, "*")], [name])
    assert code(repository) == "trust.role-name"


def test_r021_257_rotations_are_too_many() -> None:
    repository = founded("github")
    for _ in range(256):
        repository.rotate()
    repository.publish()
    assert walk(repository).root.version == 257
    repository.rotate()
    assert code(repository) == "trust.limit"
    assert walk(repository, repository.files["2.root.json"]).root.version == 258


def test_r021_a_root_over_its_size_is_malformed(repository: Repository) -> None:
    repository.rotate()
    repository.files["2.root.json"] += b" " * 512_000
    assert code(repository) == "trust.tuf-malformed"


def test_r021_33_delegations_are_too_many() -> None:
    for number, due in ((32, "trust.no-target"), (33, "trust.limit")):
        repository = founded("github")
        names = [f"r{n}" for n in range(number)]
        delegating(
            repository,
            [role(repository, name, "*") for name in names],
            names,
            **{name: signing(repository) for name in names},
        )
        assert code(repository) == due


def test_two_repositories_of_one_seed_are_equal() -> None:
    first, second = founded(), founded()
    for repository in (first, second):
        repository.rotate(retire="person-0")
        repository.put("trusted_root.json", b"x")
    assert first.files == second.files


def test_a_snapshot_is_of_the_same_time_as_its_timestamp() -> None:
    # A snapshot that the timestamp does not name, though the online key signed it.
    repository = founded()
    stale = repository.files["1.snapshot.json"]
    repository.publish()
    snapshot = Metadata[Snapshot].from_bytes(stale)
    snapshot.signed.version = 3
    snapshot.signatures.clear()
    repository.files["2.snapshot.json"] = repository.sign(snapshot, [repository.online])
    assert code(repository) == "trust.mixed"
