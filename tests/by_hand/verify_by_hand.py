"""Check a package of custody without custody: Python's library and `cryptography`, written from docs/format/ alone.

python3 verify_by_hand.py PACKAGE.zip [BIP-39-ENGLISH.txt [AUTHORITY-ROOT.pem …]]    ends with 0: no fault, 1: some
What it does not look at stands in docs/format/verify-by-hand.md.
"""

# fmt: off
import base64
import contextlib
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from cryptography.cobblestone import Cobblestone256Decryptor
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

OURS = r"package\.dsse|shown\.json|(proofs|keys)\.jsonl|trust-is-elsewhere\.txt|parts/[0-9a-f]{64}|entries/N\.json|"
OURS = (OURS + r"log/N(\.note|(\.([2-9]|[1-9][0-9]))?\.tsr)|consistency/N\.txt").replace("N", "(0|[1-9][0-9]{0,15})")
PLACE, KINDS, ROW, BODY, SAID, OUTER = map(str.split, ("ledger root seq", "sha256 sha512", "compartment key seq",
    "actor approvals case group kind ledger public root sealed seq subject time v",
    "certificate files leaf origin package root size v", "payload payloadType signatures"))

def need(good, text):
    if not good:
        raise ValueError(text)
def sha(data):
    return hashlib.sha256(data).hexdigest()
def b64(text, size=None):  # names.md
    raw = base64.b64decode(text, validate=True)
    need(base64.b64encode(raw).decode() == text and size in (None, len(raw)), "base64 in another spelling or size")
    return raw
def jcs(value, left=16):  # canonical-json.md
    need(left or not isinstance(value, dict | list), "nested too deeply")
    if isinstance(value, list):
        return "[" + ",".join(jcs(v, left - 1) for v in value) + "]"
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(jcs(key) + ":" + jcs(value[key], left - 1) for key in keys) + "}"
    need(value is None or type(value) in (bool, str) or (type(value) is int and 0 <= value < 2**53), "a strange value")
    return json.dumps(value, ensure_ascii=False)
def canonical(data, limit=65536, fields=None):
    value = json.loads(data.decode() if len(data) <= limit else "too long")
    need(jcs(value).encode() == data and (fields is None or sorted(value) == fields), "not canonical, or other fields")
    return value
def lines(data):
    need(data[-1:] in (b"\n", b""), "the last line has no end")
    return data.split(b"\n")[:-1]

def envelope(data, kind, limit=131072):  # entry.md; gives the payload, the signer's key id, and the check by his key
    outer, name = canonical(data, limit, OUTER), f"application/vnd.custody.{kind}+json;v=1"
    payload, (signed,) = b64(outer["payload"]), outer["signatures"]
    need(sorted(signed) == ["keyid", "sig"] and outer["payloadType"] == name, "another type or other fields")
    def check(key):
        need(sha(key) == signed["keyid"], "signed by another key")
        message = f"DSSEv1 {len(name)} {name} {len(payload)} ".encode() + payload
        Ed25519PublicKey.from_public_bytes(key).verify(b64(signed["sig"], 64), message)
    return payload, signed["keyid"], check
def entry(stored):  # gives the body, the signer's key id, and the check of his signature
    payload, signer, check = envelope(stored, "entry")
    body = canonical(payload, fields=BODY)
    about = body["subject"]
    need((type(body["v"]), body["v"], sorted(about)) == (int, 1, ["id", "n", "prev", "type"]), "of another version")
    own = {"ledger": None, "case": about["id"]}.get(about["type"], body["case"] or "no case")
    need([body["actor"], body["case"], about["prev"] is None] == [signer, own, about["n"] == 0], "actor, case or prev")
    return body, signer, check

def node(left, right):  # tree-and-note.md
    return hashlib.sha256(b"\1" + left + right).digest()
def climb(leaf, index, size, path):  # RFC 9162, 2.1.3: the root that the path leads to, and that of all before the leaf
    if size == 1:
        return need(not path, "too many hashes") or (leaf, None)
    (*rest, last), half, right = path, (half := 1 << (size - 1).bit_length() - 1), index >= half
    root, before = climb(leaf, index - half * right, size - half if right else half, rest)
    return (node(last, root), node(last, before) if before else last) if right else (node(root, last), before)
