"""What WhatsApp itself writes, by language: data. All wordings that were ever seen are kept side by side.

Sources: the Android and iPhone texts of November 2023 and real files (notes of the project, section 1.1);
those marked REPORTED come from maintainers' threads or other programs. Compared without marks, with plain
spaces. A wording that is missing here loses nothing: the message stays, with the flag `placeholder_unknown`
or as text.
"""

from __future__ import annotations

# Android: the whole first line, for any kind of media.
MEDIA_OMITTED: dict[str, str] = {
    "<Media omitted>": "en",
    "<Medien weggelassen>": "de",
    "<Medien ausgeschlossen>": "de",
    "<Fichier omis>": "fr",
    "<Médias omis>": "fr",
    "<Archivo omitido>": "es",
    "<Multimedia omitido>": "es",
    "<Файл пропущен>": "ru",
    "<Без медиафайлов>": "ru",
    "<Medya atlanmış>": "tr",
    "<Medya dahil edilmedi>": "tr",
    "<Media çıxarılmışdır>": "az",
    "<media buraxıldı>": "az",
    "<Pa media>": "sq",
    "<media u hoq>": "sq",
    "<Media hequr>": "sq",
    "<медији су изостављени>": "sr",
    "<Medijski zapis izostavljen>": "hr",
    "<Без фајл>": "mk",
    "<Медіа пропущено>": "uk",
    "<تم استبعاد الوسائط>": "ar",
    "< پيوست نما/آهنگ حذف شد >": "fa",
    "<Bỏ qua Media>": "vi",
    # REPORTED
    "<Media omessi>": "it",
    "<Mídia oculta>": "pt",
    "<Arquivo de mídia oculto>": "pt",
    "<Media weggelaten>": "nl",
    "<pominięto multimedia>": "pl",
    "<Media tidak disertakan>": "id",
}

# Android: what stands behind a file's name. In Persian it stands before it.
ATTACHED_AFTER: dict[str, str] = {
    "(file attached)": "en",
    "(Datei angehängt)": "de",
    "(fichier joint)": "fr",
    "(archivo adjuntado)": "es",
    "(archivo adjunto)": "es",
    "(файл добавлен)": "ru",
    "(dosya ekli)": "tr",
    "(fayl əlavə olunub)": "az",
    "(skedë e ngjitur)": "sq",
    "(прикачена датотека)": "sr",
    "(datoteka u privitku)": "hr",
    "(прикачен фајл)": "mk",
    "(файл додано)": "uk",
    "(الملف مرفق)": "ar",
    "(tệp đính kèm)": "vi",
    # REPORTED
    "(file allegato)": "it",
    "(arquivo anexado)": "pt",
    "(bestand bijgevoegd)": "nl",
    "(plik załączony)": "pl",
    "(file terlampir)": "id",
}
ATTACHED_BEFORE: dict[str, str] = {"فایل پیوست شد": "fa"}

# iPhone: words around a file's name, in angle brackets: before it, or (Turkish) behind it.
IOS_ATTACHED_BEFORE: dict[str, str] = {
    "attached:": "en",
    "Anhang:": "de",
    "pièce jointe :": "fr",
    "adjunto:": "es",
    "прикреплено:": "ru",
    "المُرفق:": "ar",
    "priloženo:": "hr",
    # REPORTED
    "allegato:": "it",
    "anexado:": "pt",
    "bijgevoegd:": "nl",
}
IOS_ATTACHED_AFTER: dict[str, str] = {"eklendi": "tr"}

# iPhone: (kind of message, media that was left out, language).
IOS_OMITTED: dict[str, tuple[str, str, str]] = {
    "image omitted": ("media", "image", "en"),
    "video omitted": ("media", "video", "en"),
    "audio omitted": ("voice", "audio", "en"),
    "GIF omitted": ("media", "gif", "en"),
    "sticker omitted": ("sticker", "sticker", "en"),
    "document omitted": ("media", "document", "en"),
    "Contact card omitted": ("contact", "contact", "en"),
    "Bild weggelassen": ("media", "image", "de"),
    "Video weggelassen": ("media", "video", "de"),
    "Audio weggelassen": ("voice", "audio", "de"),
    "GIF weggelassen": ("media", "gif", "de"),
    "Sticker weggelassen": ("sticker", "sticker", "de"),
    "Dokument weggelassen": ("media", "document", "de"),
    "Kontaktkarte ausgelassen": ("contact", "contact", "de"),
    "image absente": ("media", "image", "fr"),
    "vidéo absente": ("media", "video", "fr"),
    "audio omis": ("voice", "audio", "fr"),
    "GIF retiré": ("media", "gif", "fr"),
    "sticker omis": ("sticker", "sticker", "fr"),
    "document manquant": ("media", "document", "fr"),
    "imagen omitida": ("media", "image", "es"),
    "Video omitido": ("media", "video", "es"),
    "изображение отсутствует": ("media", "image", "ru"),
    "видео отсутствует": ("media", "video", "ru"),
    "документ отсутствует": ("media", "document", "ru"),
    "аудиофайл отсутствует": ("voice", "audio", "ru"),
    "стикер не добавлен": ("sticker", "sticker", "ru"),
    "görüntü dahil edilmedi": ("media", "image", "tr"),
    "video dahil edilmedi": ("media", "video", "tr"),
    "ses dahil edilmedi": ("voice", "audio", "tr"),
    "belge dahil edilmedi": ("media", "document", "tr"),
    "لم يتم إدراج الصورة": ("media", "image", "ar"),
    "لم يتم إدراج الفيديوهات": ("media", "video", "ar"),
    "لم يتم إدراج المقاطع الصوتية": ("voice", "audio", "ar"),
    "لم يتم إدراج المستند": ("media", "document", "ar"),
    "تم حذف الملصقات": ("sticker", "sticker", "ar"),
    "slika izostavljena": ("media", "image", "hr"),
}

