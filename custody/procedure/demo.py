"""The whole job on bundled sample evidence, offline, in under 20 seconds: what `custody demo` runs.

Every result is looked at, not assumed: when the tampered copy is not caught, or the withheld name is
found in the package, the demo itself fails.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from custody.anchor.test_authority import TestAuthority
from custody.crypto.keys import CustodianKeys, SignKey
from custody.errors import CheckFailed, InputRefused
from custody.evidence.blockchain.payment import payment_reference
from custody.evidence.network.ip import ip_reference
from custody.export import encrypted
from custody.format import words
from custody.format.text import show
from custody.format.trust import Trust
from custody.keys import keyfile, recovery
from custody.procedure import access, authorities, cases, collect, export, read, setup, sources, trust, typed
from custody.procedure import check as checking
from custody.procedure.derive import Derived, Wish
from custody.procedure.locker import Desk
from custody.procedure.rim import Rim
from custody.verify.package import verify
from custody.verify.report import Outcome, Report
from custody.verify.text import lines
from custody.verify.token import read_roots

PASSPHRASE = "demonstration only"  # noqa: S105 — it opens nothing but the demo itself
CHAT_SAMPLE = "chat-export.zip"
WITHHELD_NAME = "WhatsApp Chat with Mira Example.zip"
"""What the chat export is called on the desk, as phones do it; withheld from the package, then searched for."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the demo leaves to look at."""

    directory: Path
    items: int
    package: Path
    verdict: int
    tampered_verdict: int
    fingerprint: tuple[str, ...]


