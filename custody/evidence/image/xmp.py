"""What an XMP packet says: ISO 16684-1 (6, 7). Read by expat, without any document type: no entity is ever taken."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from xml.parsers import expat

LONGEST = 4 << 20
"""Bytes of a packet that are read at most."""
_MAX_DEPTH = 100
_MAX_VALUES = 4_000
_MAX_ELEMENTS = 20_000
_LONGEST_VALUE = 64 << 10

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_PREFIXES = {
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/xap/1.0/mm/": "xmpMM",
    "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#": "stEvt",
    "http://ns.adobe.com/xap/1.0/g/img/": "xmpGImg",
    "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://ns.adobe.com/exif/1.0/aux/": "aux",
    "http://cipa.jp/exif/1.0/": "exifEX",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/": "Iptc4xmpCore",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "Iptc4xmpExt",
    "http://ns.google.com/photos/1.0/camera/": "GCamera",
    "http://ns.google.com/photos/1.0/container/": "Container",
    "http://ns.google.com/photos/1.0/container/item/": "Item",
    "http://www.metadataworkinggroup.com/schemas/regions/": "mwg-rs",
    "http://ns.microsoft.com/photo/1.2/t/Region#": "MPReg",
    "http://ns.adobe.com/xmp/note/": "xmpNote",
    "http://ns.apple.com/faceinfo/1.0/": "apple-fi",
    "http://purl.org/dc/terms/": "dcterms",
}


@dataclass(slots=True)
class Packet:
    """The values of a packet by prefixed name, in order; ``fault`` says why not all of it was read."""

    values: list[tuple[str, str]] = field(default_factory=list)
    fault: str | None = None

    def first(self, name: str) -> str | None:
        """The first value of this name."""
        return next((value for one, value in self.values if one == name), None)

    def every(self, name: str) -> list[str]:
        """All values of this name."""
        return [value for one, value in self.values if one == name]


class _Stop(Exception):
    """Why the rest is not read."""


def read_packet(data: bytes) -> Packet:
    """The attributes and the texts of elements in an XMP packet. Never raises."""
    found = Packet()
    stack: list[str] = []
    text: list[str] = []
    elements = 0

    def add(name: str, value: str) -> None:
        if len(found.values) >= _MAX_VALUES:
            raise _Stop("more values than are read")
        value = value.strip()
        if value:
            found.values.append((name, value[:_LONGEST_VALUE]))

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal elements
        elements += 1
        if elements > _MAX_ELEMENTS:
            raise _Stop("more elements than are read")
        if len(stack) >= _MAX_DEPTH:
            raise _Stop("nested too deep")
        stack.append(_named(name))
        text.clear()
        for attribute, value in attributes.items():
            add(_named(attribute), value)

    def end(_name: str) -> None:
        value = "".join(text)
        text.clear()
        # the items of a list belong to the property around them
        name = next((one for one in reversed(stack) if not one.startswith(("rdf:", "x:"))), "")
        stack.pop()
        if name and value.strip():
            add(name, value)

    def more(piece: str) -> None:
        if sum(map(len, text[-8:])) < _LONGEST_VALUE and len(text) < 10_000:
            text.append(piece)

    def no_type(*_: object) -> None:
        raise _Stop("a document type: it could name what lies outside")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = more
    parser.StartDoctypeDeclHandler = no_type
    if len(data) > LONGEST:
        found.fault = "longer than is read"
    try:
        parser.Parse(data[:LONGEST].strip(b"\x00"), True)
    except _Stop as reason:
        found.fault = str(reason)
    except (expat.ExpatError, ValueError) as error:
        found.fault = found.fault or f"not well-formed XML: {error}"
    return found


def _named(name: str) -> str:
    """``prefix:name`` by the table, whatever prefix the file uses; unknown name spaces as ``?:name``."""
    space, _, local = name.rpartition(" ")
    if space == _RDF:
        return f"rdf:{local}"
    if space == "adobe:ns:meta/":
        return f"x:{local}"
    return f"{_PREFIXES.get(space, '?')}:{local}"


def thumbnail_bytes(text: str) -> bytes | None:
    """The bytes of a thumbnail that stands in XMP as base64, as far as they are here."""
    plain = "".join(text.split())
    try:
        return base64.b64decode(plain[: len(plain) // 4 * 4], validate=True)
    except (binascii.Error, ValueError):
        return None