def included(stored, index, size, root, path):  # gives the root of the entries before, in hex
    found, before = climb(hashlib.sha256(b"\0" + stored).digest(), index, size, path)
    need(0 <= index < size and found == root, "not in the record")
    return (before or hashlib.sha256(b"").digest()).hex()
def grow(old, new, path, root):  # RFC 9162, 2.1.4: both roots; root: the older one's, None off the tree's left edge
    if old == new:
        (known,) = path if root is None else [*path, root]
        return known, known
    (*rest, last), half = path, 1 << (new - 1).bit_length() - 1
    was, now = grow(old, half, rest, root) if old <= half else grow(old - half, new - half, rest, None)
    return (was, node(now, last)) if old <= half else (node(last, was), node(last, now))
def consistent(first, first_root, second, second_root, hashes):
    need(0 < first <= second and grow(first, second, hashes, first_root) == (first_root, second_root), "no such growth")
def consistency_file(data):
    found = re.fullmatch(rb"old ([1-9][0-9]{0,15})\n((?:.{44}\n)*)\n", data)
    return int(found[1]), [b64(line.decode(), 32) for line in lines(found[2])]
def proof_lines(data):
    rows = [canonical(line, fields=["index", "path"]) for line in lines(data)]
    need([r["index"] for r in rows] == sorted({r["index"] for r in rows if type(r["index"]) is int}), "out of order")
    return {row["index"]: [b64(digest, 32) for digest in row["path"]] for row in rows}
def note(data, keys, origin):
    name, line = origin.encode(), b"\xe2\x80\x94 " + origin.encode() + rb" ([A-Za-z0-9+/]+=*)\n"
    found = re.fullmatch(rb"(%s\n(0|[1-9][0-9]{0,15})\n(.{44})\n)\n" % name + line * 2, data)
    need(found, "not a log note of this record")
    size, root, named = int(found[2]), b64(found[3].decode(), 32), bytes([len(name)]) + name + bytes(8)
    first, second = b64(found[4].decode(), 68), b64(found[5].decode(), 2432)
    for raw, kind, key in ((first, b"\n\1", keys["ed25519"]), (second, b"\n\6", keys["ml-dsa-44"])):
        need(raw[:4] == hashlib.sha256(name + kind + key).digest()[:4], "by a key that is not the log's")
    need(second[4:12] == bytes(8), "the log states a time")
    Ed25519PublicKey.from_public_bytes(keys["ed25519"]).verify(first[4:], found[1])
    message = b"subtree/v1\n\0" + named + named + size.to_bytes(8, "big") + root
    MLDSA44PublicKey.from_public_bytes(keys["ml-dsa-44"]).verify(second[12:], message)
    return size, root

