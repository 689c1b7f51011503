"""Key files: what opens them, what they remember, and that a crash or a neighbour loses nothing."""

from __future__ import annotations

import itertools
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody import machine
from custody.crypto import public_keys
from custody.crypto.keys import CustodianKeys, SignKey
from custody.errors import (
    CheckFailed,
    CustodyError,
    FormatError,
    InputRefused,
    LockerBusy,
    MachineError,
    UsageError,
    WrongPassphrase,
)
from custody.format import canonical
from custody.format.text import from_base64, to_base64
from custody.keys import keyfile
from custody.keys.keyfile import KdfParams

NOW = "2026-11-22T10:00:00.000Z"
SMALL = KdfParams(memory_kib=64, passes=1, lanes=1)
KEYS = CustodianKeys.from_recovery_seed(bytes(range(32)))
COLLECTOR = CustodianKeys(SignKey(b"\x07" * 32), None)
ORIGIN = "custody/" + "a" * 26
OTHER = "custody/" + "b" * 26
ROOT = "0" * 64
ROOT_2 = "1" * 64
PASS = b"correct horse"

posix = pytest.mark.skipif(os.name != "posix", reason="modes and links are POSIX's")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "config" / "custody" / "key"


def make(path, passphrase=PASS, keys=KEYS, **options):
    options = {"now": NOW, "random": os.urandom, "params": SMALL, **options}
    return keyfile.create(path, passphrase, keys, **options)


def files(path):
    return sorted(p.name for p in path.parent.iterdir())


def edit(path, **fields):
    value = {**json.loads(path.read_bytes()), **fields}
    path.write_bytes(canonical.encode({k: v for k, v in value.items() if v is not ...}))


# --- making and opening ----------------------------------------------------------------------------------


def test_what_is_made_opens(path):
    made = make(path)
    opened = keyfile.open_(path, PASS)
    assert opened.keys == made.keys == KEYS
    assert opened.key_id == made.key_id == KEYS.sign.key_id
    assert opened.made == NOW
    assert (opened.unattended, opened.recovery, opened.protected) == (False, False, True)
    assert keyfile.needs_passphrase(path)
    assert files(path) == ["key", "key.lock"]


def test_the_default_costs_what_the_design_says(path):
    make(path, params=keyfile.DEFAULT)
    kdf = json.loads(path.read_bytes())["kdf"]
    assert {k: kdf[k] for k in ("name", "memory_kib", "passes", "lanes")} == {
        "name": "argon2id",
        "memory_kib": 262144,
        "passes": 3,
        "lanes": 4,
    }
    assert keyfile.open_(path, PASS).keys == KEYS


@posix
def test_only_the_owner_reads_it(path):
    old = os.umask(0)
    try:
        opened = make(path)
        opened.remember(ORIGIN, 1, ROOT)
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.with_name("key.lock").stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not opened.too_open
    for mode in (0o640, 0o604, 0o644, 0o620):
        path.chmod(mode)
        assert opened.too_open
    assert keyfile.open_(path, PASS).too_open  # said, not refused


def test_no_secret_stands_in_the_file_or_in_repr(path):
    opened = make(path)
    data = path.read_bytes()
    for secret in (KEYS.sign.seed, KEYS.wrap_seed, PASS):
        assert secret not in data
        assert to_base64(secret).rstrip("=").encode() not in data
    assert to_base64(KEYS.sign.seed)[:-2] not in repr(opened) + repr(opened._inside) + repr(opened._lock)
    assert repr(KEYS.sign.seed) not in repr(opened._inside)
    assert repr(opened._lock.key) not in repr(opened._lock)


@pytest.mark.parametrize("before", ["file", "link to nowhere"])
def test_a_file_that_is_there_is_kept(path, before):
    path.parent.mkdir(parents=True)
    if before == "file":
        path.write_bytes(b"precious")
    else:
        path.symlink_to(path.with_name("elsewhere"))
        path.with_name("elsewhere").write_bytes(b"precious")
    with pytest.raises(InputRefused, match="there is a file already"):
        make(path)
    assert path.read_bytes() == b"precious"


