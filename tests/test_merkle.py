"""The tree against RFC 6962's own recursive definitions, for every tree of up to 70 leaves."""

from __future__ import annotations

import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.errors import FormatError
from custody.format import merkle, note, proof
from custody.format.text import lines_of, to_base64

MOST = 70
ENTRIES = [f"entry {number}".encode() for number in range(MOST)]
LEAVES = [hashlib.sha256(b"\0" + entry).digest() for entry in ENTRIES]


def split(n):
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def mth(leaves):
    """RFC 6962, section 2.1."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return hashlib.sha256(b"\1" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m, leaves):
    """RFC 6962, section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m, leaves, whole):
    """RFC 6962, section 2.1.2."""
    n = len(leaves)
    if m == n:
        return [] if whole else [mth(leaves)]
    k = split(n)
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


@pytest.fixture(scope="module")
def nodes():
    """All rows as an append writes them, one leaf after the other, reading only what is there."""
    rows = {}
    for size, leaf in enumerate(LEAVES):
        for level, index, digest in merkle.new_nodes(size, leaf, lambda *place: rows[place]):
            assert (level, index) not in rows
            rows[level, index] = digest
    return rows


@pytest.fixture(scope="module")
def read(nodes):
    return lambda level, index: nodes[level, index]


ROOTS = [mth(LEAVES[:size]) for size in range(MOST + 1)]


def test_leaves_and_nodes_have_their_own_first_byte():
    assert merkle.leaf_hash(b"x") == hashlib.sha256(b"\0x").digest()
    assert merkle.node_hash(b"l" * 32, b"r" * 32) == hashlib.sha256(b"\1" + b"l" * 32 + b"r" * 32).digest()


def test_roots_of_all_trees(read):
    for size in range(MOST + 1):
        assert merkle.root(size, read) == ROOTS[size]
        assert merkle.fold_peaks([read(*peak) for peak in merkle.peaks(size)]) == ROOTS[size]


def test_nodes_are_the_perfect_subtrees(nodes):
    for (level, index), digest in nodes.items():
        assert digest == mth(LEAVES[index << level : (index + 1) << level])
    assert len(nodes) == sum(MOST >> level for level in range(8))


def test_inclusion_paths_of_all_leaves_in_all_trees(read):
    for size in range(1, MOST + 1):
        for index in range(size):
            found = merkle.inclusion(index, size, read)
            assert found == path(index, LEAVES[:size])
            root, before = merkle.root_from_inclusion(LEAVES[index], index, size, found)
            assert (root, before) == (ROOTS[size], ROOTS[index])


def test_a_path_proves_no_other_place_and_no_other_size(read):
    for size in range(1, 34):
        for index in range(size):
            found = merkle.inclusion(index, size, read)
            for other in range(size):
                if other != index:
                    try:
                        root, _ = merkle.root_from_inclusion(LEAVES[index], other, size, found)
                    except merkle.ProofError:
                        continue
                    assert root != ROOTS[size]
            another = merkle.leaf_hash(b"another")
            assert merkle.root_from_inclusion(another, index, size, found)[0] != ROOTS[size]


def test_consistency_of_all_pairs_of_trees(read):
    for second in range(1, MOST + 1):
        for first in range(1, second + 1):
            found = merkle.consistency(first, second, read)
            assert found == subproof(first, LEAVES[:second], True)
            merkle.check_consistency(first, ROOTS[first], second, ROOTS[second], found)


def test_no_pair_is_consistent_with_another_root(read):
    for second in range(1, 34):
        for first in range(1, second + 1):
            found = merkle.consistency(first, second, read)
            wrong = hashlib.sha256(b"wrong").digest()
            for roots in ((wrong, ROOTS[second]), (ROOTS[first], wrong)):
                with pytest.raises(merkle.ProofError):
                    merkle.check_consistency(first, roots[0], second, roots[1], found)


def forged(hashes, data):
    """The same hashes with one fault."""
    kinds = ["more"] if not hashes else ["bit", "less", "more", "swap", "twice"]
    kind = data.draw(st.sampled_from(kinds))
    made, place = list(hashes), data.draw(st.integers(0, max(len(hashes) - 1, 0)))
    match kind:
        case "bit":
            made[place] = bytes([made[place][0] ^ 1]) + made[place][1:]
        case "less":
            del made[place]
        case "more":
            made.insert(place, hashlib.sha256(b"more").digest())
        case "twice":
            made.insert(place, made[place])
        case "swap":
            made[place], made[-1] = made[-1], made[place]
    return made


@given(st.integers(1, MOST), st.data())
def test_forged_inclusion_paths_are_refused(size, data):
    rows = dict(all_nodes())
    index = data.draw(st.integers(0, size - 1))
    good = merkle.inclusion(index, size, lambda *place: rows[place])
    bad = forged(good, data)
    head = note.Checkpoint(origin="custody/" + "a" * 26, size=size, root=ROOTS[size])
    proof.check_inclusion(ENTRIES[index], index, good, head)
    if bad != good:
        with pytest.raises(merkle.ProofError):
            proof.check_inclusion(ENTRIES[index], index, bad, head)