def run(directory: Path, samples: Mapping[str, bytes], rim: Rim, say: Say) -> Shown:
    """Make everything in ``directory`` (absent or empty). ``samples``: file name to bytes; ``say`` gets lines."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise InputRefused(
            "there is something here already",
            where=show(str(directory)),
            hint="name a folder that does not exist yet",
        )
    authority = TestAuthority(clock=rim.now)
    with authority.serve() as url:
        return _Demo(directory, samples, rim, say).run(authority, url)


class _Demo:
    def __init__(self, directory: Path, samples: Mapping[str, bytes], rim: Rim, say: Say) -> None:
        self.directory = directory
        self.samples = samples
        self.rim = rim
        self.say = say
        self.step = 0

    def title(self, text: str) -> None:
        self.step += 1
        self.say("")
        self.say(f"{self.step}. {text}")

    def run(self, authority: TestAuthority, url: str) -> Shown:
        self.say("custody demo: synthetic evidence, a test timestamp authority on this machine, no network")
        desk = self._set_up(authority, url)
        case, collected = self._collect(desk)
        self._look(desk, case)
        exported, believed = self._export(desk, case)
        report = self._verify(exported.path, believed)
        tampered = self._tamper(exported.path, believed)
        self._withheld(exported.path)
        self.title("What is left for you to look at")
        for name, what in (
            ("evidence/", "the sample files, as they were collected"),
            ("locker/", "the locker: a ledger, a vault, nothing readable in either"),
            ("package.zip", "the package, and package-encrypted.zip, the same way it should travel"),
            ("tampered.zip", "the copy with one bit changed"),
            ("trust.json", "what the verifier's side believes"),
            ("key, passphrase.txt", "the demo custodian's key; a real passphrase is never kept in a file"),
            ("recovery-sheet.txt", "the paper way back into the locker"),
        ):
            self.say(f"   {name:<22} {what}")
        return Shown(
            directory=self.directory,
            items=collected,
            package=exported.path,
            verdict=report.exit_code,
            tampered_verdict=tampered.exit_code,
            fingerprint=exported.fingerprint,
        )

    def _set_up(self, authority: TestAuthority, url: str) -> Desk:
        self.title("A key, a locker, and a way back into it")
        evidence = self.directory / "evidence"
        evidence.mkdir(parents=True)
        for name, data in self.samples.items():
            (evidence / (WITHHELD_NAME if name == CHAT_SAMPLE else name)).write_bytes(data)
        (self.directory / "passphrase.txt").write_text(PASSPHRASE + "\n", "utf-8")
        keys = CustodianKeys(SignKey(self.rim.random(32)), self.rim.random(96))
        key_file = keyfile.create(
            self.directory / "key", PASSPHRASE.encode(), keys, now=self.rim.wall(), random=self.rim.random
        )
        sheet = recovery.new_sheet(self.rim.random(32))
        made = setup.init(
            self.directory / "locker",
            key_file,
            self.rim,
            name="A. Investigator (demo)",
            organisation="Example Shelter (demo)",
            how=setup.Recovery(sheet=sheet),
            tsa=[authorities.Named(url=url, roots=read_roots(authority.root_pem, "test authority"))],
        )
        page = recovery.render(sheet, made.origin, made.fingerprint, self.rim.wall())
        recovery.write(self.directory / "recovery-sheet.txt", page)
        self.say(f"   locker made: {self.directory / 'locker'}")
        self.say(f"   its record in twelve words: {' '.join(made.fingerprint)}")
        return setup.open_desk(self.directory / "locker", key_file, self.rim)

    def _collect(self, desk: Desk) -> tuple[str, int]:
        self.title("Collect: hash, encrypt, log, timestamp")
        case = cases.open_case(desk, "DEMO-1", title="Demonstration", legal_basis="consent (synthetic)")
        found = sources.look([self.directory / "evidence"])
        record = {
            "capture": {
                "description": "sample files that ship with custody",
                "method": "copied from the installed program",
                "completeness": "all of them",
                "original_untouched": "yes",
            },
            "source": {"kind": "file", "text": "custody's own samples"},
        }
        done = collect.collect(desk, found, collect.Request(case=case, record=record, derive=Wish()))
        for item in done.items:
            name = show((item.path or b"").rsplit(b"/", 1)[-1])
            self.say(f"   in: {item.label}  {item.size:>6} bytes  {item.media_type:<18} {name}")
            if isinstance(item.derived, Derived) and item.derived.chat is not None:
                made = item.derived.chat.summary
                self.say(
                    f"       a chat of {made.messages} messages, each with its number and its place:"
                    f" {item.label}.1; and what it attaches"
                )
        self.say(f"   digest over all: sha256:{done.digest}")
        ip = typed.add_ip(
            desk,
            collect.Request(case=case),
            ip_reference("203.0.113.7", time="2026-03-03 20:14:05", offset="+01:00", port="51234"),
        )
        payment = typed.add_payment(
            desk, collect.Request(case=case), payment_reference("bitcoin", "ab" * 32, amount="0.015")
        )
        self.say(f"   in: {ip.items[0].label}  an IP address (it names a connection, not a person)")
        self.say(f"   in: {payment.items[0].label}  a payment reference")
        for token in payment.sealed.tokens if payment.sealed else ():
            when = token.gen_time.strftime("%Y-%m-%d %H:%M:%S UTC")
            self.say(f"   time proof: {when}, by {token.signer}")
        return case, len(done.items) + 2

    def _look(self, desk: Desk, case: str) -> None:
        self.title("Read one back, and check the locker against itself")
        item = desk.locker.work.items(case)[0]
        target = self.directory / "read-back.bin"
        back = read.read_to_file(desk, item, target, access.Purpose(text="demonstration"))
        if target.read_bytes() not in self.samples.values():
            raise CheckFailed("what was read back is not what was collected", where=item.label)
        target.unlink()
        read.read_done(desk, desk.locker.work.items(case)[0], access.Purpose(text="demonstration"))
        self.say(
            f"   {item.label}: {back.size} bytes, identical; the reading is logged, and that the copy is gone"
        )
        checked = checking.check(desk.locker, desk)
        failure = checked.first_failure
        if failure is not None:
            raise CheckFailed(failure.text, where=failure.where)
        self.say(
            f"   check: {checked.entries} entries, {checked.objects} objects, all wraps to this key: all fit"
        )

    def _export(self, desk: Desk, case: str) -> tuple[export.Exported, Trust]:
        self.title("Export, leaving the original file names out")
        choice = export.Choice(case=case, withhold=("name",))
        made = export.export(
            desk, choice, self.directory / "package.zip", purpose="demonstration", recipient="you", plain=True
        )
        believed = trust.from_locker(desk.locker)
        trust.write(self.directory / "trust.json", believed, replace=False)
        closed = export.export(
            desk, choice, self.directory / "package-encrypted.zip", purpose="demonstration", recipient="you"
        )
        self.say(
            f"   {made.path.name}: {made.items} of {made.of_items} items, {made.size} bytes, not encrypted"
        )
        self.say(f"   {closed.path.name}: encrypted; its passphrase: {closed.passphrase}")
        with encrypted.unwrap(closed.path, closed.passphrase or "") as inner:
            if not verify(inner, now=self.rim.now()).intact:
                raise CheckFailed("the encrypted package does not verify", where=closed.path.name)
        return made, believed

    def _verify(self, package: Path, believed: Trust) -> Report:
        self.title("Verify it as a stranger would: the package, and a trust file")
        with package.open("rb") as file:
            report = verify(file, trust=believed, now=self.rim.now())
        for line in lines(report):
            self.say(f"   {line}" if line else "")
        if report.exit_code != 0:
            raise CheckFailed("the demo's own package did not verify", found=report.record_line)
        return report

    def _tamper(self, package: Path, believed: Trust) -> Report:
        self.title("Change one bit in a copy, and verify that")
        tampered = self.directory / "tampered.zip"
        shutil.copyfile(package, tampered)
        with tampered.open("r+b") as file:
            data = file.read()
            place = data.index(self.samples["access.log"][:64])
            file.seek(place + 20)
            file.write(bytes([data[place + 20] ^ 1]))
        with tampered.open("rb") as file:
            report = verify(file, trust=believed, now=self.rim.now())
        if report.exit_code != 1:
            raise CheckFailed("the tampered copy was not caught", found=report.record_line)
        self.say(f"   {report.record_line}")
        for finding in [f for f in report.findings if f.outcome is Outcome.FAILED][:4]:
            self.say(f"     {show(finding.where or '')}: {finding.text}")
        wrong = words.encode(bytes(16))
        with package.open("rb") as file:
            other = verify(
                file, fingerprint=words.decode(" ".join(wrong), count=12, where="demo"), now=self.rim.now()
            )
        if other.exit_code != 1:
            raise CheckFailed("twelve words of another record were accepted")
        self.say("   and with the twelve words of somebody else: " + other.record_line)
        return report

    def _withheld(self, package: Path) -> None:
        self.title("Look for a name that was withheld")
        if WITHHELD_NAME.encode() in package.read_bytes():
            raise CheckFailed("the withheld name is in the package", where=package.name)
        self.say(f"   “{WITHHELD_NAME}” is nowhere in {package.name}, not even encrypted")