def test_a_file_that_comes_while_we_write_is_kept(path, monkeypatch):
    path.parent.mkdir(parents=True)
    path.write_bytes(b"precious")
    monkeypatch.setattr(os.path, "lexists", lambda _: False)
    with pytest.raises(InputRefused, match="there is a file already"):
        make(path)
    assert path.read_bytes() == b"precious"
    assert files(path) == ["key", "key.lock"]


@pytest.mark.parametrize("there", [False, True])
def test_without_hard_links_the_same_holds(path, monkeypatch, there):
    def refuse(*_):
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    if there:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"precious")
        with pytest.raises(InputRefused):
            keyfile.write_new(path, b"new")
        assert path.read_bytes() == b"precious"
    else:
        make(path)
        assert keyfile.open_(path, PASS).keys == KEYS
        assert files(path) == ["key", "key.lock"]


def test_a_wrong_passphrase_is_one_line_and_a_hint(path):
    make(path)
    for wrong in (b"wrong", PASS + b"\n", b"Correct horse"):
        with pytest.raises(WrongPassphrase) as caught:
            keyfile.open_(path, wrong)
        assert caught.value.exit_code == 12
        assert "\n" not in caught.value.message
        assert caught.value.hint
    with pytest.raises(WrongPassphrase, match="needs its passphrase"):
        keyfile.open_(path, None)
    with pytest.raises(InputRefused, match="empty"):
        keyfile.open_(path, b"")


def test_a_missing_file_says_how_to_make_one(path):
    for use in (lambda: keyfile.open_(path, PASS), lambda: keyfile.needs_passphrase(path)):
        with pytest.raises(InputRefused) as caught:
            use()
        assert "custody custodian new" in caught.value.hint
    with pytest.raises(InputRefused):
        keyfile.open_(Path(__file__) / "key", PASS)


def test_one_passphrase_has_one_spelling(path):
    make(path, passphrase="geheimé".encode())
    assert keyfile.open_(path, "geheime\u0301".encode()).keys == KEYS
    assert keyfile.passphrase_bytes("e\u0301") == "é".encode()
    with pytest.raises(InputRefused):
        keyfile.passphrase_bytes("\ud800")


def test_a_passphrase_that_is_no_text_is_taken_as_bytes(path):
    make(path, passphrase=b"\xff\xfe\x00")
    assert keyfile.open_(path, b"\xff\xfe\x00").keys == KEYS


@pytest.mark.parametrize("passphrase", [b"", b"x" * 1025])
def test_no_passphrase_or_an_endless_one_makes_no_file(path, passphrase):
    with pytest.raises(InputRefused):
        make(path, passphrase=passphrase)
    assert not path.exists()


@posix
def test_a_link_stays_a_link(path, tmp_path):
    make(tmp_path / "real")
    path.parent.mkdir(parents=True)
    path.symlink_to(tmp_path / "real")
    keyfile.open_(path, PASS).remember(ORIGIN, 5, ROOT)
    assert path.is_symlink()
    assert keyfile.open_(tmp_path / "real", PASS).head(ORIGIN) == (5, ROOT)


def test_short_randomness_makes_no_file(path):
    with pytest.raises(MachineError):
        make(path, random=lambda count: bytes(count - 1))
    assert not path.exists()


def test_the_public_file_is_the_custodians(path):
    public, _ = public_keys.read(make(path).public_file(NOW).to_bytes(), "file")
    assert public.key_id == KEYS.sign.key_id


# --- in the clear ----------------------------------------------------------------------------------------


