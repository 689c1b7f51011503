"""Who may do what: the state at each place, and who keys are wrapped to. Single faults are vectors."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.crypto import keys, public_keys, wrapping
from custody.errors import CheckFailed, FormatError
from custody.format import entry as entries
from custody.format import kinds
from custody.format.text import to_base64
from custody.verify.rights import ALL_CLASSES, Custodian, Grant, Rights
from tests.make_vectors import (
    ADMIN,
    CASE,
    COLLECTOR,
    ITEM,
    LEDGER,
    LOG_KEYS,
    NEXT_LEDGER,
    NEXT_ORIGIN,
    ORIGIN,
    OTHER_CASE,
    SECOND,
    STRANGER,
    WALL,
    begun,
    drawn,
    uuid7,
)


def after(record, rights=None):
    rights = rights or Rights()
    for stored in record.stored:
        entry, _ = entries.read(stored, where="x")
        entry.check_kind(where="x")
        assert rights.why_not(entry) is None
        rights.apply(entry)
    return rights


def grant(record, key, rights, classes=("object", "record"), *, kind="access.granted", case=CASE):
    public = {"key_id": key.key_id, "rights": list(rights), "classes": list(classes)}
    record.add(kind, "case", case, case=case, public=public)


def test_the_genesis_says_all_that_a_verifier_needs():
    rights = after(begun())
    assert (rights.origin, rights.ledger, rights.recovery) == (ORIGIN, LEDGER, "none")
    assert rights.log_keys == LOG_KEYS.public
    assert rights.custodians[ADMIN.key_id].rights == {"admin", "seal", "collect", "audit"}


def test_the_opener_has_all_in_his_case_and_nothing_in_another():
    record = begun()
    record.custodian(SECOND, ["collect"])
    record.case(OTHER_CASE, SECOND)
    rights = after(record)
    assert rights.grant(ADMIN.key_id, CASE) == Grant(frozenset(kinds.CASE_RIGHTS), ALL_CLASSES)
    assert rights.grant(ADMIN.key_id, OTHER_CASE) == Grant(frozenset({"collect"}), frozenset())
    assert not rights.holds(ADMIN.key_id, "read", OTHER_CASE)
    assert rights.holds(SECOND.key_id, "read", OTHER_CASE)
    assert not rights.holds(SECOND.key_id, "read", CASE)


def test_ledger_wide_collect_writes_anywhere_and_reads_nowhere():
    record = begun()
    record.custodian(COLLECTOR, ["collect"])
    rights = after(record)
    assert rights.holds(COLLECTOR.key_id, "collect", CASE)
    for right in ("read", "export", "transfer", "dispose", "admin", "seal"):
        assert not rights.holds(COLLECTOR.key_id, right, CASE)


def test_all_cases_is_every_class_of_every_case():
    record = begun()
    record.custodian(SECOND, ["read", "seal"], all_cases=True)
    rights = after(record)
    for case in (CASE, OTHER_CASE, "a case to come"):
        assert rights.grant(SECOND.key_id, case) == Grant(frozenset({"read"}), ALL_CLASSES)


WORDS = st.lists(st.sampled_from(kinds.CASE_RIGHTS), min_size=1, max_size=5, unique=True)
CLASSES = st.lists(st.sampled_from(kinds.CLASSES), max_size=4, unique=True)


@given(st.lists(st.tuples(st.booleans(), WORDS, CLASSES), max_size=6))
@settings(max_examples=25)
def test_grants_and_revocations_are_sets(steps):
    record = begun()
    record.custodian(SECOND, [])
    rights_, classes = set(), set()
    for given_, words, names in steps:
        grant(record, SECOND, words, names, kind="access.granted" if given_ else "access.revoked")
        rights_ = rights_ | set(words) if given_ else rights_ - set(words)
        classes = classes | set(names) if given_ else classes - set(names)
    assert after(record).grant(SECOND.key_id, CASE) == Grant(frozenset(rights_), frozenset(classes))


def test_a_retired_key_has_no_say_and_a_compromised_one_is_told():
    record = begun()
    for key in (SECOND, STRANGER):
        record.custodian(key, ["admin", "seal"])
    record.add("custodian.retired", "ledger", LEDGER, public={"key_id": SECOND.key_id})
    record.add(
        "custodian.compromised",
        "ledger",
        LEDGER,
        key=STRANGER,
        public={"key_id": STRANGER.key_id, "since": WALL},
    )
    rights = after(record)
    assert not rights.custodians[SECOND.key_id].in_force
    assert rights.custodians[STRANGER.key_id].compromised_since == WALL
    body = record.body("custodian.added", "ledger", LEDGER, key=STRANGER)
    del body["v"]
    entry = entries.Entry(
        **{
            **body,
            "subject": entries.Subject(**body["subject"]),
            "time": entries.Time(**body["time"]),
        }
    )
    # Not refused by rights: whether it counts is a question of time, which tokens answer (rights.md).
    assert rights.why_not(entry) is None


def custodian(name, rights, **change):
    raw = drawn(name)
    fields = {
        "key_id": raw.hex(),
        "sign_key": raw,
        "wrap_key": bytes(wrapping.WRAP_KEY_BYTES),
        "rights": frozenset(rights),
        "all_cases": False,
        "unattended": False,
        "recovery": False,
        "added": 1,
    }
    return Custodian(**{**fields, **change})


def test_who_keys_are_wrapped_to():
    people = {
        "admin": custodian("admin", ["admin"]),
        "sealer": custodian("sealer", ["seal"]),
        "sheet": custodian("sheet", ["read", "seal"], all_cases=True, recovery=True),
        "reader": custodian("reader", []),
        "exporter": custodian("exporter", []),
        "collector": custodian("collector", ["collect"], wrap_key=None),
        "writer": custodian("writer", ["collect"]),
        "retired": custodian("retired", ["admin", "seal", "read"], all_cases=True, retired=9),
        "stolen": custodian("stolen", ["admin", "seal", "read"], all_cases=True, compromised_since=WALL),
    }
    ids = {name: person.key_id for name, person in people.items()}
    rights = Rights(custodians={person.key_id: person for person in people.values()})
    rights.cases["case"] = {
        ids["reader"]: Grant(frozenset({"read"}), frozenset({"record"})),
        ids["exporter"]: Grant(frozenset({"export"}), frozenset({"object", "record"})),
        ids["writer"]: Grant(frozenset({"collect"}), frozenset({"record"})),
        ids["retired"]: Grant(frozenset({"read"}), ALL_CLASSES),
    }

    def names(found):
        return {name for name, person in people.items() if person in found}

    readers = {person.key_id: classes for person, classes in rights.readers("case")}
    assert readers == {
        ids["sheet"]: ALL_CLASSES,
        ids["reader"]: {"record"},
        ids["exporter"]: {"object", "record"},
    }
    assert names(rights.roster_readers()) == {"admin", "sheet", "exporter"}
    assert names(rights.sealers()) == {"sealer", "sheet"}
    opener = [person for person, _ in rights.readers("new", opener=ids["writer"])]
    assert names(opener) == {"sheet", "writer"}


@pytest.mark.parametrize("right", [*kinds.ALL_RIGHTS, "any"])
def test_a_stranger_holds_nothing(right):
    rights = after(begun())
    assert not rights.holds(STRANGER.key_id, right, CASE)
    assert rights.grant(STRANGER.key_id, CASE) == Grant()


def test_each_closed_volume_is_kept_as_it_stood():
    old = begun()
    old.custodian(SECOND, ["read", "seal"], all_cases=True, recovery=True)
    record = old.go_on(SECOND, ["admin", "collect"])
    record.custodian(STRANGER, ["admin"], by=SECOND)
    third = record.go_on(STRANGER, [], origin="custody/" + "c" * 26, ledger=uuid7("third ledger"))
    rights = after(third, after(record, after(old)))
    first, second = rights.before
    assert (first.origin, first.ledger, first.log_keys) == (ORIGIN, LEDGER, LOG_KEYS.public)
    assert (first.base, first.size) == (0, len(old.stored))
    assert (second.origin, second.ledger) == (NEXT_ORIGIN, NEXT_LEDGER)
    assert (second.base, second.size) == (len(old.stored), len(record.stored))
    assert second.log_keys not in ({}, LOG_KEYS.public)
    assert rights.base == len(old.stored) + len(record.stored)
    assert rights.custodians[STRANGER.key_id].added == len(old.stored) + 1
    # What its maker had stays his, and what the new volume gives him comes on top.
    assert rights.custodians[SECOND.key_id].rights == {"read", "seal", "admin", "collect"}


def test_all_cases_without_read_or_export_opens_no_names():
    people = {
        right: custodian(right, [right], all_cases=True) for right in ("read", "export", "audit", "collect")
    }
    rights = Rights(custodians={person.key_id: person for person in people.values()})
    assert rights.roster_readers() == [people["read"], people["export"]]


def test_policies_and_closed_cases_are_part_of_the_state():
    record = begun()
    named = [{"url": "https://tsa.example", "roots": ["0" * 64], "policies": ["1.2.3"]}]
    record.add("policy.set", "ledger", LEDGER, public={"authorities": named, "settings": {}})
    rights = after(record)
    assert (list(rights.authorities), rights.closed) == (named, set())
    record.add("case.closed", "case", CASE, case=CASE)
    record.add("policy.set", "ledger", LEDGER, public={"authorities": [], "settings": {}})
    rights = after(record)
    assert (rights.authorities, rights.closed) == ((), {CASE})


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_reports_of_a_stolen_key_the_earlier_time_counts(turned):
    """Whoever holds the stolen key could else date his own entries out of it."""
    record = begun()
    record.custodian(SECOND, ["admin"])
    times = ["2026-03-01T00:00:00.000Z", "2026-04-01T00:00:00.000Z"]
    for since in reversed(times) if turned else times:
        public = {"key_id": SECOND.key_id, "since": since}
        record.add("custodian.compromised", "ledger", LEDGER, public=public)
    assert after(record).custodians[SECOND.key_id].compromised_since == times[0]


def entry_of(body):
    body = {name: value for name, value in body.items() if name != "v"}
    entry = entries.Entry(
        **{**body, "subject": entries.Subject(**body["subject"]), "time": entries.Time(**body["time"])}
    )
    entry.check_kind(where="x")
    return entry


def test_who_may_export_writes_a_package_again_and_reads_nothing_by_it():
    record = begun()
    record.item()
    for key, right in ((SECOND, "export"), (COLLECTOR, "read")):
        record.custodian(key, [])
        grant(record, key, [right])
    rights = after(record)

    def why_not(key, what, *, consulted=False):
        public = {"what": what, "result": "opened"}
        public |= {"exhibits": []} if consulted else {"copy": False, "purpose": "disclosure"}
        about = ("case.consulted", "case", CASE) if consulted else ("item.accessed", "item", ITEM)
        return rights.why_not(entry_of(record.body(*about, key=key, case=CASE, public=public)))

    assert why_not(SECOND, "package") is None
    assert why_not(SECOND, "export", consulted=True) is None
    assert why_not(SECOND, "content") == "the key has no right to read"
    assert why_not(SECOND, "names", consulted=True) == "the key has no right to read"
    assert why_not(COLLECTOR, "package") == "the key has no right to export"
    assert why_not(COLLECTOR, "export", consulted=True) == "the key has no right to export"
    assert why_not(COLLECTOR, "content") is None
    assert why_not(COLLECTOR, "names", consulted=True) is None


WRAP_KEY = wrapping.wrap_key_of(drawn("a wrap seed", 96))


def with_wrap_key(key, wrap_seed=None):
    """Public part and approval of a `custodian.added` whose key has a wrapping key too."""
    wrap = None if wrap_seed is None else wrapping.wrap_key_of(wrap_seed)
    made = public_keys.make(keys.CustodianKeys(key, wrap_seed), WALL).to_value()
    return to_base64(key.public), None if wrap is None else to_base64(wrap), made


def added(record, key, wrap_key, approval):
    public = {
        "sign_key": to_base64(key.public), "wrap_key": wrap_key, "rights": ["admin"],
        "all_cases": False, "unattended": False, "recovery": False,
    }  # fmt: skip
    record.add("custodian.added", "ledger", LEDGER, public=public, parts=("identity",), approvals=[approval])


def test_a_wrapping_key_is_its_owner_s_own_word():
    seed = drawn("a wrap seed", 96)
    _, own, approval = with_wrap_key(SECOND, seed)
    _, none, bare = with_wrap_key(SECOND)
    other = to_base64(wrapping.wrap_key_of(drawn("another wrap seed", 96)))
    record = begun()
    added(record, SECOND, own, approval)
    assert after(record).custodians[SECOND.key_id].wrap_key == WRAP_KEY
    for said, proof in ((other, approval), (none, approval), (own, bare)):
        record = begun()
        added(record, SECOND, said, proof)
        with pytest.raises(CheckFailed, match="names another wrapping key"):
            after(record)
    record = begun()
    added(record, SECOND, to_base64(bytes(wrapping.WRAP_KEY_BYTES - 1)), approval)
    with pytest.raises(FormatError, match="not a wrapping key"):
        after(record)


def test_who_goes_on_in_a_new_volume_keeps_his_wrapping_key():
    """A volume can't be begun under a key of somebody else, to whom all that follows would be wrapped."""
    seed = drawn("a wrap seed", 96)
    _, own, approval = with_wrap_key(SECOND, seed)
    other_seed = drawn("another wrap seed", 96)
    _, other, other_approval = with_wrap_key(SECOND, other_seed)
    old = begun()
    added(old, SECOND, own, approval)
    before = after(old)

    def go_on(wrap_key, proof):
        record = old.go_on(SECOND, ["admin"])
        body = entries.read(record.stored[0], where="x")[0].to_value()
        body["public"]["custodian"]["wrap_key"] = wrap_key
        body["approvals"] = [proof]
        return entry_of(body)

    rights = copy.deepcopy(before)
    entry = go_on(own, approval)
    assert rights.why_not(entry) is None
    rights.apply(entry)
    assert rights.custodians[SECOND.key_id].wrap_key == WRAP_KEY
    for said, proof in ((other, other_approval), (None, approval)):
        assert "another custodian" in before.why_not(go_on(said, proof))
    with pytest.raises(CheckFailed, match="names another wrapping key"):
        before.apply(go_on(own, other_approval))