# Both: the whole text; iPhones end it with a full stop.
DELETED_BY_OTHER: dict[str, str] = {
    "This message was deleted": "en",
    "Diese Nachricht wurde gelöscht": "de",
    "Ce message a été supprimé": "fr",
    "Este mensaje fue eliminado": "es",
    "Данное сообщение удалено": "ru",
    "Bu mesaj silindi": "tr",
    "Bu ismarıc silindi": "az",
    "Ова порука је обрисана": "sr",
    "Ova poruka je izbrisana": "hr",
    "Оваа порака беше избришана": "mk",
    "Це повідомлення було видалено": "uk",
    "تم حذف هذه الرسالة": "ar",
    "این پیام حذف شد": "fa",
    "Tin nhắn này đã bị xoá": "vi",
}
DELETED_BY_ME: dict[str, str] = {
    "You deleted this message": "en",
    "Du hast diese Nachricht gelöscht": "de",
    "Vous avez supprimé ce message": "fr",
    "Eliminaste este mensaje": "es",
    "Вы удалили данное сообщение": "ru",
    "Bu mesajı sildiniz": "tr",
    "Siz bu ismarıcı sildiniz": "az",
    "Обрисао/ла си ову поруку": "sr",
    "Izbrisali ste ovu poruku": "hr",
    "Ја избриша оваа порака": "mk",
    "Ви видалили це повідомлення": "uk",
    "أنت حذفت هذه الرسالة": "ar",
    "شما این پیام را حذف کردید": "fa",
    "Bạn đã xoá tin nhắn này": "vi",
}
# REPORTED
DELETED_BY_ADMIN: dict[str, str] = {"This message was deleted by admin": "en"}

# At the end of the text, behind U+200E. All but the first REPORTED.
EDITED: dict[str, str] = {
    "<This message was edited>": "en",
    "<Diese Nachricht wurde bearbeitet>": "de",
    "<Ce message a été modifié>": "fr",
    "<Este mensaje fue editado>": "es",
    "<Se editó este mensaje.>": "es",
    "<Это сообщение изменено>": "ru",
    "<Questo messaggio è stato modificato>": "it",
    "<ההודעה נערכה>": "he",
}

# What a file's name puts before and behind the chat's.
TITLES: tuple[tuple[str, str, str], ...] = (
    ("WhatsApp Chat with ", "", "en"),
    ("WhatsApp Chat - ", "", "en"),
    ("WhatsApp Chat mit ", "", "de"),
    ("Discussion WhatsApp avec ", "", "fr"),
    ("Chat de WhatsApp con ", "", "es"),
    ("Чат WhatsApp с контактом ", "", "ru"),
    ("Чат WhatsApp с ", "", "ru"),
    ("", " ile WhatsApp Sohbeti", "tr"),
    ("", " ilə WhatsApp Söhbəti", "az"),
    ("Biseda me ", " në WhatsApp", "sq"),
    ("WhatsApp Ћаскање са ", "", "sr"),
    ("WhatsApp razgovor s ", "", "hr"),
    ("WhatsApp разговор со ", "", "mk"),
    ("Бесіда WhatsApp з ", "", "uk"),
    ("دردشة واتساب مع ", "", "ar"),
    ("گفتگوی WhatsApp با ", "", "fa"),
    ("Trò chuyện WhatsApp với ", "", "vi"),
    # REPORTED
    ("Chat WhatsApp con ", "", "it"),
    ("Conversa do WhatsApp com ", "", "pt"),
    ("WhatsApp-chat met ", "", "nl"),
    ("Czat WhatsApp z ", "", "pl"),
    ("Chat WhatsApp dengan ", "", "id"),
)