def test_an_unattended_collector_has_no_passphrase_and_the_file_says_so(path):
    made = make(path, passphrase=None, keys=COLLECTOR)
    assert (made.unattended, made.protected) == (True, False)
    fields = json.loads(path.read_bytes())
    assert fields["kdf"] is None
    assert "no passphrase" in fields["warning"]
    assert not keyfile.needs_passphrase(path)
    opened = keyfile.open_(path, None)
    assert opened.keys == COLLECTOR
    opened.remember(ORIGIN, 3, ROOT)
    assert keyfile.open_(path, b"ignored").head(ORIGIN) == (3, ROOT)


def test_a_key_that_opens_evidence_needs_a_passphrase(path):
    with pytest.raises(UsageError):
        make(path, passphrase=None)
    assert not path.exists()


@pytest.mark.parametrize(
    "change",
    [{"wrap": to_base64(bytes(96))}, {"unattended": False}],
    ids=["with a wrapping seed", "not a collector's"],
)
def test_a_file_in_the_clear_that_is_not_a_collectors_is_refused(path, change):
    make(path, passphrase=None, keys=COLLECTOR)
    edit(path, clear={**json.loads(path.read_bytes())["clear"], **change})
    with pytest.raises(FormatError):
        keyfile.open_(path, None)


def test_a_file_in_the_clear_that_hides_it_is_refused(path):
    make(path, passphrase=None, keys=COLLECTOR)
    edit(path, warning="all is well")
    with pytest.raises(FormatError):
        keyfile.open_(path, None)


def test_a_file_in_the_clear_can_get_a_passphrase(path):
    make(path, passphrase=None, keys=COLLECTOR).rekey(PASS, params=SMALL)
    assert keyfile.open_(path, PASS).keys == COLLECTOR
    assert to_base64(COLLECTOR.sign.seed).encode() not in path.read_bytes()


# --- hostile files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("memory_kib", 2**30),
        ("memory_kib", 1024 * 1024 + 1),
        ("memory_kib", 7),
        ("memory_kib", 0),
        ("memory_kib", True),
        ("memory_kib", "64"),
        ("memory_kib", None),
        ("passes", 11),
        ("passes", 0),
        ("passes", 2**53 - 1),
        ("lanes", 17),
        ("lanes", 0),
        ("name", "scrypt"),
        ("name", None),
        ("salt", ""),
        ("salt", to_base64(bytes(8))),
        ("salt", 5),
        ("salt", "*"),
    ],
)
def test_a_costly_or_strange_derivation_is_refused_before_it_runs(path, monkeypatch, name, value):
    make(path)
    monkeypatch.setattr(keyfile.derive, "argon2id", lambda *_, **__: pytest.fail("was run"))
    edit(path, kdf={**json.loads(path.read_bytes())["kdf"], name: value})
    with pytest.raises(FormatError):
        keyfile.open_(path, PASS)


def test_the_bounds_themselves_are_allowed():
    KdfParams(memory_kib=1024 * 1024, passes=10, lanes=16)
    KdfParams(memory_kib=8, passes=1, lanes=1)


def test_a_machine_without_the_memory_says_so(path, monkeypatch):
    make(path)

    def refuse(*_, **__):
        raise MemoryError

    monkeypatch.setattr(keyfile.derive, "argon2id", refuse)
    with pytest.raises(MachineError, match="not enough memory"):
        keyfile.open_(path, PASS)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\x00" * 100,
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n",
        b'{"v":1}',
        b'{"format":"custody key file"}',
        b'{"format":"custody key file","v":2}',
        b'{"format":"custody key file","v":"1"}',
        b'{"format":"custody key file","v":1}',
        b'{"format":"custody key file","kdf":null,"v":1}',
        b'{"clear":null,"format":"custody key file","kdf":null,"v":1,"warning":""}',
        b"[" * 100_000,
    ],
)
def test_what_is_not_a_key_file_is_refused(path, data):
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    with pytest.raises(FormatError):
        keyfile.open_(path, PASS)