def test_what_is_about_a_ledger_never_goes_on_from_an_earlier_volume():
    old = begun()
    record = old.go_on(ADMIN, ["admin"])
    rights = after(record, after(old))
    head = old.from_(LEDGER)
    public = {"size": 1, "root": "0" * 64, "result": "passed", **head}
    body = record.body("ledger.checked", "ledger", NEXT_LEDGER, public=public)
    body["subject"] |= {"n": 0, "prev": None}
    entry = entries.Entry.from_value(body)
    assert rights.why_not(entry) == "it says that it goes on from an earlier volume, and can't"


def test_what_is_older_is_gone_on_with_once_from_a_volume_before():
    old = begun()
    record = old.go_on(ADMIN, ["admin"])
    rights = after(record, after(old))
    head = old.from_(CASE)

    def why_not(n=0, **changes):
        said = {"from": {**head["from"], **changes}}
        body = record.body("case.closed", "case", CASE, case=CASE, public=said)
        body["subject"] |= {"n": n, "prev": None if n == 0 else "0" * 64}
        return rights.why_not(entry_of(body))

    assert why_not() is None
    wrong = "it says that it goes on from an earlier volume, and can't"
    assert why_not(n=1) == wrong
    assert why_not(ledger=NEXT_ORIGIN) == wrong
    assert why_not(ledger="custody/" + "z" * 26) == wrong


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda body: None, None),
        (lambda body: body.update(seq=1), "last volume"),
        (lambda body: body["subject"].update(n=1, prev="0" * 64), "last volume"),
        (lambda body: body["public"]["predecessor"].update(origin="custody/" + "z" * 26), "last volume"),
        (lambda body: body.update(ledger=ORIGIN), "the origin of an earlier volume"),
        (lambda body: body["subject"].update(id=LEDGER), "the ledger of an earlier volume"),
        (lambda body: body["public"]["custodian"].update(sign_key="x"), "another custodian"),
        (lambda body: body.update(actor=STRANGER.key_id), "not one of this record's custodians"),
    ],
)
def test_a_volume_goes_on_from_the_last_one_and_is_a_new_one(change, reason):
    old = begun()
    rights = after(old)
    body = entries.read(old.go_on(ADMIN, ["admin"]).stored[0], where="x")[0].to_value()
    change(body)
    found = rights.why_not(entry_of(body))
    assert (found is None) is (reason is None)
    assert reason is None or reason in found


def test_a_right_to_read_that_is_good_for_no_case_opens_no_names():
    """Ledger-wide `read` counts with all_cases alone: else it is a word without a case."""
    person = custodian("reader", ["read", "export"], all_cases=False)
    rights = Rights(custodians={person.key_id: person})
    assert rights.roster_readers() == []
    assert rights.readers("case") == []
    assert not rights.holds(person.key_id, "read", "case")
