"""The attachments of a mail as bytes, for items of their own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from custody.evidence.chat.attached import Attached
from custody.evidence.chat.mail import decode, message, mime
from custody.evidence.export import Bytes


def of_mail(data: Bytes, at: message.Place, number: int) -> Iterator[Attached]:
    """What is attached to the mail at ``at``, which is message ``number`` (from 1) of its export.

    The same parts in the same order as the message's `attachments`.
    """
    mail = mime.walk(data, at.content, at.end)
    shown = message.shown(data, mail)
    for index, part in enumerate(one for one in mail.parts if one.number not in shown):
        yield Attached(
            message=number,
            index=index,
            name=part.name,
            media_type=part.media_type,
            pieces=partial(_pieces, data, part),
        )


def _pieces(data: Bytes, part: mime.Part) -> Iterator[bytes]:
    return decode.decoded(data, part.start, part.end, part.encoding, set())
