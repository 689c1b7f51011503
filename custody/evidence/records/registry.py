"""The readers of records: one line each. What is here is tested and documented (tests/test_records.py holds it)."""

from __future__ import annotations

from custody.errors import InputRefused
from custody.evidence.blockchain.captures import reader as captures
from custody.evidence.claims import claims as all_claims
from custody.evidence.export import Export
from custody.evidence.image import picture
from custody.evidence.network import (
    access_log,
    aws_elb_log,
    error_log,
    haproxy_log,
    iis_w3c,
    iis_xml,
    ip_table,
    json_access_log,
    mail_received,
    pcap,
    rdap,
    returns,
    syslog,
    tor_list,
)
from custody.evidence.reading import Detected
from custody.evidence.records.reader import RecordReader
from custody.evidence.web import wacz, warc

READERS: tuple[RecordReader, ...] = (
    *returns.READERS,
    ip_table.READER,
    access_log.READER,
    error_log.APACHE,
    error_log.NGINX,
    json_access_log.READER,
    haproxy_log.READER,
    aws_elb_log.READER,
    iis_w3c.READER,
    iis_xml.READER,
    syslog.READER,
    mail_received.READER,
    tor_list.READER,
    rdap.READER,
    pcap.READER,
    warc.READER,
    wacz.READER,
    *captures.READERS,
    picture.READER,
)


def named(name: str) -> RecordReader:
    """The reader of that name, or InputRefused."""
    for reader in READERS:
        if reader.name == name:
            return reader
    raise InputRefused(
        "there is no reader of this name",
        where="--format",
        expected=", ".join(reader.name for reader in READERS),
        found=name,
        hint="custody formats tells what each reads",
    )


def claims(export: Export) -> list[tuple[RecordReader, Detected]]:
    """The readers that claim an export, the surest first; see `custody.evidence.claims`."""
    return all_claims(READERS, export)


def choose(export: Export) -> tuple[RecordReader, Detected] | None:
    """The one reader whose claim is surer than all others'; None where nobody claims it, or two alike.

    Two that are alike sure of different files of a zip contradict each other in nothing: the first by name reads, and
    `custody.evidence.registry.beside` tells of the other.
    """
    found = claims(export)
    top = [detected for _, detected in found if detected.score == found[0][1].score]
    files = [at for detected in top for at in detected.members]
    if not found or len(files) != len(set(files)):
        return None
    return found[0]
