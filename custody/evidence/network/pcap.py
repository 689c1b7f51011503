"""Captures of network traffic (pcap, pcapng): who spoke to whom, from when to when, how much. Contents are not read.

A flow (protocol, two addresses, two ports) is one row, at the place of its first packet; the row's address is the one
that sent it. All other packets are counted in their flow's row. The table of flows is bounded: when it is full, its
rows are given, and counting begins anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from custody.evidence.chat.json_text import MAX_INTEGER
from custody.evidence.export import Export, Member, cut
from custody.evidence.instants import Instant
from custody.evidence.network import pcap_file, pcap_frames
from custody.evidence.network.ip import Address, canonical, seen_address
from custody.evidence.network.pcap_file import Other, Packet
from custody.evidence.network.pcap_frames import Ends
from custody.evidence.network.said import known
from custody.evidence.reading import Decided, Detected, Notice, Range, Settings
from custody.evidence.records.model import Record, Row
from custody.evidence.records.moments import since_1970
from custody.evidence.records.reader import RecordReader

MOST_FLOWS = 50_000
"""Flows, and what stands between them, that are in memory at once."""

_PROTOCOLS = {
    1: "icmp", 2: "igmp", 4: "ipip", 33: "dccp", 41: "ipv6", 47: "gre", 50: "esp", 51: "ah", 58: "icmpv6", 89: "ospf",
    136: "udplite",
}  # fmt: skip
_TRANSPORTS = {6: "tcp", 17: "udp", 132: "sctp"}
_SYN, _ACK = 2, 16
_CLOCK = "the clock of the capturing machine, which nobody has checked"
_Key = tuple[int, bool, bytes, int, bytes, int]


class _Flow:
    """One flow while it is counted. Times are (nanoseconds since 1970, as written)."""

    __slots__ = (
        "back", "back_bytes", "bytes", "end", "ends", "first", "last", "number", "packets", "split",
        "start", "timeless",
    )  # fmt: skip

    def __init__(self, packet: Packet, ends: Ends, number: int, split: bool) -> None:
        self.start, self.end, self.ends, self.number, self.split = (
            packet.start,
            packet.end,
            ends,
            number,
            split,
        )
        self.first = self.last = None if packet.seconds is None else _at(packet)
        self.packets = self.bytes = self.back = self.back_bytes = self.timeless = 0

    def count(self, packet: Packet, ends: Ends) -> None:
        """Count a packet of either direction."""
        if (ends.source, ends.source_port) == (self.ends.source, self.ends.source_port):
            self.packets += 1
            self.bytes += packet.length
        else:
            self.back += 1
            self.back_bytes += packet.length
        if packet.seconds is None:
            self.timeless += 1
        else:
            at = _at(packet)
            self.first = at if self.first is None else min(self.first, at)
            self.last = at if self.last is None else max(self.last, at)

    def counts(self) -> tuple[tuple[str, int], ...]:
        """Packets and bytes (on the wire), both ways."""
        return (
            ("bytes", self.bytes),
            ("bytes_back", self.back_bytes),
            ("packets", self.packets),
            ("packets_back", self.back),
        )

    def begins_anew(self, ends: Ends) -> bool:
        """A TCP handshake with another number: the same ports are used again, perhaps by somebody else."""
        if ends.protocol != 6 or ends.flags & (_SYN | _ACK) != _SYN:
            return False
        ours = self.ends
        return not (
            ours.flags & (_SYN | _ACK) == _SYN
            and (ours.source, ours.source_port, ours.sequence)
            == (ends.source, ends.source_port, ends.sequence)
        )


def _at(packet: Packet) -> tuple[int, str]:
    assert packet.seconds is not None
    raw = f"{packet.seconds}.{packet.fraction}" if packet.fraction else str(packet.seconds)
    return packet.seconds * 10**9 + int(packet.fraction[:9].ljust(9, "0")), raw


def _key(ends: Ends) -> _Key:
    """The same for both directions; one address may speak to itself."""
    one, other = (ends.source, ends.source_port or 0), (ends.target, ends.target_port or 0)
    first, second = min(one, other), max(one, other)
    return (ends.protocol, ends.fragment, *first, *second)


def detect(export: Export) -> Detected | None:
    """By the first bytes."""
    if export.zipped or not pcap_file.is_capture(export.members[0].head(12)):
        return None
    return Detected(score=99, reasons=("the first bytes are those of a capture",))


def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """One row a flow, at the place of its first packet."""
    del settings
    for at in detected.members:
        yield Decided("zone", "UTC", "decided", (f"packets carry seconds since 1970, by {_CLOCK}",), at)
        yield from _Capture(export.members[at]).read()


class _Capture:
    """Reads one file. ``_events``: flows and what else is told, in the order of the file, not yet given."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self._data = member.open()
        self._flows: dict[_Key, _Flow] = {}
        self._events: list[_Flow | Other] = []
        self._given = 0  # the first byte that is in no row and no range yet
        self._split = False
        self._untold: Counter[str] = Counter()

    def read(self) -> Iterator[Record]:
        number = 0
        for one in pcap_file.packets(self._data):
            if isinstance(one, Other):
                self._keep(one)
            else:
                number += 1
                self._count(one, number)
            if len(self._events) >= MOST_FLOWS:
                yield from self._give()
                if not self._split:
                    yield Notice(
                        "flow_table_full",
                        f"there are more than {MOST_FLOWS} flows: rows behind may go on with flows above",
                        member=self._member.index,
                    )
                self._split = True
        yield from self._give()
        if self._given < self._member.size:
            yield Range(self._member.index, self._given, self._member.size, "outside")
        for reason, count in sorted(self._untold.items()):
            text = f"{count} packets {pcap_frames.REASONS[reason]}"
            yield Notice(f"packets_{reason}", text, member=self._member.index)

    def _keep(self, one: Other) -> None:
        before = self._events[-1] if self._events else None
        if isinstance(before, Other) and (before.end, before.what, before.why) == (
            one.start,
            one.what,
            one.why,
        ):
            self._events[-1] = before._replace(end=one.end)
        else:
            self._events.append(one)

    def _count(self, packet: Packet, number: int) -> None:
        ends = pcap_frames.ends(packet.link, packet.data)
        if isinstance(ends, str):
            self._untold[ends] += 1
            return
        key = _key(ends)
        flow = self._flows.get(key)
        if flow is None or flow.begins_anew(ends):
            flow = self._flows[key] = _Flow(packet, ends, number, self._split)
            self._events.append(flow)
        flow.count(packet, ends)

    def _give(self) -> Iterator[Record]:
        index = self._member.index
        for event in self._events:
            if event.start > self._given:
                yield Range(index, self._given, event.start, "outside")
            self._given = event.end
            if isinstance(event, _Flow):
                yield self._row(event)
            elif event.what == "cut":
                raw = cut(self._data, event.start, event.end)
                yield Row(index, event.start, event.end, raw, "unknown", event.why, flags=("row_truncated",))
            else:
                if event.why:
                    yield Notice(f"capture_{event.what}", event.why, member=index)
                yield Range(index, event.start, event.end, event.what)
        self._events.clear()
        self._flows.clear()

    def _row(self, flow: _Flow) -> Row:
        ends = flow.ends
        flags = []
        if flow.timeless:
            flags.append("packet_without_time")
        if flow.split:
            flags.append("flow_split")
        if ends.fragment:
            flags.append("fragments")
        if ends.protocol == 6 and not ends.fragment and ends.flags & (_SYN | _ACK) != _SYN:
            flags.append("start_not_seen")
        protocol = _PROTOCOLS.get(ends.protocol, str(ends.protocol))
        values = {
            "clock_note": _CLOCK,
            "dest_port": ends.target_port or None,
            "details": {name: min(count, MAX_INTEGER) for name, count in flow.counts()},
            "event": "other:flow",
            "ip_role": "peer",
            "port": ends.source_port or None,
            "transport": _TRANSPORTS.get(ends.protocol, f"other:{protocol}"),
        }
        return Row(
            self._member.index, flow.start, flow.end, cut(self._data, flow.start, flow.end), "ip",
            f"packet {flow.number}", _instant(flow.first), _instant(flow.last), _address(ends.source),
            _address(ends.target), known(values), tuple(flags),
        )  # fmt: skip


def _instant(at: tuple[int, str] | None) -> Instant | None:
    return None if at is None else since_1970(at[1], "s")


def _address(data: bytes) -> Address:
    return seen_address(canonical(4 if len(data) == 4 else 6, int.from_bytes(data, "big")))


READER = RecordReader(
    name="pcap",
    version=1,
    title="Captures of network traffic (pcap, pcapng)",
    recorder="capture",
    zone="seconds since 1970, by the clock of the capturing machine",
    detect=detect,
    read=read,
    contains=(
        "flows: both addresses, both ports, protocol, first and last packet, how many packets and bytes",
    ),
    never=(
        "what was said: contents are not read",
        "who sat at either end",
        "what was not captured: other networks, other hours, packets that the machine dropped",
        "what lies in a tunnel",
    ),
    flags={
        "flow_split": "the table of flows was full before: the same flow may have a row above",
        "fragments": "later parts of divided packets: their ports stand in the first part, which has a row of its own",
        "packet_without_time": "packets of it carry no time that can be one; first and last are those of the others",
        "start_not_seen": "the beginning of the connection was not captured: who opened it is not known",
    },
    shows_raw=False,
)