def test_a_newer_file_is_called_newer(path):
    path.parent.mkdir(parents=True)
    path.write_bytes(b'{"format":"custody key file","more":[],"v":2}')
    with pytest.raises(FormatError, match="newer custody"):
        keyfile.open_(path, PASS)


def test_a_huge_file_is_not_read_whole(path):
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(FormatError, match="at most"):
        keyfile.open_(path, PASS)


@posix
def test_a_pipe_or_folder_is_refused_at_once(path):
    path.parent.mkdir(parents=True)
    with pytest.raises(InputRefused, match="folder"):
        keyfile.open_(path.parent, PASS)
    os.mkfifo(path)
    with pytest.raises(FormatError, match="regular file"):
        keyfile.open_(path, PASS)


@given(st.binary(max_size=120))
def test_any_bytes_are_refused_with_our_own_error(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any-bytes"
    path.write_bytes(data)
    with pytest.raises(FormatError):
        keyfile.open_(path, PASS)


def test_every_changed_byte_is_found(path):
    make(path)
    data = path.read_bytes()
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(CustodyError):
            keyfile.open_(path, PASS)
    path.write_bytes(data)
    assert keyfile.open_(path, PASS).keys == KEYS


def test_the_header_is_under_the_seal(path, monkeypatch):
    make(path)
    fields = json.loads(path.read_bytes())
    key = keyfile._Lock.derive(PASS, from_base64(fields["kdf"]["salt"], where="x"), SMALL).key
    # Even with the right key a header of other parameters does not open.
    monkeypatch.setattr(keyfile.derive, "argon2id", lambda *_, **__: key)
    assert keyfile.open_(path, PASS).keys == KEYS
    edit(path, kdf={**fields["kdf"], "passes": 2})
    with pytest.raises(WrongPassphrase):
        keyfile.open_(path, PASS)


INSIDE = json.loads(canonical.encode(
    keyfile._Inside(
        keys=KEYS, heads_secret=bytes(32), heads={ROOT: keyfile._Head(1, ROOT_2)}, made=NOW,
        unattended=False, recovery=False,
    ).to_value()
))  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"sign": to_base64(bytes(31))},
        {"sign": None},
        {"sign": "sécret"},
        {"wrap": to_base64(bytes(95))},
        {"heads_secret": ""},
        {"heads": []},
        {"heads": {"x": {"size": 1, "root": ROOT}}},
        {"heads": {ROOT: {"size": True, "root": ROOT}}},
        {"heads": {ROOT: {"size": 1, "root": "x"}}},
        {"heads": {ROOT: {"size": 1}}},
        {"heads": {ROOT: {"size": 1, "root": ROOT, "histories": "x"}}},
        {"heads": {ROOT: {"size": 1, "root": ROOT, "histories": None}}},
        {"heads": {ROOT: {"size": 1, "root": ROOT, "more": ROOT}}},
        {"heads": {ROOT: [1, ROOT]}},
        {"made": "yesterday"},
        {"unattended": 1},
        {"recovery": None},
        {"more": 1},
    ],
)
def test_an_inside_of_another_form_is_refused_and_not_repeated(change):
    assert keyfile._inside_from_value(INSIDE, "file").keys == KEYS
    with pytest.raises(FormatError) as caught:
        keyfile._inside_from_value({**INSIDE, **change}, "file")
    assert "sécret" not in str(caught.value)


# --- heads -----------------------------------------------------------------------------------------------


def test_the_newest_head_is_remembered(path):
    opened = make(path)
    assert opened.head(ORIGIN) is None
    opened.remember(ORIGIN, 7, ROOT)
    assert opened.head(ORIGIN) == keyfile.open_(path, PASS).head(ORIGIN) == (7, ROOT)
    assert opened.head(OTHER) is None
    opened.remember(ORIGIN, 9, ROOT_2)
    opened.remember(ORIGIN, 8, ROOT)  # the larger wins
    opened.remember(ORIGIN, 9, ROOT_2)
    assert keyfile.open_(path, PASS).head(ORIGIN) == (9, ROOT_2)


