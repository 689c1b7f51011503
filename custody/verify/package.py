"""Verifying a package: every check that can be made, in the order of docs/format/verify-order.md.

Reads, never writes; fetches nothing; runs nothing of the package. It does not stop at the first fault.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, field
from typing import BinaryIO

from custody.errors import CustodyError
from custody.format import package as formats
from custody.format.entry import NewerVersion
from custody.format.text import show
from custody.format.trust import Trust
from custody.verify import bundle as bundles
from custody.verify import clocks, histories, reading, signers, times
from custody.verify import contents as shown
from custody.verify import record as records
from custody.verify.conclusion import conclude
from custody.verify.container import is_encrypted_wrapper
from custody.verify.record import Record
from custody.verify.report import Findings, Report
from custody.verify.zip_records import ContainerError


@dataclass(slots=True)
class Examined:
    """What was read of a package, for `compare`; None where reading did not come so far."""

    record: Record | None = None
    contents: shown.Contents | None = None
    proofs: dict[str, dict[int, tuple[bytes, ...]]] = field(default_factory=dict)


def verify(
    file: BinaryIO,
    *,
    trust: Trust | None = None,
    fingerprint: bytes | None = None,
    now: dt.datetime | None = None,
    keep: Examined | None = None,
) -> Report:
    """The report on a package. ``fingerprint``: the 16 bytes of the twelve words; ``now``: the verifier's clock.

    ``keep`` is filled with what the report rests on.

    Raises nothing of the package's: what can't be read is a report too.
    """
    findings = Findings()
    try:
        if is_encrypted_wrapper(file):
            says = "the package is encrypted; custody verify asks for its passphrase. Or open it with 7-Zip"
            return _unreadable(f"{says}, and check package.custody, which lies in it", findings)
        bundle = bundles.Bundle(file)
    except ContainerError as error:
        return _unreadable(error.message, findings)
    missing = bundles.missing_parts(bundle)
    if missing and not any(name.startswith(formats.RECORD) for name in bundle.names):
        return _unreadable("not a package of custody: it has no record", findings)
    digests = bundles.check_files(bundle, findings)
    bundles.known_names(bundle, findings)
    for name in missing:
        findings.failed("statement", "file missing", where=name)
    if missing:
        return Report(findings=findings.all(), missing=("nothing more can be checked without these files",))
    return _verify_record(bundle, digests, trust or Trust(), fingerprint, now, findings, keep or Examined())


_NEWER_BEGINNING = "the record begins in a way that this version does not know: made by a newer custody"


def _unreadable(reason: str, findings: Findings) -> Report:
    findings.not_checked("container", "nothing was checked")
    return Report(findings=findings.all(), unreadable=reason)


def _verify_record(
    bundle: bundles.Bundle,
    digests: dict[str, bundles.FileDigest],
    trust: Trust,
    fingerprint: bytes | None,
    now: dt.datetime | None,
    findings: Findings,
    keep: Examined,
) -> Report:
    try:
        statement, signed = bundles.read_statement(bundle)
        shown_data = bundle.read_list(formats.SHOWN, bundles.ROW_OF_SHOWN)
        rows = formats.read_shown(shown_data, where=formats.SHOWN)
    except CustodyError as error:
        findings.error("statement", error)
        return Report(findings=findings.all(), missing=("the exporter's statement can't be read",))
    files = bundles.check_statement(statement, digests, findings)
    try:
        record = reading.read(bundle, statement, findings)
    except NewerVersion:
        return _unreadable(_NEWER_BEGINNING, findings)
    if record is None:
        return Report(findings=findings.all(), missing=("the record can't be read",))
    for volume in record.volumes:
        beginning = record.entries.get(volume.base)
        if beginning is not None and not records.can_begin(beginning):
            # Its keys and its custodians stand in its first entry: nothing else can be judged without it.
            return _unreadable(_NEWER_BEGINNING, findings)
    signers.check_note(record, findings)
    histories.check(record, findings)
    histories.check_volumes(bundle, record, findings)
    made = record.entries.get(record.size - 1)
    if made is None or made.body is None or made.body.kind != "package.made" or made.seq in record.newer:
        findings.failed("export", "the record does not end with the making of this package")
        made = None
    signers.check_statement(statement, signed, record, made, files, findings)
    time = times.check(bundle, record, trust, now, findings)
    clocks.check(record, time, findings)
    contents = shown.Contents()
    if made is not None and made.seq not in record.unsound:
        if made.body is not None and made.body.public["form"] != formats.FORM:
            findings.failed(
                "export", "another form of package than this one", found=show(str(made.body.public["form"]))
            )
        shown_digest = hashlib.sha256(shown_data).hexdigest()
        histories.check_heads(record, made, rows, shown_digest, findings)
        histories.check_earlier_packages(record, made, findings)
        histories.conclude(record, findings)
        contents = shown.check(bundle, digests, record, made, findings)
    keep.record, keep.contents, keep.proofs = record, contents, time.proofs
    return conclude(record, made, contents, time, trust, fingerprint, findings)