def unpad(plain):  # padding.md
    size = int.from_bytes(plain[:4], "big")
    need(len(plain) == -(-(4 + size) // 256) * 256 <= 1 << 20 and not any(plain[4 + size :]), "padding")
    return {**canonical(plain[4 : 4 + size], 1 << 20)}  # an object, nothing else
def unseal(key, origin, subject, n, part, sealed):  # contexts.md, sealing.md
    framed = [len(text.encode()).to_bytes(2, "big") + text.encode() for text in (origin, subject, part)]
    framed.insert(2, n.to_bytes(8, "big"))
    opener = Cobblestone256Decryptor(key, b"".join([b"custody/1 compartment\0", *framed]))
    return unpad(bytes(opener.update(sealed)) + bytes(opener.finalize()))

def verify(path, word_list="", *roots):  # verify-order.md; gives how many faults there are
    faults, ours, size, proofs, kept, leaf, keys, subjects = [], (), 0, {}, {}, {}, {}, {}
    @contextlib.contextmanager
    def step(name, *quiet):  # what is at fault ends its own step, never the check
        try:
            yield
            print(*quiet or [f"ok     {name}\n"], end="")
        except Exception as error:  # noqa: BLE001 — whatever hostile bytes raise is a fault of theirs
            faults.append(print(f"FAULT  {name}: {error or type(error).__name__}"))
    with step("a zip around a bag: every file has its digests, none is missing, none is added"):
        box = zipfile.ZipFile(path)
        size_of, read = {i.filename[4:]: i.file_size for i in box.infolist()[1:]}, lambda n: box.read(f"bag/{n}")
        data, ours = (sorted(n for n in size_of if n.startswith(folder)) for folder in ("data/", "custody/"))
        tags = sorted(n for n in size_of if n not in data and not n.startswith("tagmanifest-"))
        sums = {(n, k): hashlib.file_digest(box.open(f"bag/{n}"), k).hexdigest() for n in tags + data for k in KINDS}
        need(box.namelist() == ["mimetype", *(f"bag/{n}" for n in size_of)], "a name twice, or outside the bag")
        need(box.read("mimetype") == b"application/vnd.custody.package+zip" and "fetch.txt" not in tags, "another type")
        for name, files, kind in [("", data, k) for k in KINDS] + [("tag", tags, k) for k in KINDS]:
            want, have = [f"{sums[n, kind]}  {n}".encode() for n in files], lines(read(f"{name}manifest-{kind}.txt"))
            need(have == want, f"{name}manifest-{kind}.txt: {sorted({*want} ^ {*have})}")
    with step("the exporter's statement lists exactly these files"):
        payload, maker, signed_by = envelope(read("custody/package.dsse"), "package", 1 << 29)
        said, free = canonical(payload, 1 << 29, SAID), r"tagmanifest-.*|custody/(package.dsse|log/.*(tsr|cosigned))"
        here = [[n, size_of[n], sums[n, "sha256"]] for n in sorted(size_of) if not re.fullmatch(free, n)]
        need(here == said["files"], [row for row in here + said["files"] if (row in here) != (row in said["files"])])
        need(all(re.fullmatch(OURS, n[8:]) for n in ours) and [said["v"], said["certificate"]] == [1, None], "strange")
    with step("each entry has a proof, each proof an entry"):
        origin, size, root = said["origin"], said["size"], bytes.fromhex(said["root"])
        proofs = proof_lines(read("custody/proofs.jsonl"))
        need({f"custody/entries/{s}.json" for s in proofs} == {n for n in ours if "/entries/" in n}, "one is alone")
    for seq, path in proofs.items():
        with step(f"entry {seq}", ""):
            stored = read(f"custody/entries/{seq}.json")
            leaf[seq], (body, signer, signed_by_actor) = sha(b"\0" + stored), entry(stored)
            need([body[f] for f in PLACE] == [origin, included(stored, seq, size, root, path), seq], "another place")
            need((seq == 0) == (body["kind"] == "ledger.created"), "not how a record begins, or a second beginning")
            if body["kind"] in ("ledger.created", "custodian.added"):
                key = (body["public"] if seq else body["public"]["custodian"])["sign_key"]
                keys[sha(b64(key))] = b64(key)
            signed_by_actor(keys[signer])
            kept[seq] = body
            subjects.setdefault((body["subject"]["type"], body["subject"]["id"]), []).append(seq)
    with step(f"the log note of {size} entries: both signatures; the record continues each older one"):
        log = {row["alg"]: b64(row["key"]) for row in kept[0]["public"]["log_keys"]}
        grown = {int(n[20:-4]): consistency_file(read(n)) for n in ours if "/consistency/" in n}
        notes = {int(n[12:-5]): note(read(n), log, origin) for n in ours if n.endswith(".note")}
        need(all(old == of[old][0] for of in (grown, notes) for old in of) and notes[size][1] == root, "another size")
        [consistent(*notes[old], size, root, grown[old][1]) for old in notes if old != size]
    with step("histories: from number 0, without a gap, to where they ended when the package was made"):
        made, case, ledger = kept[size - 1], kept[size - 1]["subject"]["id"], kept[0]["subject"]["id"]
        for about, seqs in subjects.items():
            seqs.sort(key=lambda seq: kept[seq]["subject"]["n"])
            for n, (seq, last) in enumerate(zip(seqs, [None, *seqs], strict=False)):
                its = kept[seq]["subject"]
                need((its["n"], its["prev"]) == (n, leaf.get(last)), f"{about}: number {n} is missing or does not fit")
        ends = {i: (t, [s for s in seqs if s != size - 1]) for (t, i), seqs in subjects.items() if t != "item"}
        rows = [[ends[i][0], i, len(ends[i][1]) - 1, leaf[ends[i][1][-1]]] for i in sorted(ends)]
        need(rows == canonical(shown := read("custody/shown.json"), 1 << 26), "other ends than custody/shown.json has")
        heads = {row[0]: {"n": row[2], "leaf": row[3]} for row in rows if row[1] in (ledger, case)}
        need((heads, sha(shown)) == (made["public"]["heads"], made["public"]["shown"]), "other ends than were logged")
        need({b["case"] or b["subject"]["id"] for b in kept.values()} == {ledger, case}, "about another ledger or case")
    with step("the record ends with the export of these items and the package, by who signed the statement"):
        logged, items = made["public"], [seqs for (kind, _), seqs in subjects.items() if kind == "item"]
        need(signed_by(keys[maker]) or (maker == made["actor"] and made["group"]), "by another, or in no group")
        need((made["kind"], logged["form"], logged["items"]) == ("package.made", "bag/1", len(items)), "another export")
        need((logged["package"], leaf[size - 1]) == (said["package"], said["leaf"]), "a statement of another package")
        need(sorted(s[-1] for s in items) == [*range(size - 1 - len(items), size - 1)], "something after, or between")
        its = [["item.exported", made["group"], made["actor"]]] * len(items)
        need([[kept[s[-1]][f] for f in ("kind", "group", "actor")] for s in items] == its, "another export")
        need(all(re.fullmatch("item.(collected|registered|derived)", kept[s[0]]["kind"]) for s in items), "no item")
    with step("parts open with their keys; files, shown keys and withheld parts are those that were logged"):
        opened, rows = {}, [canonical(row, fields=ROW) for row in lines(read("custody/keys.jsonl"))]
        for seq, part, key in (shown := [[row["seq"], row["compartment"], row["key"]] for row in rows]):
            sealed, its = read(f"custody/parts/{kept[seq]['sealed'][part]}"), kept[seq]["subject"]
            need(sha(sealed) == kept[seq]["sealed"][part], f"part {part} of entry {seq} is another")
            opened[seq, part] = unseal(b64(key, 32), origin, its["id"], its["n"], part, sealed)
        need(shown == sorted(shown) and len(opened) == len(shown), "keys out of order")
        need({kept[s]["sealed"][p] for s, p in opened} == {n[14:] for n in ours if "/parts/" in n}, "a part alone")
        held = [p for s, b in kept.items() for p in b["sealed"] if (s, p) not in opened]
        need({p: held.count(p) for p in held} == logged["withheld"], f"withheld are {held}")
        content = [opened[s[0], "content"] for s in items if kept[s[0]]["kind"] != "item.registered"]  # has a file
        inside = sorted((c["digests"]["sha256"], c["size"]) for c in content)
        need(inside == sorted((sums[n, "sha256"], size_of[n]) for n in data), "a file is not what came in")
        inside = jcs({"files": [[n, sums[n, "sha256"]] for n in data], "keys": shown})
        need(sha(inside.encode()) == logged["contents"], "other contents")
    for name in [n for n in ours if n.endswith(".tsr")]:
        with step(f"{name}, by openssl", ""):
            over = re.sub(r"(\.[0-9]+)?\.tsr$", ".note", name)
            print(f"{stamped(read(name), read(over), roots):6} {name} over {over}, by openssl under your roots")
    with step("above: the record's twelve words, or their numbers in the list; hear them from somebody you know"):
        words = Path(word_list).read_text("ascii").split() if word_list else range(1, 2049)
        number = int.from_bytes((bits := bytes.fromhex(leaf[0])[:16]) + hashlib.sha256(bits).digest()[:1], "big") >> 4
        print("      ", *[words[number >> 11 * place & 2047] for place in range(11, -1, -1)])
    return len(faults)
def stamped(token, over, roots):  # time.md; certificates' dates are for the reader to compare with the token's
    with tempfile.TemporaryDirectory() as out:
        Path(out, "token").write_bytes(token), Path(out, "note").write_bytes(over)
        ask = ["openssl", "ts", "-verify", "-no_check_time", "-in", f"{out}/token", "-data", f"{out}/note", "-CAfile"]
        said = [subprocess.run([*ask, root], capture_output=True, text=True, check=False) for root in roots]
    need(all(a.returncode == 0 or "certificate verify error" in a.stderr for a in said), [a.stderr for a in said])
    return "ok" if any(a.returncode == 0 for a in said) else "?"

if __name__ == "__main__":
    sys.exit(1 if verify(*sys.argv[1:]) else 0)
