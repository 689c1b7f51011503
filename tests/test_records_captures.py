"""Captured answers of explorers and nodes: what is worked out again, what is flagged, and what is never claimed."""

# ruff: noqa: E501 - tables read better with a row a line

from __future__ import annotations

import json
import tracemalloc
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from btclib.tx.tx import Tx
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from custody.evidence.blockchain.captures import bitcoin_node, esplora, evm_node, likeness, reader
from custody.evidence.blockchain.captures.flags import FLAGS
from custody.evidence.blockchain.captures.joined import lookalikes_in
from custody.evidence.blockchain.captures.shape import COIN_VALUES, STATUS
from custody.evidence.blockchain.chains import CHAINS
from custody.evidence.blockchain.encodings.hashes import keccak256, sha256d
from custody.evidence.chat.json_text import load
from custody.evidence.export import Export, Member
from custody.evidence.reading import Settings
from custody.evidence.records import flags as shared_flags
from custody.evidence.records import registry
from custody.evidence.records.form import Recorded
from tests import coins
from tests.records import harness

NAMES = [one.name for one in reader.READERS]
ETHEREUM = Settings(mapping={"chain": "ethereum"})
WIF = "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ"
"""The private key 1 · G of everybody's first lesson: nobody's."""
A, B, LIKE_B = "0x" + "a1" * 20, "0xabc" + "11" * 17 + "def", "0xabc" + "99" * 17 + "def"


def cases() -> list[tuple[str, Path]]:
    return [
        (name, path.parent)
        for name in NAMES
        for path in sorted((harness.CASES / name).glob("*/expected.json"))
    ]


def read(name: str, value: Any, settings: Settings | None = None) -> harness.Read:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return harness.run(registry.named(name), Export.of("x", data), settings)


def case_bytes(name: str, case: str) -> bytes:
    (file,) = (path for path in (harness.CASES / name / case).iterdir() if path.name != "expected.json")
    return file.read_bytes()


def row(number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "blockNumber": "19000001", "timeStamp": "1700000001", "hash": f"0x{number:064x}", "from": A, "to": B,
        "value": "10", "isError": "0", "txreceipt_status": "1", **more,
    }  # fmt: skip


def listed(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"status": "1", "message": "OK", "result": list(rows)}


# --- rules of all of them -------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "folder"), cases(), ids=lambda one: str(getattr(one, "name", one)))
def test_nothing_that_is_given_is_a_float_and_every_amount_is_exact(name: str, folder: Path) -> None:
    export, expected = harness.load(folder)
    found = harness.run(registry.named(name), export, Settings(**expected.get("settings", {})))

    def no_float(text: str) -> None:
        raise AssertionError(f"a float: {text}")

    for line in found.lines:
        json.loads(line, parse_float=no_float, parse_constant=no_float)
    for one in found.rows:
        assert one["kind"] == "unknown" or one["status"] in STATUS
        assert set(one) - set(COIN_VALUES) <= {
            "record", "number", "kind", "place", "source", "flags", "time_raw", "instant", "offset", "offset_origin", "precision",
        }  # fmt: skip
        for moved in one.get("transfers", ()):
            if "amount" in moved:
                assert Decimal(moved["amount"]) * 10 ** moved["decimals"] == int(moved["amount_units"])


def test_scores_differ_so_that_two_forms_in_one_file_are_no_tie() -> None:
    scores = [shape.score for shape in reader.SHAPES]
    assert len(set(scores)) == len(scores)
    assert all(score > 60 for score in scores)
    both = {
        **json.loads(case_bytes("tron-node-json", "plain"))["data"][0],
        "hash": "ab" * 32,
        "ownerAddress": "x",
        "contractRet": "SUCCESS",
    }
    chosen = registry.choose(Export.of("x", json.dumps([both]).encode()))
    assert chosen is not None
    assert chosen[0].name == "tron-node-json"


def test_the_schema_names_our_chains_and_states() -> None:
    coin = harness.RECORD.schema["$defs"]["coin"]["properties"]
    assert coin["chain"]["enum"] == list(CHAINS)
    assert coin["status"]["enum"] == list(STATUS)
    assert set(COIN_VALUES) <= set(coin)