# Parts of sentences by which an event is known; the first that is found names it. From memory of real
# files, not from the texts of a version: an event of none of these is "other", and still an event.
EVENTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "encryption_notice",
        (
            "end-to-end encrypted", "end-to-end encryption", "Ende-zu-Ende-", "chiffrés de bout en bout",
            "cifrados de extremo a extremo", "crittografati end-to-end", "criptografia de ponta a ponta",
            "сквозным шифрованием", "сквозное шифрование", "наскрізним шифруванням", "uçtan uca şifreli",
            "تشفير تام بين الطرفين", "مشفرة تمامًا", "end-to-end versleuteld", "mã hóa đầu cuối", "mã hoá đầu cuối",
            "sveobuhvatn", "терминирано шифро", "رمزگذاری سرتاسر",
        ),
    ),
    (
        "group_created",
        (
            "created group", "created this group", "created the group", "hat die Gruppe", "a créé le groupe",
            "creó el grupo", "ha creato il gruppo", "criou o grupo", "создал группу", "создал(-а) группу",
            "создал(а) группу", "grubunu oluşturdu", "heeft de groep", "створив групу", "أنشأ المجموعة",
        ),
    ),
    (
        "subject_changed",
        (
            "changed the subject", "changed the group name", "hat den Betreff", "den Gruppennamen", "a changé le sujet",
            "a changé le nom du groupe", "cambió el asunto", "cambió el nombre del grupo", "ha cambiato l'oggetto",
            "изменил тему", "изменил название", "konuyu", "grup adını",
        ),
    ),
    (
        "description_changed",
        ("the group description", "Gruppenbeschreibung", "la description du groupe", "la descripción del grupo"),
    ),
    (
        "icon_changed",
        ("this group's icon", "group’s icon", "Gruppenbild", "l'icône du groupe", "icône de groupe", "el ícono"),
    ),
    (
        "joined_by_link",
        (
            "joined using this group's invite link", "joined using a group link", "joined using your invite",
            "Einladungslink", "lien d'invitation", "enlace de invitación", "ссылке-приглашению", "davet bağlantısı",
        ),
    ),
    (
        "member_left",
        (
            " left", " hat die Gruppe verlassen", " a quitté", " salió del grupo", " ha abbandonato", " покинул",
            " ayrıldı",
        ),
    ),
    (
        "member_removed",
        (" removed ", " wurde entfernt", " hat dich entfernt", " a retiré ", " eliminó a ", " ha rimosso ", " удалил "),
    ),
    (
        "member_added",
        (
            " added ", "were added", "was added", "hinzugefügt", " a ajouté ", " añadió a ", " se añadió",
            " ha aggiunto ", " adicionou ", " добавил", " ekledi", " joined",
        ),
    ),
    (
        "number_changed",
        (
            "changed their phone number", "changed to +", "hat die Telefonnummer", "a changé de numéro",
            "cambió su número", "cambió de número", "сменил номер",
        ),
    ),
    (
        "security_code_changed",
        (
            "security code", "Sicherheitsnummer", "Sicherheitscode", "code de sécurité", "código de seguridad",
            "код безопасности", "güvenlik kodu",
        ),
    ),
    (
        "disappearing_timer",
        (
            "disappearing messages", "selbstlöschende", "messages éphémères", "mensajes temporales",
            "исчезающие сообщения", "süreli mesaj", "disappear from this chat", "will disappear",
        ),
    ),
    ("admin_changed", ("an admin", "group admin", "ein Admin", "als Admin", "admin du groupe", "administrador")),
    ("pinned", ("pinned a message", "hat eine Nachricht angepinnt", "a épinglé", "fijó un mensaje")),
    ("blocked", ("blocked this contact", "diesen Kontakt blockiert", "bloqué ce contact", "Bloqueaste")),
    (
        "call",
        (
            "Missed voice call", "Missed video call", "Missed group", "Verpasster", "Appel vocal manqué",
            "Appel vidéo manqué", "Llamada perdida", "Videollamada perdida", "Пропущенный",
        ),
    ),
    ("new_to_chat", ("is a contact", "ist ein Kontakt", "waiting for this message", "Waiting for this message")),
)  # fmt: skip

# iPhone and newer Android, behind U+200E: (beginning of the text, media, outcome or None).
CALLS: tuple[tuple[str, str, str | None], ...] = (
    ("Missed voice call", "audio", "missed"),
    ("Missed video call", "video", "missed"),
    ("Missed group voice call", "audio", "missed"),
    ("Missed group video call", "video", "missed"),
    ("Silenced voice call", "audio", "silenced"),
    ("Voice call", "audio", None),
    ("Video call", "video", None),
    ("Verpasster Sprachanruf", "audio", "missed"),
    ("Verpasster Videoanruf", "video", "missed"),
    ("Sprachanruf", "audio", None),
    ("Videoanruf", "video", None),
    ("Appel vocal manqué", "audio", "missed"),
    ("Appel vidéo manqué", "video", "missed"),
    ("Appel vocal", "audio", None),
    ("Appel vidéo", "video", None),
    ("Llamada perdida", "audio", "missed"),
    ("Videollamada perdida", "video", "missed"),
)

# Android's body of what may be seen once; a person can have written the same word.
VIEW_ONCE_BODY = "null"
VIEW_ONCE: dict[str, str] = {
    "<View once voice message omitted>": "en",
    "You received a view once message. For added privacy, you can only open it on your phone": "en",
    "You sent a view once message. For added privacy, you can only open it on your phone": "en",
}  # REPORTED
