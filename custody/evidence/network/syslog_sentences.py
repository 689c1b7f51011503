"""Sentences of programs that name an address, as small tables: sshd, mail servers, packet filters, routers, WireGuard.

A sentence is matched whole, from its first to its last character. Names of accounts in it were chosen by whoever
knocked at the door, and may hold words of a log line with somebody else's address ("root from 192.0.2.1 port 22"):
so a name takes all it can, the address is the last one, and such a line is flagged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from custody.evidence.network.ip import Address, seen_address
from custody.evidence.network.said import Said, port_of
from custody.evidence.network.syslog_packets import packet

LONGEST = 4 << 10
"""Characters of a message that is taken apart. What is longer is kept as it stands: no known sentence is."""

_IP = r"(?P<ip>[^\s,()\[\]<>]{2,255})"
_PORT = r"(?P<port>[0-9]{1,5})"
_FROM = rf"{_IP} port {_PORT}"
_USER = r"(?P<user>.*)"
_MAYBE_PORT = rf"(?::{_PORT})?"
_METHOD = r"(?P<method>[!-~]{1,64})"
_KNOWN = r"(?P<known>invalid user )?"
_NAME = r"(?P<name>[!-~]{1,255}?)"
_WHY = r"(?P<why>.*)"
_WHOSE = rf"(?:(?P<known>[A-Za-z]{{1,32}} )?user {_USER} )?"
_MAC = r"(?P<mac>[0-9A-Fa-f:]{17})"
_END = r"(?: ssh2)?(?: \[preauth\])?[ \t]*"


class Sentence(NamedTuple):
    """One form of words and what it tells. ``event``: a word of EVENTS or other:…"""

    form: re.Pattern[str]
    event: str


def _table(*rows: tuple[str, str]) -> tuple[Sentence, ...]:
    return tuple(Sentence(re.compile(form, re.DOTALL), event) for event, form in rows)


_SSHD = _table(
    ("login", rf"Accepted {_METHOD} for {_USER} from {_FROM}(?: ssh2)?(?:: .*)?"),
    (
        "failed_login",
        rf"Failed {_METHOD} for {_KNOWN}{_USER} from {_FROM}(?: ssh2)?(?:: .*)?",
    ),
    ("failed_login", rf"(?P<known>Invalid user ){_USER} from {_FROM}"),
    ("failed_login", rf"(?P<known>Invalid user ){_USER} from {_IP}"),
    (
        "failed_login",
        rf"(?:error: )?maximum authentication attempts exceeded for {_KNOWN}{_USER} from {_FROM}{_END}",
    ),
    ("other:not finished", rf"Postponed {_METHOD} for {_KNOWN}{_USER} from {_FROM}{_END}"),
    ("failed_login", rf"User {_USER} from {_IP} not allowed because (?P<why>.{{1,200}})"),
    ("session_stop", rf"Disconnected from user {_USER} {_FROM}"),
    ("other:disconnected", rf"Disconnected from {_WHOSE}{_FROM}{_END}"),
    ("other:disconnected", rf"Connection (?:closed|reset) by {_WHOSE}{_FROM}{_END}"),
    ("other:disconnected", rf"(?:error: )?Received disconnect from {_FROM}:[ ]?{_WHY}"),
    ("other:disconnected", rf"Connection (?:closed|reset) by {_IP}{_END}"),
    ("other:disconnected", rf"(?:error: )?Received disconnect from {_IP}: (?P<why>[0-9]+: ?.*)"),
    ("other:refused", rf"Unable to negotiate with {_FROM}: {_WHY}"),
    ("other:refused", rf"(?:fatal: )?Timeout before authentication for {_FROM}"),
    ("other:refused", rf"(?P<why>Magic value check failed \([0-9]+\) on obfuscated handshake) from {_FROM}"),
    ("other:refused", rf"ssh_dispatch_run_fatal: Connection from (?:.* )?{_FROM}: {_WHY}"),
    ("other:refused", rf"(?:error: )?(?:banner exchange|kex_exchange_identification): Connection from {_FROM}: {_WHY}"),
    ("other:refused", rf"Did not receive identification string from {_FROM}"),
    ("other:refused", rf"Bad protocol version identification (?P<why>'.*') from {_FROM}"),
    (
        "other:connected",
        rf"Connection from {_FROM} on (?P<dest>[0-9A-Fa-f.:]{{2,45}}) port (?P<dport>[0-9]{{1,5}}).{{0,80}}",
    ),
    ("session_start", rf"Starting session: (?P<why>.{{1,200}}) for {_USER} from {_FROM}(?: id [0-9]+)?"),
    ("session_stop", rf"Close session: user {_USER} from {_FROM}(?: id [0-9]+)?"),
    (
        "failed_login",
        rf"(?:error: )?PAM: [Aa]uthentication (?:failure|error) for (?P<known>illegal user )?{_USER} from {_IP}",
    ),
    (
        "other:name check failed",
        rf"reverse mapping checking getaddrinfo for {_NAME} \[{_IP}\] failed.{{0,80}}",
    ),
    ("other:refused", rf"refused connect from (?P<name>.*) \({_IP}\)"),
    (
        "failed_login",
        rf"pam_unix\(sshd:auth\): authentication failure; logname=[!-~]{{0,64}} uid=[0-9]+ euid=[0-9]+ "
        rf"tty=[!-~]{{0,32}} ruser=[!-~]{{0,64}} rhost={_IP}(?:  ?user={_USER})?",
    ),
)  # fmt: skip
_DOVECOT_NAME = r"(?:pam|sql|ldap|passwd|shadow|passwd-file|static|lua|oauth2)"
_SERVICE = r"(?P<service>[a-z0-9]+)-login: (?:Info: )?"
_DOVECOT = _table(
    ("login", rf"{_SERVICE}Login: (?P<pairs>.*)"),
    ("failed_login", _SERVICE + r"(?P<why>[^()]{0,200}\(auth failed, [^()]{0,100}\)): (?P<pairs>.*)"),
    ("other:disconnected", _SERVICE + r"(?P<why>(?:Disconnected|Aborted login).{0,300}?): (?P<pairs>user=.*)"),
    (
        "failed_login",
        rf"(?:.{{0,400}}?: )?{_DOVECOT_NAME}\({_USER},{_IP}(?:,<(?P<session>[^<>]*)>)?\): "
        r"(?P<why>unknown user|Password mismatch|pam_authenticate\(\) failed|.*failed).*",
    ),
)  # fmt: skip
_POSTFIX = _table(
    ("other:connected", rf"connect from {_NAME}\[{_IP}\]{_MAYBE_PORT}"),
    ("other:disconnected", rf"disconnect from {_NAME}\[{_IP}\]{_MAYBE_PORT}.*"),
    (
        "failed_login",
        rf"warning: {_NAME}\[{_IP}\]{_MAYBE_PORT}: SASL {_METHOD} authentication failed.*",
    ),
    (
        "other:mail accepted",
        rf"[0-9A-Za-z]{{5,20}}: client={_NAME}\[{_IP}\]{_MAYBE_PORT}"
        rf"(?:, sasl_method={_METHOD}, sasl_username={_USER})?",
    ),
)
_ROUTER = _table(
    ("failed_login", rf"login failure for user {_USER} from {_IP} via {_METHOD}"),
    ("login", rf"user {_USER} logged in from {_IP} via {_METHOD}"),
    ("logout", rf"user {_USER} logged out from {_IP} via {_METHOD}"),
    ("assigned", rf"(?P<name>.{{1,128}}) assigned (?P<ip>[0-9.]{{7,15}}) (?:to|for) {_MAC}(?: .{{0,128}})?"),
)  # fmt: skip
_WIREGUARD = _table(
    (
        "other:handshake",
        r"(?:\[ *[0-9.]+\] )?wireguard: (?P<service>[!-~]{1,32}): (?P<why>[^()]{1,200} peer [0-9]+) "
        rf"\((?:(?P<ip>[0-9.]{{7,15}})|\[(?P<ip6>[0-9A-Fa-f:.]{{2,45}})\]):{_PORT}\).{{0,200}}",
    ),
)
_DHCP = _table(
    ("assigned", rf"DHCPACK(?:\([!-~]{{1,32}}\)| on)? (?P<ip>[0-9.]{{7,15}}) (?:to )?{_MAC}(?: .{{0,255}})?"),
)  # fmt: skip

BY_PROGRAM: Mapping[str, tuple[Sentence, ...]] = {
    "sshd": _SSHD,
    "sshd-session": _SSHD,
    "sshd-auth": _SSHD,
    "dovecot": _DOVECOT,
    "kernel": _WIREGUARD,
    "dhcpd": _DHCP,
    "dnsmasq-dhcp": _DHCP,
}
_REPEATED = re.compile(r"message repeated ([0-9]{1,9}) times: \[ (.*)\]", re.DOTALL)
_UNTOLD = re.compile(r"last message repeated [0-9]+ times")
_CANDIDATE = re.compile(
    r"(?<![0-9.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9.])|(?<![0-9A-Za-z:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}"
)
_FORGED = re.compile(r" from |rip=|rhost=|\bport [0-9]")
_SECRET = re.compile(r"given password|\bpassword[=:] ?\S", re.IGNORECASE)
_PAIR = re.compile(r"([a-z_]{1,16})=(<[^<>]*>|[^,]*)(?:, |$)")
_DETAILS = ("method", "why", "name", "service", "mac")


def said(program: str | None, message: str) -> Said | None:
    """What a message tells, by the table of its program; None where its words are not known."""
    if len(message) > LONGEST:
        return None
    repeated = _REPEATED.fullmatch(message)
    if repeated is not None:
        inner = said(program, repeated[2])
        if inner is None:
            return None
        details = {**inner.values.get("details", {}), "repeated": int(repeated[1])}
        return inner._replace(values={**inner.values, "details": details})
    found = packet(message)
    if found is not None:
        return found
    for sentence in _sentences(program):
        match = sentence.form.fullmatch(message)
        if match is not None:
            return _told(sentence, match)
    return None


def _sentences(program: str | None) -> tuple[Sentence, ...]:
    if program is None:
        return ()
    name = program.rpartition("/")[2]  # as in postfix/smtpd
    if program.startswith("postfix"):
        return _POSTFIX
    if "," in program:  # the topics of a MikroTik
        return _ROUTER
    return BY_PROGRAM.get(name, ())


def holds_address(message: str) -> bool:
    """Whether something in an unknown sentence looks like an address."""
    return _CANDIDATE.search(message[:LONGEST]) is not None


def holds_secret(message: str) -> bool:
    """Whether a password may stand in it."""
    return _SECRET.search(message[:LONGEST]) is not None


def repeats(message: str) -> bool:
    """Whether it says only that the line above came again, so many times."""
    return _UNTOLD.fullmatch(message) is not None


def _told(sentence: Sentence, match: re.Match[str]) -> Said | None:
    part: dict[str, Any] = match.groupdict()
    flags: list[str] = []
    details: dict[str, Any] = {name: part[name].strip() for name in _DETAILS if part.get(name)}
    user = part.get("user")
    part["ip"] = part.get("ip") or part.get("ip6")
    if part.get("pairs") is not None:
        pairs = _PAIR.findall(part["pairs"])
        found = {name: value.removeprefix("<").removesuffix(">") for name, value in pairs}
        if "rip" not in found:
            return None
        if len([name for name, _ in pairs if name == "rip"]) > 1 or part["pairs"].count("rip=") > 1:
            flags.append("name_like_log")  # the last one is taken: names stand before it
        user = found.get("user")
        part |= {
            "ip": found["rip"],
            "port": found.get("rport"),
            "dest": found.get("lip"),
            "dport": found.get("lport"),
        }
        part["session"] = found.get("session")
        if found.get("method"):
            details["method"] = found["method"]
    known = (part.get("known") or "").strip().lower()
    if known:
        details["user_state"] = known.removesuffix(" user")
    if user is not None and _FORGED.search(user):
        flags.append("name_like_log")
    # sshd writes "UNKNOWN port 65535" where the other side had gone before it could ask
    port = None if part["ip"] == "UNKNOWN" else port_of(part.get("port"))
    dest_port = port_of(part.get("dport"))
    dest: Address | None = None if part.get("dest") is None else seen_address(part["dest"])
    values = {
        "account": user or None,
        "dest_port": dest_port,
        "details": details or None,
        "event": sentence.event,
        "ip_role": "assigned" if sentence.event == "assigned" else "peer",
        "port": port,
        "session_id": part.get("session") or None,
    }
    if part.get("service") and sentence.event == "other:handshake":
        values["transport"] = "udp"  # WireGuard has no other
    return Said(seen_address(part["ip"]), dest, values, tuple(dict.fromkeys(flags)))