@pytest.mark.parametrize("name", NAMES)
def test_json_of_others_is_not_claimed(name: str) -> None:
    keys = "txid vin vout status scriptpubkey scriptPubKey hex timeStamp blockNumber from to value blockHash transactionIndex input logs txID raw_data_hex contractRet finalResult hash transaction_id"
    words = dict.fromkeys(keys.split(), "a word")
    for foreign in (
        {"messages": [{"sender": "A", "content": f'"{key}": ' * 2} for key in words]},
        {"messages": [{"text": words}]},
        {"data": {"rows": {"deep": [words]}}},
        words,
        [words],
        {"result": [words], "data": [words]},
        {"vocabulary": words, "transaction": None},
        [],
        {},
    ):
        assert registry.named(name).detect(Export.of("x", json.dumps(foreign).encode())) is None, foreign


@pytest.mark.parametrize("name", NAMES)
def test_deep_and_broken_json_is_no_fault(name: str) -> None:
    for data in (
        b'{"txid":' * 900,
        b"[" * 100_000,
        b'{"a":' * 950 + b"1" + b"}" * 950,
        b"",
        b"\xef\xbb\xbf",
        b"{",
        b"\xff\xfe",
    ):
        export = Export.of("x", data)
        assert registry.named(name).detect(export) is None
    for case_name, folder in cases():
        if case_name == name and name != "coin-bytes" and folder.name == "plain":
            data = case_bytes(name, folder.name)
            for depth in (200, 900, 1500, 50_000):
                deep = b"[" * depth + b"]" * depth
                export = Export.of("x", data.replace(b"{", b'{"deep": ' + deep + b",", 3))
                registry.named(name).detect(export)
                harness.run(
                    registry.named(name), export, detected=registry.named(name).detect(Export.of("x", data))
                )


def test_values_that_are_deeper_than_what_looks_through_them_are_too_deep() -> None:
    assert load('{"a":' * 900 + "1" + "}" * 900)[1] in ((), ("too_deep",))


@pytest.mark.parametrize(("name", "folder"), cases(), ids=lambda one: str(getattr(one, "name", one)))
@given(data=st.data())
def test_damage_is_no_fault_and_no_byte_is_lost(name: str, folder: Path, data: st.DataObject) -> None:
    whole = case_bytes(name, folder.name)
    at = data.draw(st.integers(0, len(whole)))
    cut = data.draw(st.integers(0, 40))
    put = data.draw(
        st.sampled_from(
            [
                b"",
                b'"',
                b"}",
                b"]",
                b"[",
                b"\xff",
                b"null",
                b"true",
                b"-1",
                b"1e999",
                b'"\\ud800"',
                b"{",
                b"," * 3,
                b"9" * 5000,
            ]
        )
    )
    damaged = whole[:at] + put + whole[at + cut :]
    one = registry.named(name)
    export = Export.of("x", damaged)
    one.detect(export)
    found = harness.run(one, export, ETHEREUM, detected=one.detect(Export.of("x", whole)))
    for kept in found.rows:
        for flag in kept.get("flags", ()):
            assert flag in one.flags or flag in shared_flags.FLAGS, flag