def test_another_root_of_the_same_size_is_an_alarm(path):
    opened = make(path)
    opened.remember(ORIGIN, 7, ROOT)
    data = path.read_bytes()
    with pytest.raises(CheckFailed, match="two records of the same size"):
        opened.remember(ORIGIN, 7, ROOT_2)
    assert path.read_bytes() == data
    opened.remember(OTHER, 7, ROOT_2)  # another ledger is another matter


def test_writing_again_needs_no_second_argon2id_and_takes_a_new_nonce(path, monkeypatch):
    opened = make(path)
    monkeypatch.setattr(keyfile.derive, "argon2id", lambda *_, **__: pytest.fail("was run"))
    nonces = [json.loads(path.read_bytes())["nonce"]]
    for size in range(1, 6):
        opened.remember(ORIGIN, size, ROOT)
        nonces.append(json.loads(path.read_bytes())["nonce"])
    assert len(set(nonces)) == 6
    opened.remember(ORIGIN, 5, ROOT)  # nothing new: nothing written
    assert json.loads(path.read_bytes())["nonce"] == nonces[-1]


def test_no_ledger_is_named_in_the_opened_file(path):
    opened = make(path, passphrase=None, keys=COLLECTOR)
    opened.remember(ORIGIN, 7, ROOT)
    assert ORIGIN[8:].encode() not in path.read_bytes()
    fresh = make(path.with_name("other"), passphrase=None, keys=COLLECTOR)
    fresh.remember(ORIGIN, 7, ROOT)
    assert set(opened._inside.heads) != set(fresh._inside.heads)


def test_a_head_that_is_none_is_refused(path):
    opened = make(path)
    for origin, size, root in [("x", 1, ROOT), (ORIGIN, -1, ROOT), (ORIGIN, 1, "x"), (ORIGIN, 2**53, ROOT)]:
        with pytest.raises(FormatError):
            opened.remember(origin, size, root)


def test_two_openers_lose_no_head(path):
    first, second = make(path), keyfile.open_(path, PASS)
    first.remember(ORIGIN, 10, ROOT)
    second.remember(OTHER, 20, ROOT)
    second.remember(ORIGIN, 4, ROOT_2)
    opened = keyfile.open_(path, PASS)
    assert (opened.head(ORIGIN), opened.head(OTHER)) == ((10, ROOT), (20, ROOT))


_WORKER = """
import sys
from pathlib import Path
from custody.keys import keyfile
path, own = Path(sys.argv[1]), sys.argv[2]
opened = keyfile.open_(path, b"correct horse")
for size in range(1, 26):
    opened.remember("custody/" + own * 26, size, "0" * 64)
    opened.remember("custody/" + "a" * 26, size * 3 + "bcd".index(own), "0" * 64)
"""


def test_many_processes_lose_no_head(path):
    make(path)
    workers = [
        subprocess.Popen([sys.executable, "-c", _WORKER, str(path), own], stderr=subprocess.PIPE, text=True)
        for own in "bcd"
    ]
    for worker in workers:
        assert worker.communicate(timeout=120)[1] == ""
        assert worker.returncode == 0
    opened = keyfile.open_(path, PASS)
    assert opened.head(ORIGIN) == (77, ROOT)
    assert [opened.head("custody/" + own * 26) for own in "bcd"] == [(25, ROOT)] * 3
    assert files(path) == ["key", "key.lock"]


@posix
def test_a_neighbour_who_holds_the_lock_for_ever_is_named(path, monkeypatch):
    opened = make(path)
    monkeypatch.setattr(keyfile, "_LOCK_SECONDS", 0.05)
    with keyfile._locked(path), pytest.raises(LockerBusy, match="another process"):
        opened.remember(ORIGIN, 1, ROOT)
    opened.remember(ORIGIN, 1, ROOT)


