"""What goes out by way of something else is said before; a package of forms holds nothing that it need not."""

from __future__ import annotations

import base64
import getpass
import io
import json
import socket
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from custody.crypto import sealing
from custody.format import envelope
from custody.keys import keyfile
from custody.procedure.export import SHOWABLE
from tests.test_cli_work import SMALL, done, run, value
from tests.test_export import every_layer

CHAT = b"".join(
    b"27/03/2022, 21:4%d - %s: hello Zztextzz\n" % (at, name)
    for at, name in enumerate((b"Zzannzz", b"Zzbenzz") * 2)
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A locker with an archive of a chat (a picture and a page in it), a chat alone, and a log."""
    folder = tmp_path_factory.mktemp("Zzmachinezz")
    here = SimpleNamespace(
        locker=folder / "L", key=folder / "key", passphrase=folder / "passphrase", folder=folder
    )
    here.passphrase.write_text("a passphrase for tests\n")
    here.passphrase.chmod(0o600)
    evidence = folder / "evidence"
    evidence.mkdir()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("WhatsApp Chat with Zzannzz.txt", CHAT)
        file.writestr("IMG-20220327-WA0001.jpg", b"\xff\xd8\xff\xe0 Zzpicturezz")
        file.writestr("Zzpagezz.pdf", b"%PDF-1.4 Zzinsidezz")
    (evidence / "1 Zzarchivezz.zip").write_bytes(packed.getvalue())
    (evidence / "2 Zzalonezz.txt").write_bytes(CHAT)
    line = b'203.0.113.%d - - [03/Mar/2026:20:14:%02d +0100] "GET /Zzpathzz HTTP/1.1" 200 12\n'
    (evidence / "3 Zzlogzz.log").write_bytes(b"".join(line % (at, at) for at in range(20)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(keyfile.create.__kwdefaults__, "params", SMALL)
        done(
            run(
                here,
                "init",
                here.locker,
                "--name",
                "Zzkeeperzz",
                "--organisation",
                "Zzorgzz",
                "--no-recovery",
            )
        )
    done(run(here, "case", "open", "R-1"))
    here.form = folder / "form.toml"
    said = {"source": "Zzsourcezz", "place": "Zzplacezz", "identity": "Zzpersonzz", "note": "Zznotezz"}
    here.form.write_text("".join(f'[{part}]\ntext = "{text}"\n' for part, text in said.items()))
    words = ("--form", here.form, "--handling", "shelter-location")
    done(run(here, "collect", evidence, "--case", "R-1", "--yes", "--no-seal", *words))
    labels = [one["label"] for one in value(run(here, "list", "--json"))["items"]]
    assert labels == [
        "A-1/01",
        "A-1/01.1",
        "A-1/01.2",
        "A-1/01.3",
        "A-1/02",
        "A-1/02.1",
        "A-1/03",
        "A-1/03.1",
    ]
    return here


def export(place, tmp_path: Path, items: tuple[str, ...], *words: str) -> tuple[bytes, list[str]]:
    """All layers of a plain package in one, and what was warned of."""
    out = tmp_path / "out.zip"
    told = value(
        run(place, "export", *items, "--case", "R-1", "--no-seal", "--plain", "-o", out, *words, "--json",
            "--purpose", "Zzpurposezz", "--recipient", "Zzrecipientzz")
    )  # fmt: skip
    assert run(place, "verify", out).exit_code == 6
    preview = value(run(place, "export", *items, "--case", "R-1", "--preview", *words, "--json"))
    assert preview.get("warnings", []) == told.get("warnings", [])
    data = out.read_bytes()
    return b"\0".join([*every_layer(data), opened(data)]), told.get("warnings", [])


def opened(package: bytes) -> bytes:
    """All parts that a package shows, as whoever gets it can open them."""
    found = []
    with zipfile.ZipFile(io.BytesIO(package)) as file:
        record = "bag/custody/"
        for line in file.read(f"{record}keys.jsonl").splitlines():
            key = json.loads(line)
            body = envelope.from_bytes(
                file.read(f"{record}entries/{key['seq']}.json"),
                payload_type=envelope.ENTRY_TYPE,
                where="entry",
            )
            entry = json.loads(body.payload)
            sealed = file.read(f"{record}parts/{entry['sealed'][key['compartment']]}")
            subject = entry["subject"]
            value = sealing.open_compartment(
                base64.b64decode(key["key"]), entry["ledger"], subject["id"], subject["n"], key["compartment"],
                sealed, where="part",
            )  # fmt: skip
            found.append(json.dumps(value, ensure_ascii=False).encode())
    return b"\0".join(found)


ALWAYS_OUT = [
    "Zzmachinezz", "Zzkeeperzz", "Zzorgzz", "Zzpurposezz", "Zzrecipientzz", "Zzplacezz", "Zzpersonzz", "Zznotezz",
    "shelter-location",
]  # fmt: skip
NAMES = ["Zzarchivezz", "Zzalonezz", "Zzlogzz"]


@pytest.mark.parametrize(
    ("items", "inside", "outside"),
    [
        (("A-1/02.1",), ["Zztextzz", "Zzannzz"], ["Zzpicturezz", "Zzpagezz", "Zzpathzz"]),
        (("A-1/03.1",), ["Zzpathzz"], ["Zztextzz", "Zzannzz", "Zzpagezz"]),
        (
            ("A-1/01.2",),
            ["Zzpicturezz"],
            ["Zztextzz", "Zzannzz", "Zzpagezz", "Zzinsidezz", "IMG-2022", "Zzpathzz"],
        ),
        (
            ("A-1/01.3",),
            ["Zzinsidezz"],
            ["Zztextzz", "Zzannzz", "Zzpagezz", "Zzpicturezz", "IMG-2022", "Zzpathzz"],
        ),
        (("A-1/01.1",), ["Zztextzz", "Zzpagezz"], ["Zzpicturezz", "Zzinsidezz", "Zzpathzz"]),
        (("A-1/03", "A-1/03.1"), ["Zzpathzz"], ["Zztextzz", "Zzannzz", "Zzpagezz"]),
        ((), ["Zzpathzz", "Zztextzz", "Zzpicturezz", "Zzpagezz"], []),
    ],
)
def test_what_is_withheld_does_not_come_out_by_way_of_a_form(place, tmp_path, items, inside, outside) -> None:
    layers, _ = export(place, tmp_path, items, "--withhold", ",".join(n for n in SHOWABLE if n != "content"))
    for secret in [*ALWAYS_OUT, *NAMES, "Zzsourcezz", *outside]:
        assert secret.encode() not in layers, secret
    for text in inside:
        assert text.encode() in layers, text
    user, host = getpass.getuser(), socket.gethostname()
    assert all(len(one) < 5 or one.encode() not in layers for one in (user, host, str(place.folder)))


@pytest.mark.parametrize(
    ("items", "words", "told"),
    [
        (("A-1/02", "A-1/02.1"), (), []),
        (("A-1/02",), (), []),
        ((), (), []),
        (("A-1/01.2",), (), []),
        (("A-1/01",), (), ["A-1/01 holds A-1/01.2, A-1/01.3, left out as items of their own"]),
        (("A-1/01", "A-1/01.3"), (), ["A-1/01 holds A-1/01.2, left out"]),
        (("A-1/02.1", "A-1/03.1"), (), ["forms of items that are left out: A-1/02.1, A-1/03.1"]),
        (
            (),
            ("--withhold", "name"),
            ["forms of archives: A-1/01.1: they repeat the names of the files inside"],
        ),
    ],
)
def test_what_goes_out_by_way_of_something_else_is_said(place, tmp_path, items, words, told) -> None:
    _, warnings = export(place, tmp_path, items, *words)
    assert len(warnings) == len(told), warnings
    for wanted, found in zip(told, warnings, strict=True):
        assert wanted in found


def test_parts_that_a_package_shows_of_a_form_have_no_name_of_another_item(place, tmp_path) -> None:
    """A file's part `name` has its own place in the archive; a form's has none."""
    layers, _ = export(place, tmp_path, ("A-1/01.2",))
    assert b"Zzpagezz" not in layers
    assert all(name.encode() not in layers for name in NAMES)
    shown = value(run(place, "show", "A-1/01.2", "--purpose", "x", "--json"))
    assert "Zzarchivezz" not in json.dumps(shown["item"])