@given(st.integers(2, MOST), st.data())
def test_forged_consistency_proofs_are_refused(second, data):
    rows = dict(all_nodes())
    first = data.draw(st.integers(1, second))
    good = merkle.consistency(first, second, lambda *place: rows[place])
    bad = forged(good, data)
    if bad != good:
        with pytest.raises(merkle.ProofError):
            merkle.check_consistency(first, ROOTS[first], second, ROOTS[second], bad)


def all_nodes():
    for level in range(8):
        for index in range(MOST >> level):
            yield (level, index), mth(LEAVES[index << level : (index + 1) << level])


def test_an_inner_node_is_no_entry():
    """Sixty-four bytes of two leaf hashes hash to something else as an entry than as a node."""
    for low in range(0, 10, 2):
        both = LEAVES[low] + LEAVES[low + 1]
        assert merkle.leaf_hash(both) != merkle.node_hash(LEAVES[low], LEAVES[low + 1])


@given(
    st.integers(-5, 80),
    st.integers(-5, 80),
    st.lists(st.binary(min_size=0, max_size=40) | st.just(bytes(32)), max_size=70),
)
def test_any_proof_is_refused_or_right(first, second, hashes):
    """No exception but our own, whatever numbers and bytes come in."""
    root = ROOTS[first] if 0 <= first <= MOST else bytes(32)
    new = ROOTS[second] if 0 <= second <= MOST else bytes(32)
    try:
        merkle.check_consistency(first, root, second, new, hashes)
    except merkle.ProofError:
        pass
    else:
        assert 0 < first <= second
    try:
        found, _ = merkle.root_from_inclusion(LEAVES[0], first, second, hashes)
    except merkle.ProofError:
        return
    assert found != new or 0 <= first < second


@given(st.lists(st.tuples(st.integers(0, 50), st.lists(st.just(bytes(32)), max_size=4)), max_size=5))
def test_proof_lines_go_round(rows):
    rows = sorted(dict(rows).items())
    data = proof.inclusion_lines(rows)
    assert list(proof.read_inclusion_lines(lines_of(data, where="x"), where="x")) == [
        (i, tuple(path_)) for i, path_ in rows
    ]


@given(st.integers(1, 2**50), st.lists(st.binary(min_size=32, max_size=32), max_size=8))
def test_consistency_files_go_round(first, hashes):
    data = proof.consistency_text(first, hashes)
    assert proof.read_consistency(data, where="x") == (first, tuple(hashes))


@given(st.binary(max_size=300))
def test_proof_files_from_any_bytes(data):
    for reader in (
        lambda: list(proof.read_inclusion_lines(lines_of(data, where="x"), where="x")),
        lambda: proof.read_consistency(data, where="x"),
    ):
        with contextlib.suppress(FormatError):
            reader()


@pytest.mark.parametrize("path_", [{}, "", 5, None, [5], [None], [{}], ["AAAA"], [""]])
def test_a_path_is_a_list_of_hashes_and_nothing_else(path_):
    with pytest.raises(FormatError, match=r"not a proof|not a hash"):
        proof.read_hashes(path_, where="x")


def test_a_proof_has_at_most_64_hashes():
    text = to_base64(bytes(32))
    assert proof.read_hashes([text] * 64, where="x") == (bytes(32),) * 64
    with pytest.raises(FormatError, match="at most 64"):
        proof.read_hashes([text] * 65, where="x")


def test_the_line_that_is_off_is_named():
    lines = lines_of(proof.inclusion_lines([(0, []), (2, []), (1, [])]), where="x")
    with pytest.raises(FormatError, match="x, line 3"):
        list(proof.read_inclusion_lines(lines, where="x"))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (7, 7), (8, 7), (-1, 7)])
def test_a_leaf_that_is_not_there_has_no_path(index, size):
    with pytest.raises(merkle.ProofError, match="no such leaf"):
        merkle.inclusion(index, size, lambda level, position: bytes(32))


@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, 5), (-1, 5), (6, 5)])
def test_trees_that_are_no_pair_have_no_proof(first, second):
    with pytest.raises(merkle.ProofError, match="no such pair of trees"):
        merkle.consistency(first, second, lambda level, position: bytes(32))
    with pytest.raises(merkle.ProofError, match="no such pair of trees"):
        merkle.check_consistency(first, bytes(32), second, bytes(32), [])


@pytest.mark.parametrize(
    "text", ["new 5\n\n", "5\n\n", "old5\n\n", "old 5\n", "old 5", "old 5\n\n\n", "", "\n", "\n\n"]
)
def test_a_consistency_file_begins_with_old_and_ends_with_an_empty_line(text):
    assert proof.read_consistency(b"old 5\n\n", where="x") == (5, ())
    with pytest.raises(FormatError):
        proof.read_consistency(text.encode(), where="x")