@posix
def test_the_lock_is_waited_for(path):
    opened, done = make(path), threading.Event()
    with keyfile._locked(path):
        thread = threading.Thread(target=lambda: (opened.remember(ORIGIN, 1, ROOT), done.set()))
        thread.start()
        assert not done.wait(0.05)
    thread.join(10)
    assert done.is_set()


# --- another passphrase ----------------------------------------------------------------------------------


def test_another_passphrase(path):
    opened = make(path)
    opened.remember(ORIGIN, 7, ROOT)
    salt = json.loads(path.read_bytes())["kdf"]["salt"]
    opened.rekey(b"new", params=SMALL)
    assert json.loads(path.read_bytes())["kdf"]["salt"] != salt
    with pytest.raises(WrongPassphrase):
        keyfile.open_(path, PASS)
    opened.remember(ORIGIN, 8, ROOT)
    assert keyfile.open_(path, b"new").head(ORIGIN) == (8, ROOT)
    with pytest.raises(InputRefused):
        opened.rekey(b"", params=SMALL)


def test_who_opened_it_before_is_told(path):
    opened, other = make(path), keyfile.open_(path, PASS)
    other.rekey(b"new", params=SMALL)
    data = path.read_bytes()
    with pytest.raises(WrongPassphrase, match="another process"):
        opened.remember(ORIGIN, 1, ROOT)
    assert path.read_bytes() == data


def test_other_keys_under_the_same_path_are_not_overwritten(path):
    opened = make(path, passphrase=None, keys=COLLECTOR)
    path.unlink()
    make(path, passphrase=None, keys=CustodianKeys(SignKey(b"\x08" * 32), None))
    with pytest.raises(CheckFailed, match="other keys"):
        opened.remember(ORIGIN, 1, ROOT)


# --- crashes and faults ----------------------------------------------------------------------------------

_DIES = """
import os, signal, sys
from pathlib import Path
from custody.keys import keyfile
path, at = Path(sys.argv[1]), sys.argv[2]
opened = keyfile.open_(path, b"correct horse")
die = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
if at == "fsync":
    os.fsync = die
elif at == "rename":
    Path.replace = die
else:
    keyfile.machine.sync_directory = die
opened.remember("custody/" + "a" * 26, 99, "0" * 64)
"""


@posix
@pytest.mark.parametrize(("at", "size"), [("fsync", 7), ("rename", 7), ("after", 99)])
def test_a_kill_at_any_step_leaves_a_whole_file(path, at, size):
    make(path).remember(ORIGIN, 7, ROOT)
    done = subprocess.run([sys.executable, "-c", _DIES, str(path), at], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    opened = keyfile.open_(path, PASS)
    assert opened.head(ORIGIN) == (size, ROOT)
    opened.remember(ORIGIN, 100, ROOT)  # the rest of the dead does not stand in the way
    assert keyfile.open_(path, PASS).head(ORIGIN) == (100, ROOT)
    assert files(path) == ["key", "key.lock"]


@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.replace"])
def test_a_full_disk_leaves_the_old_file_and_no_rest(path, monkeypatch, step):
    opened = make(path)
    opened.remember(ORIGIN, 7, ROOT)
    data = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(step, full)
    with pytest.raises(MachineError, match="no space left"):
        opened.remember(ORIGIN, 8, ROOT)
    monkeypatch.undo()
    assert path.read_bytes() == data
    assert files(path) == ["key", "key.lock"]
    opened.remember(ORIGIN, 8, ROOT)


def test_the_data_is_synced_before_the_rename_and_the_folder_after(path, monkeypatch):
    opened = make(path)
    steps = []
    fsync, replace = os.fsync, Path.replace

    def note_fsync(descriptor):
        steps.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def note_replace(self, target):
        steps.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "replace", note_replace)
    opened.remember(ORIGIN, 1, ROOT)
    expected = ["file", "rename", "folder"] if machine.HAS_DIRECTORY_FSYNC else ["file", "rename"]
    assert steps == expected