def test_a_value_of_any_kind_in_any_field_is_no_fault() -> None:
    odd: list[Any] = [
        None,
        True,
        False,
        -1,
        0,
        1 << 300,
        1.5,
        "",
        "x" * 5000,
        [],
        {},
        [[]],
        {"a": 1},
        "1e5",
        "0x",
        "\ud800",
        WIF,
    ]
    for name, folder in cases():
        if name == "coin-bytes" or folder.name in ("odd",):
            continue
        value = json.loads(case_bytes(name, folder.name))
        detected = registry.named(name).detect(Export.of("x", json.dumps(value).encode()))
        places = list(_places(value))
        for place in places[:: max(len(places) // 20, 1)]:
            for other in odd[:: 1 if folder.name == "plain" else 5]:
                changed = Export.of("x", json.dumps(_with(value, place, other)).encode())
                assert detected is not None
                made = Recorded(changed, registry.named(name), detected, Settings(), item=harness.ITEM)
                lines = b"".join(made.lines())
                assert "broken_off" not in made.summary.notices, (place, other)
                assert made.summary.whole
                assert WIF.encode() not in lines, place


def _places(value: Any, way: tuple[Any, ...] = ()) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in items:
        yield (*way, key)
        yield from _places(one, (*way, key))


def _with(value: Any, way: tuple[Any, ...], other: Any) -> Any:
    copy = json.loads(json.dumps(value))
    inner = copy
    for key in way[:-1]:
        inner = inner[key]
    inner[way[-1]] = other
    return copy


def test_a_list_of_any_size_is_read_in_bounded_memory() -> None:
    class Many:
        """A list of 6 MB that is made while it is read."""

        unit = json.dumps(row(input="0x" + "ab" * 2_000)).encode() + b",\n"
        count = 6_000_000 // len(unit)

        def __init__(self) -> None:
            self.front, self.back = b'{"result": [\n', json.dumps(row()).encode() + b"]}"
            self.size = len(self.front) + self.count * len(self.unit) + len(self.back)

        def read(self, start: int, end: int) -> bytes:
            end = min(end, self.size)
            out = self.front[start:end]
            at = max(start - len(self.front), 0)
            body = self.count * len(self.unit)
            stop = min(max(end - len(self.front), 0), body)
            if at < stop:
                first = at // len(self.unit)
                piece = self.unit * (stop // len(self.unit) - first + 1)
                out += piece[at - first * len(self.unit) : stop - first * len(self.unit)]
            rest = len(self.front) + body
            return out + self.back[max(start - rest, 0) : max(end - rest, 0)]

    many = Many()
    member = Member(index=0, name="x", size=many.size, open=lambda: many)
    export = Export(name="x", members=(member,))
    etherscan = registry.named("etherscan-json")
    detected = etherscan.detect(export)
    assert detected is not None
    tracemalloc.start()
    rows = sum(1 for _ in etherscan.read(export, detected, Settings()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows > 2 * many.count
    # One window of the file (4 MB) and what is decoded of it; not the file, and not its rows.
    assert peak < 24 << 20, peak


def test_long_texts_and_many_addresses_do_not_pile_up() -> None:
    long = {"from": "x" * 100_000, "to": "y" * 100_000}
    found = read("etherscan-json", listed(*(row(n, **long) for n in range(20))))
    assert max(map(len, found.lines)) < 5_000


# --- chains ---------------------------------------------------------------------------------------------


def chain_of(found: harness.Read) -> tuple[Any, str]:
    (one,) = (one for one in found.of("reading") if one["what"] == "chain")
    return one.get("value"), one["state"]


def test_what_is_stated_is_taken_unless_checked_addresses_are_of_another_chain() -> None:
    assert chain_of(read("etherscan-json", listed(row()), Settings(mapping={"chain": "Polygon "}))) == (
        "polygon",
        "stated",
    )
    assert chain_of(read("etherscan-json", listed(row()), Settings(mapping={"chain": "tron"}))) == (
        None,
        "open",
    )
    unknown = read("etherscan-json", listed(row()), Settings(mapping={"chain": "monopoly"}))
    assert chain_of(unknown) == (None, "open")
    assert unknown.summary.notices == {"chain_not_known": 1}
    # A mistyped address speaks for nothing, and against nothing.
    typo = row(to="0xdAC17F958D2ee523a2206206994597C13D831eC7")
    assert chain_of(read("etherscan-json", listed(typo), ETHEREUM)) == ("ethereum", "stated")


def test_no_network_but_bitcoins_main_one_is_ever_called_bitcoin() -> None:
    plain = json.loads(case_bytes("esplora-json", "plain"))
    liquid = json.loads(case_bytes("esplora-json", "liquid"))
    testnet = json.loads(case_bytes("esplora-json", "testnet"))
    for value in ([plain, liquid], [plain, testnet], [liquid], [testnet]):
        for settings in (Settings(), Settings(mapping={"chain": "bitcoin"})):
            found = read("esplora-json", value, settings)
            assert chain_of(found) == (None, "open")
            assert not any("chain" in one for one in found.rows)
            assert b'"BTC"' not in b"".join(found.lines)
    for address in ("lq1qqf8er278e6nyvuwtgf39e6ewvdcnjupn9a86rzpx655y5lhkt0walu3djf9cklkxd3ryld97hu8h3xepw7sh2rlu7q45dcew5",
                    "ex1qw508d6qejxtdg4y5r3zarvary0c5xw7kxw5fx4", "VJLCbLBTCdxhWyjVLdjcSmGAksVMtabYg15maSi93zknQD2ihC38R7CUd8KbDFnV8A4hiykxnRB3Uv6d"):  # fmt: skip
        assert likeness.judge(address).chains == frozenset()


def test_the_number_in_the_signed_bytes_wins_over_what_was_stated() -> None:
    plain = json.loads(case_bytes("evm-node-json", "plain"))
    found = read("evm-node-json", plain, Settings(mapping={"chain": "polygon"}))
    assert chain_of(found) == ("ethereum", "decided")
    assert found.summary.notices == {"chain_contradicted": 1}
    assert found.rows[0]["chain"] == "ethereum"


# --- Bitcoin --------------------------------------------------------------------------------------------


def as_esplora(raw: str) -> dict[str, Any]:
    one = Tx.parse(raw)
    return {
        "txid": one.id.hex(), "version": one.version, "locktime": one.lock_time, "status": {"confirmed": False},
        "vin": [{"txid": i.prev_out.tx_id.hex(), "vout": i.prev_out.vout, "scriptsig": i.script_sig.hex(), "sequence": i.sequence} for i in one.vin],
        "vout": [{"value": int(o.value), "scriptpubkey": o.script_pub_key.script.hex()} for o in one.vout],
    }  # fmt: skip


def as_node(raw: str) -> dict[str, Any]:
    one = Tx.parse(raw)
    return {
        "txid": one.id.hex(), "hash": one.hash.hex(), "version": one.version, "locktime": one.lock_time, "hex": raw,
        "vin": [{"txid": i.prev_out.tx_id.hex(), "vout": i.prev_out.vout, "scriptSig": {"hex": ""}} for i in one.vin],
        "vout": [{"value": f"{Decimal(int(o.value)) / 10**8:.8f}", "n": n, "scriptPubKey": {"hex": o.script_pub_key.script.hex()}} for n, o in enumerate(one.vout)],
    }  # fmt: skip


def test_ids_of_cores_transactions_follow_from_the_fields_that_explorers_and_nodes_show(
    samples: Path,
) -> None:
    rows = json.loads((samples / "blockchain" / "bitcoinjs_core_tx_valid.json").read_text("utf-8"))
    raws = [one[1] for one in rows if len(one) == 3]
    assert len(raws) >= 100
    for raw in raws:
        for found in (esplora.read(as_esplora(raw), None), bitcoin_node.read(as_node(raw), None)):
            assert found is not None
            assert found.verdicts == [{"of": "transaction", "level": "hash_matches"}]
            assert not found.contradictions, (found.contradictions, raw)
        # In bytes, other versions than 1 to 3 are left to whoever says what they are.
        for data in (raw.encode(), bytes.fromhex(raw)):
            claim = registry.named("coin-bytes").detect(Export.of("x", data))
            assert claim is not None or (
                isinstance(data, bytes) and data[:4] not in (b"\1\0\0\0", b"\2\0\0\0", b"\3\0\0\0")
            )


def test_any_changed_field_that_the_id_is_made_of_is_seen() -> None:
    value = json.loads(case_bytes("esplora-json", "plain"))
    changes = [
        (("version",), 1), (("locktime",), 1), (("vin", 0, "txid"), "ab" * 32), (("vin", 0, "vout"), 0), (("vin", 0, "sequence"), 0),
        (("vin", 0, "scriptsig"), "51"), (("vout", 0, "value"), 1), (("vout", 1, "scriptpubkey"), "0014" + "44" * 20), (("txid",), "ab" * 32),
    ]  # fmt: skip
    for way, other in changes:
        (one,) = read("esplora-json", _with(value, way, other)).rows
        assert "verdicts" not in one, way
        assert "capture_inconsistent" in one["flags"], way


def test_coins_are_new_by_what_is_spent_and_not_by_what_is_said() -> None:
    spent = {"txid": "00" * 32, "vout": 0xFFFFFFFF}
    for inputs, made in (
        ([spent], True),
        ([spent, spent], False),
        ([{**spent, "vout": 0}], False),
        ([{**spent, "txid": "ab" * 32}], False),
        ([], False),
    ):
        coin = esplora.Coin()
        assert esplora.is_coinbase(coin, [{**one, "is_coinbase": made} for one in inputs]) is made
        assert not coin.contradictions


@pytest.mark.parametrize(
    ("text", "units"),
    [("0.00000001", 1), ("1", 10**8), (1, 10**8), ("1.0", 10**8), ("2.9e-7", 29), ("2.9E-07", 29), ("1e-8", 1), ("20999999.9769", 2099999997690000), ("1e3", 10**11), ("0.29", 29_000_000), ("0.000000010", 1), ("0.000000001", None), ("1e-9", None), ("-1", None), (True, None), (None, None), ("NaN", None), ("1,5", None), ("", None), ("0", 0), ("0e99", 0)],
)  # fmt: skip
def test_amounts_in_coins_are_read_digit_by_digit(text: Any, units: int | None) -> None:
    assert bitcoin_node.units_of(text) == units


def test_bytes_that_are_no_transaction_are_not_claimed() -> None:
    raw = coins.made()
    detect = registry.named("coin-bytes").detect
    assert detect(Export.of("x", raw)) is not None
    for data in (raw + b"\0", raw[:-1], raw.hex().encode() + b"0", b"ab" * 32, bytes.fromhex(coins.GENESIS), coins.GENESIS.encode(),
                 b"", b"\1\0\0\0", b"\2\0\0\0" * 500, b"hello", b'{"hex": "' + raw.hex().encode() + b'"}', raw.hex().encode() + b"\nab"):  # fmt: skip
        assert detect(Export.of("x", data)) is None, data[:20]
    (one,) = read("coin-bytes", coins.FIRST_COINBASE.hex().encode()).rows
    assert one["txid"] == coins.FIRST_TXID == sha256d(coins.FIRST_COINBASE)[::-1].hex()
    assert one["details"]["what"] == "coinbase"


# --- EVM ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [0, 1, 2, 3, 4])
def test_signed_bytes_of_every_type_follow_from_the_fields(kind: int) -> None:
    key = Account.from_key("0x" + "11" * 32)
    fields: dict[str, Any] = {
        "nonce": 0,
        "gas": 21000,
        "to": "0x" + "22" * 20,
        "value": 0,
        "data": "0x",
        "chainId": 1,
    }
    if kind:
        fields["type"] = kind
        fields["accessList"] = [{"address": "0x" + "33" * 20, "storageKeys": ["0x" + "44" * 32]}]
    fields.update({"gasPrice": 9} if kind < 2 else {"maxFeePerGas": 9, "maxPriorityFeePerGas": 0})
    shown: dict[str, Any] = {}
    if kind == 3:
        hashes = ["0x01" + "55" * 31]
        fields.update(maxFeePerBlobGas=1, blobVersionedHashes=hashes)
        shown.update(maxFeePerBlobGas="0x1", blobVersionedHashes=hashes)
    if kind == 4:
        allowed = key.sign_authorization({"chainId": 1, "address": "0x" + "66" * 20, "nonce": 5})
        fields["authorizationList"] = [allowed]
        shown["authorizationList"] = [
            {
                "chainId": "0x1",
                "address": "0x" + "66" * 20,
                "nonce": "0x5",
                "yParity": hex(allowed.y_parity),
                "r": hex(allowed.r),
                "s": hex(allowed.s),
            }
        ]
    signed = key.sign_transaction(fields)
    value = {
        "type": hex(kind), "hash": "0x" + bytes(signed.hash).hex(), "from": key.address, "nonce": "0x0", "gas": hex(21000), "to": fields["to"],
        "value": "0x0", "input": "0x", "chainId": "0x1", "v": hex(signed.v), "r": hex(signed.r), "s": hex(signed.s), "accessList": fields.get("accessList"),
        "gasPrice": "0x9", "maxFeePerGas": "0x9", "maxPriorityFeePerGas": "0x0", "blockNumber": None, "blockHash": None, "transactionIndex": None, **shown,
    }  # fmt: skip
    raw = evm_node.signed_bytes(value)
    assert raw == bytes(signed.raw_transaction)
    assert keccak256(raw) == bytes(signed.hash)
    found = evm_node.read(value, None)
    assert found is not None
    assert [one["level"] for one in found.verdicts] == ["hash_matches", "signature_matches"]
    assert (found.own_chain, found.status) == ("ethereum", "unconfirmed")


def test_a_transaction_in_a_block_is_not_said_to_have_been_carried_out() -> None:
    (one,) = read("evm-node-json", case_bytes("evm-node-json", "plain")).rows
    assert one["status"] == "in_block"
    assert "outcome_not_told" in one["flags"]


def test_symbols_are_seen_through_and_only_a_known_contract_has_a_name() -> None:
    fake = "0x" + "cc" * 20
    for symbol in (
        "USDT",
        "usdt",
        "USD\u0422",
        "U\u0405DT",
        "US\u200bDT",
        "USD\u20ae",
        "\uff35\uff33\uff24\uff34",
        "USDT.",
        " USDT ",
        "U S D T",
        "ETH",
        "\u0415TH",
    ):
        assert "counterfeit_token" in likeness.token_flags("ethereum", fake, symbol), symbol
        assert symbol.isascii() or "homoglyph" in likeness.token_flags("ethereum", fake, symbol)
        # Where no contract of that name is known, none can be called counterfeit.
        assert "counterfeit_token" not in likeness.token_flags("arbitrum-one", fake, "USDT")
        assert "token_not_known" in likeness.token_flags(None, fake, symbol)
    assert likeness.token_flags("ethereum", "0xDAC17F958D2EE523A2206206994597C13D831EC7", "USDT") == ()
    assert likeness.token_flags("ethereum", fake, "Gratis") == ()


def test_poisoning_needs_a_lookalike_and_next_to_nothing() -> None:
    def flags_of(**more: Any) -> list[str]:
        found = read("etherscan-json", listed(row(1, value="5000000000000000000"), row(2, **more)), ETHEREUM)
        return [
            flag
            for flag in found.rows[1].get("flags", ())
            if flag in ("possible_poisoning", "lookalike_address")
        ]

    assert flags_of(to=LIKE_B, value="0") == ["lookalike_address", "possible_poisoning"]
    assert flags_of(to=LIKE_B, value=str(10**14)) == ["lookalike_address", "possible_poisoning"]
    assert flags_of(to=LIKE_B, value=str(10**14 + 1)) == ["lookalike_address"]
    assert flags_of(to="0x" + "77" * 20, value="0") == []
    # The same account in other letters is no look-alike.
    assert flags_of(to=B.replace("abc", "ABC").replace("def", "DEF").replace("0x", "0x"), value="0") == []


def test_a_secret_in_the_place_of_an_address_is_not_repeated() -> None:
    found = read("etherscan-json", listed(row(to=WIF)))
    assert WIF.encode() not in b"".join(found.lines)
    assert "secret_hidden" in found.rows[0]["flags"]


# --- TRON -----------------------------------------------------------------------------------------------


def test_the_sample_of_tron_reads_as_its_source_says(samples: Path) -> None:
    data = (samples / "blockchain" / "tron_transactions.json").read_bytes()
    chosen = registry.choose(Export.of("x", data))
    assert chosen is not None
    assert chosen[0].name == "tron-node-json"
    found = read("tron-node-json", data)
    source = json.loads(data)
    assert [one["txid"] for one in found.rows] == [one["txID"] for one in source]
    assert len(found.rows) == 7
    assert (
        sum(one["verdicts"][0] == {"of": "transaction", "level": "hash_matches"} for one in found.rows) == 7
    )
    assert sum(len(one.get("signers", ())) for one in found.rows) == 6
    assert not any("contradictions" in one for one in found.rows)
    owners = [one["raw_data"]["contract"][0]["parameter"]["value"]["owner_address"] for one in source]
    for one, owner in zip(found.rows, owners, strict=True):
        for signer in one.get("signers", ()):
            assert likeness.judge(signer).sound
            assert likeness.recognise(signer).readings[0].payload_hex == owner[2:]


@pytest.mark.parametrize(
    ("said", "held", "status"),
    [(["SUCCESS"], True, "confirmed"), (["SUCCESS"], False, "unknown"), (["REVERT"], True, "failed"), (["REVERT"], False, "failed"), (["SUCCESS", "OUT_OF_ENERGY"], True, "failed"),
     ([], True, "in_block"), ([], False, "unknown"), (["DEFAULT"], True, "in_block"), (["success"], True, "in_block"), ([True], True, "in_block"), ([1], True, "in_block")],
)  # fmt: skip
def test_only_known_words_say_how_a_transaction_ended(said: list[Any], held: bool, status: str) -> None:
    from custody.evidence.blockchain.captures.tron import result

    coin = esplora.Coin()
    result(coin, said, held=held)
    assert coin.status == status


def test_what_another_kind_of_transaction_moves_is_not_called_trx() -> None:
    plain = json.loads(case_bytes("tronscan-json", "plain"))["data"][0]
    for kind in (2, 4, 31, "1x", True, None):
        (one,) = read("tronscan-json", {"data": [{**plain, "contractType": kind}]}).rows
        assert "asset" not in one["transfers"][0], kind


# --- more than one file ---------------------------------------------------------------------------------


def test_one_transaction_on_top_hides_no_list() -> None:
    value = json.loads(case_bytes("tron-node-json", "plain"))
    assert len(read("tron-node-json", {**value["data"][0], "data": value["data"] * 3}).rows) == 3
    one = json.loads(case_bytes("tronscan-json", "odd"))
    assert len(read("tronscan-json", {**one, "data": [one, one]}).rows) == 2


def test_lookalikes_are_found_over_a_whole_case() -> None:
    first = read("etherscan-json", listed(row(1), row(2))).rows
    second = read("etherscan-json", listed(row(3, to=LIKE_B))).rows
    rows = [("one", one) for one in first] + [("two", one) for one in second]
    junk: list[Any] = [
        {"kind": "ip"},
        {"kind": "coin", "transfers": 5},
        {"kind": "coin", "transfers": [5, {"from": 5}]},
        {},
    ]
    found = lookalikes_in([*rows, *((None, one) for one in junk)])
    (group,) = found.groups
    assert [(one.address, one.places, one.count) for one in group.addresses] == [
        (B, (("one", 1), ("one", 2)), 2),
        (LIKE_B, (("two", 1),), 1),
    ]
    assert (found.compared, found.left_out) == (3, 0)
    assert lookalikes_in(rows[:2]).groups == ()


def test_the_quick_sorting_loses_no_lookalike() -> None:
    from custody.evidence.blockchain.lookalikes import lookalikes

    tron = "TT5rFsXYCrnzdE2q1WdR9F2SuVY59A4hoM"
    several = [
        B, LIKE_B, B.upper().replace("0X", "0x"), tron, tron[:9] + "1" + tron[10:], "\u0422" + tron[1:], "bc1qyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zc6v074", "bc1qyg3zzzzzzzzzzzzzzzzzzzzzzzzzzzzzc6v074",
        "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a", "qpm2qsznhks23z7629mms6s4cwef74vcwvy22xxx6a", "EQCD39VS5jcptHL8vMjEXrzGaRcCVYto7HUn4bpAOg8xqB2N", "EQCD3VS55jcptHL8vMjEXrzGaRcCVYto7HUn4bpAOg8xqB2N",
        "tb1qyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zjuhu9x", "tb1qyg3zzzzzzzzzzzzzzzzzzzzzzzzzzzzzjuhu9x", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DixfNa", "ltc1qyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zabcdef", "ltc1qyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zaxcdef",
    ]  # fmt: skip
    wanted = {frozenset(one.addresses) for one in lookalikes(several)}
    assert len(wanted) >= 7
    assert {frozenset(one.addresses) for one in likeness.alike(several)[0]} == wanted


def test_every_flag_is_of_some_reader() -> None:
    used = {flag for one in reader.READERS for flag in one.flags}
    assert used == set(FLAGS)
