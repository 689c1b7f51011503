"""What tables of addresses look like and what their headers are called: to claim and propose, never to read by."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from custody.evidence.chat.table.csv_rows import Row as TableRow
from custody.evidence.network.ip import seen_address
from custody.evidence.network.profile import plain
from custody.evidence.network.table_layout import unquoted
from custody.evidence.network.table_source import Source
from custody.evidence.network.written_times import Clock

NO_CLAIM = 30
LOOKED = 60
"""Rows that are looked at for telling and proposing."""

_WORDS: Mapping[str, str] = {
    "ip": "ip|address|adresse|dirección|direccion|endereço|endereco|indirizzo|"
    "ip address|ip addr|ipaddress|ip adresse|source ip|src ip|source ip address|source address|client ip|"
    "client ip address|clientip|public ip|public ip address|external ip|nat ip|public ipv4|ipv4|ipv6|ipv4 address|"
    "ipv6 address|assigned ip|framed ip address|remote ip|remote address|login ip|user ip|adresse ip|ip source|"
    "adresse ip source|direccion ip|dirección ip|ip publica|ip pública|endereco ip|endereço ip|indirizzo ip|"
    "öffentliche ip|öffentliche ip adresse|quell ip|adres ip|ip cim|ip cím|ip adres|ip-adres|adresa ip",
    "port": "port|source port|src port|sourceport|client port|public port|external port|nat port|quellport|port source|"
    "puerto|puerto origen|porta|porta logica|porta lógica|porta de origem|port źródłowy",
    "port_range": "port range|port block|ports|portbereich|plage de ports|rango de puertos",
    "port_first": "start port|port start|first port|port from|port min|erster port",
    "port_last": "end port|port end|last port|port to|port max|letzter port",
    "time": "time|timestamp|date time|datetime|date/time|date and time|zeit|zeitpunkt|zeitstempel|datum/uhrzeit|"
    "datum uhrzeit|event time|login time|log time|start|start time|start date time|session start|begin|beginn|"
    "connect time|connection start|lease start|horodatage|fecha y hora|fecha hora|data e hora|data/hora|data hora",
    "time_end": "end|end time|end date time|stop|stop time|session end|ende|disconnect time|logout time|connection end|"
    "lease end|fin|fim",
    "date": "date|datum|fecha|data|day|jour|start date",
    "clock": "time of day|uhrzeit|hora|heure|ora|godzina",
    "date_end": "end date|enddatum",
    "offset": "offset|utc offset|gmt offset|time zone|timezone|tz|zeitzone|fuseau horaire|zona horaria|fuso horario",
    "dest_ip": "destination ip|dest ip|dst ip|destination ip address|destination address|destination|ziel ip|server ip",
    "dest_port": "destination port|dest port|dst port|zielport|server port",
    "transport": "protocol|proto|transport|protokoll|ip protocol|protocole|protocolo",
    "account": "account|account id|user|user id|username|user name|userid|login|e mail|email|benutzer|benutzername|"
    "usuario|usuário|utilisateur",
    "subscriber": "subscriber|subscriber id|customer|customer id|customer number|kundennummer|kunde|msisdn|imsi|line|"
    "line id|contract|contract number|calling station id|abonne|abonné|cliente|anschlusskennung",
    "event": "event|event type|action|activity|activity type|type|operation|aktion|ereignis",
    "device": "device|imei|device id|device model|mac|mac address|gerät",
    "user_agent": "user agent|useragent|browser",
    "session": "session|session id|acct session id|sitzung",
    "country": "country|ip country|land|pays|pais|país", "city": "city|stadt|ville|ciudad|cidade",
    "region": "region|state|bundesland",
}  # fmt: skip
_BY_NAME = {plain(word): role for role, words in _WORDS.items() for word in words.split("|")}
_ADDRESS_LIKE = re.compile(rb"[0-9]\.[0-9]{1,3}\.[0-9]|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]")
_TIMES = Clock(forms=("iso", "ctime", "named", "numeric"))


def proposed(header: Sequence[str]) -> dict[str, str]:
    """Roles that the names of columns suggest, each with its column; nothing where two columns would have one role."""
    found: dict[str, list[str]] = {}
    for name in header:
        role = _BY_NAME.get(plain(_bare(name)))
        if role is not None:
            found.setdefault(role, []).append(name.strip())
    roles = {role: names[0] for role, names in found.items() if len(names) == 1}
    if "date" in roles and "time" in roles and plain(_bare(roles["time"])) in ("time", "zeit"):
        roles["clock"] = roles.pop("time")
    if "date" in roles and "time" not in roles and "clock" not in roles:
        roles["time"] = roles.pop("date")
    return roles


def _bare(name: str) -> str:
    """A header without what stands in brackets, such as (UTC)."""
    return name.partition("(")[0].partition("[")[0]


def is_address(text: str) -> bool:
    """Whether a cell is an address and nothing else."""
    return 2 < len(text) < 80 and seen_address(text.strip()).ip is not None


def is_time(text: str) -> bool:
    """Whether a cell looks like a time with a day."""
    text = text.strip()
    return 5 < len(text) < 60 and "time_not_understood" not in _TIMES.read(text).flags


def may_hold_addresses(head: bytes) -> bool:
    """Whether anything in the bytes could be an address: taking a long text apart as a table costs milliseconds."""
    return _ADDRESS_LIKE.search(head.replace(b"\0", b"")) is not None


def looks(source: Source) -> tuple[int, str]:
    """How much a table looks like one of addresses, and why."""
    rows = first(source, LOOKED)
    header = header_at(rows)
    if header is not None:
        roles = proposed(rows[header].cells)
        if "ip" in roles:
            names = [cell.strip() for cell in rows[header].cells]
            at = names.index(roles["ip"])
            below = [
                row.cells[at] for row in rows[header + 1 :] if at < len(row.cells) and row.cells[at].strip()
            ]
            if below and sum(map(is_address, map(unquoted, below))) * 2 > len(below):
                timed = {"time", "date"} & set(roles)
                return (72 if timed else 55), "a column that is called as addresses are, and holds them"
    data = rows[1:] if len(rows) > 3 else rows
    width = max((len(row.cells) for row in data), default=0)
    if len(data) >= 3 and 2 <= width <= 200:
        columns = [[unquoted(row.cells[at]) for row in data if at < len(row.cells)] for at in range(width)]
        addresses = any(all(map(is_address, cells)) and len(cells) == len(data) for cells in columns)
        timed_cells = any(all(map(is_time, cells)) for cells in columns if cells)
        if addresses and timed_cells:
            return 52, "a column of addresses beside one of times"
    return NO_CLAIM, "a table"


def names_an_address(cells: Sequence[str]) -> bool:
    """Whether a row may be a header with a column of addresses."""
    return len(cells) > 1 and "ip" in proposed(cells)


def first(source: Source, count: int) -> list[TableRow]:
    """The first rows that are not empty."""
    found: list[TableRow] = []
    for row in source.rows():
        if isinstance(row, TableRow) and any(cell.strip() for cell in row.cells):
            found.append(row)
            if len(found) >= count:
                break
    return found


def header_at(rows: list[TableRow]) -> int | None:
    """The row that names most columns as we know them: tables often have lines of their own above the header."""
    best, at = 1, None
    for index, row in enumerate(rows[:30]):
        roles = proposed(row.cells)
        if "ip" in roles and len(roles) > best - (index == 0) and not any(
            is_address(cell) for cell in row.cells
        ):  # fmt: skip
            best, at = len(roles), index
    return at