def test_a_full_key_file_is_said_and_not_written(path, monkeypatch):
    opened = make(path)
    data = path.read_bytes()
    monkeypatch.setattr(keyfile, "MAX_FILE", len(data) + 20)
    with pytest.raises(MachineError, match="full"):
        opened.remember(ORIGIN, 1, ROOT)
    assert path.read_bytes() == data


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_can_not_be_written_is_said(path):
    path.parent.mkdir(parents=True)
    path.parent.chmod(0o500)
    with pytest.raises(MachineError, match="permission denied"):
        make(path)


# --- passphrase files ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "passphrase"),
    [
        (b"secret", b"secret"),
        (b"secret\n", b"secret"),
        (b"secret\r\n", b"secret"),
        (b"secret\n\n", b"secret\n"),
        (b"secret\r", b"secret\r"),
        (b" two words \n", b" two words "),
        (b"x" * 1024 + b"\r\n", b"x" * 1024),
    ],
)
def test_exactly_one_line_end_is_taken_off(tmp_path, data, passphrase):
    (tmp_path / "pass").write_bytes(data)
    assert keyfile.read_passphrase_file(tmp_path / "pass") == passphrase


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"\r\n", b"x" * 1025, b"x" * 10**6, "secret".encode("utf-16"), b"\xef\xbb\xbfsecret"]
)
def test_a_passphrase_file_that_can_not_be_meant_is_refused(tmp_path, data):
    (tmp_path / "pass").write_bytes(data)
    with pytest.raises(InputRefused):
        keyfile.read_passphrase_file(tmp_path / "pass")


def test_a_missing_passphrase_file_is_refused(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(InputRefused):
            keyfile.read_passphrase_file(path)


@posix
def test_an_open_passphrase_file_is_taken_and_can_be_told(tmp_path):
    path = tmp_path / "pass"
    path.write_bytes(b"secret\n")
    path.chmod(0o644)
    assert keyfile.read_passphrase_file(path) == b"secret"
    assert keyfile.too_open(path)
    path.chmod(0o600)
    assert not keyfile.too_open(path)
    assert not keyfile.too_open(tmp_path / "none")


@posix
def test_a_passphrase_may_come_through_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    thread = threading.Thread(target=lambda: pipe.write_bytes(b"secret\n"))
    thread.start()
    assert keyfile.read_passphrase_file(pipe) == b"secret"
    thread.join()


# --- where it lies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {"XDG_CONFIG_HOME": "/x", "HOME": "/h"}, "/x/custody/key"),
        ("linux", {"HOME": "/h"}, "/h/.config/custody/key"),
        ("linux", {"XDG_CONFIG_HOME": "relative", "HOME": "/h"}, "/h/.config/custody/key"),
        ("linux", {"XDG_CONFIG_HOME": "", "HOME": "/h"}, "/h/.config/custody/key"),
        ("darwin", {"HOME": "/h"}, "/h/.config/custody/key"),
        ("win32", {"APPDATA": "/roaming", "HOME": "/h"}, "/roaming/custody/key"),
    ],
)
def test_default_path(platform, environ, expected):
    assert keyfile.default_path(environ, platform=platform) == Path(expected)


@pytest.mark.parametrize(("platform", "environ"), [("linux", {}), ("win32", {"HOME": "/h"})])
def test_no_home_is_said(platform, environ):
    with pytest.raises(MachineError, match="no place"):
        keyfile.default_path(environ, platform=platform)


def test_the_nonce_comes_from_the_given_randomness(path):
    counter = itertools.count(1)
    make(path, random=lambda count: bytes([next(counter)]) * count)
    fields = json.loads(path.read_bytes())
    assert from_base64(fields["kdf"]["salt"], where="x") == b"\x01" * 16
    assert from_base64(fields["nonce"], where="x") == b"\x03" * 12
