"""The certificate chain of a time authority, judged at the time that the token states.

Only given roots are anchors; nothing that a token carries is trusted. Revocation is not looked at: it needs
the network. A token is still good when the authority's certificate has long expired.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from custody.verify.algorithms import DIGESTS, TokenError, public_key
from custody.verify.certificate import LIBRARY_ERRORS, Certificate

# Real chains have one or two intermediates. The bounds keep a token stuffed with look-alike certificates,
# none of which any signature covers, from costing more than a few hundred operations.
MAX_INTERMEDIATES: Final = 6
MAX_PATHS: Final = 32
MAX_STEPS: Final = 512

# Certificate policies constrain nothing here: no policy of the *certificate* is demanded (RFC 5280, 6.1.1
# with any-policy). Name and policy constraints are not implemented, so that a critical one is refused.
_UNDERSTOOD: Final = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.CERTIFICATE_POLICIES,
    }
)


def check_signer(signer: Certificate, at: datetime) -> None:
    """What the signer's certificate must be, whoever issued it (RFC 3161, 2.3)."""
    _check_valid_at(signer, at)
    _check_extensions(signer)
    usage = signer.extension(ExtensionOID.EXTENDED_KEY_USAGE)
    if usage is None or not usage.critical:
        raise TokenError(
            "the signer's certificate is not for time proofs alone",
            where=signer.name,
            expected="extended key usage, critical",
            found="none" if usage is None else "not critical",
        )
    if not isinstance(usage.value, x509.ExtendedKeyUsage) or list(usage.value) != [
        ExtendedKeyUsageOID.TIME_STAMPING
    ]:
        raise TokenError(
            "the signer's certificate is not for time proofs alone",
            where=signer.name,
            expected="extended key usage timeStamping and no other",
        )
    key_usage = signer.extension(ExtensionOID.KEY_USAGE)
    if key_usage is None:
        return
    value = key_usage.value
    if (
        not isinstance(value, x509.KeyUsage)
        or not (value.digital_signature or value.content_commitment)
        or value.key_cert_sign
        or value.crl_sign
        or value.key_encipherment
        or value.data_encipherment
        or value.key_agreement
    ):
        raise TokenError(
            "the signer's certificate has a key usage that does not fit a time authority",
            where=signer.name,
            expected="digitalSignature, nonRepudiation or both",
        )


def find_root(
    signer: Certificate,
    carried: Sequence[Certificate],
    roots: Sequence[Certificate],
    at: datetime,
) -> Certificate | None:
    """The trusted root in which a chain from the signer ends, or None where none is reached by name."""
    if not roots:
        return None
    failure: TokenError | None = None
    for number, path in enumerate(_paths(signer, carried, roots)):
        if number == MAX_PATHS:
            raise TokenError("too many possible certificate chains", expected=f"at most {MAX_PATHS}")
        try:
            _check_path(path, at)
        except TokenError as error:
            failure = failure or error
        else:
            return path[-1]
    if failure is not None:
        raise failure
    return None


def _paths(
    signer: Certificate, carried: Sequence[Certificate], roots: Sequence[Certificate]
) -> Iterator[tuple[Certificate, ...]]:
    """Chains from the signer to a trusted root, by names alone, shortest first.

    A certificate in the token that names itself as issuer is no link: only ``roots`` are anchors.
    """
    # Somebody who names the signer's own certificate as trusted has said all there is to say.
    if any(root.der == signer.der for root in roots):
        yield (signer,)
    links = [one for one in carried if one.issuer != one.subject]
    waiting: list[tuple[Certificate, ...]] = [(signer,)]
    steps = 0
    while waiting:
        path, *waiting = waiting
        last = path[-1]
        for root in roots:
            if root.subject == last.issuer:
                yield (*path, root)
        if len(path) > MAX_INTERMEDIATES:
            continue
        for link in links:
            steps += 1
            if steps > MAX_STEPS:
                raise TokenError("too many possible certificate chains")
            if link.subject == last.issuer and link not in path:
                waiting.append((*path, link))


def _check_path(path: Sequence[Certificate], at: datetime) -> None:
    """A chain, signer first and trusted root last, as of ``at`` (RFC 5280, 6.1, without revocation)."""
    for below, (child, parent) in enumerate(pairwise(path)):
        _check_valid_at(parent, at)
        _check_extensions(parent)
        _check_may_issue(parent, intermediates_below=below, is_root=below == len(path) - 2)
        _check_issued(child, parent)


def _check_valid_at(certificate: Certificate, at: datetime) -> None:
    begins, ends = certificate.x.not_valid_before_utc, certificate.x.not_valid_after_utc
    if not begins <= at <= ends:
        raise TokenError(
            "a certificate was not valid at the time of the time proof",
            where=certificate.name,
            expected=f"{begins.isoformat()} to {ends.isoformat()}",
            found=at.isoformat(),
        )


def _check_extensions(certificate: Certificate) -> None:
    for extension in certificate.extensions:
        if extension.critical and extension.oid not in _UNDERSTOOD:
            raise TokenError(
                "a certificate has a critical extension that is not known",
                where=certificate.name,
                found=extension.oid.dotted_string,
            )


def _check_may_issue(issuer: Certificate, *, intermediates_below: int, is_root: bool) -> None:
    constraints = issuer.extension(ExtensionOID.BASIC_CONSTRAINTS)
    if (
        constraints is None
        or not isinstance(constraints.value, x509.BasicConstraints)
        or not constraints.value.ca
    ):
        raise TokenError("a certificate in the chain may not issue certificates", where=issuer.name)
    most = constraints.value.path_length
    if most is not None and intermediates_below > most:
        raise TokenError(
            "the certificate chain is longer than its issuer allows",
            where=issuer.name,
            expected=f"at most {most} between",
            found=str(intermediates_below),
        )
    usage = issuer.extension(ExtensionOID.KEY_USAGE)
    if usage is not None and not (isinstance(usage.value, x509.KeyUsage) and usage.value.key_cert_sign):
        raise TokenError(
            "a certificate in the chain may not sign certificates",
            where=issuer.name,
            expected="key usage keyCertSign",
        )
    extended = None if is_root else issuer.extension(ExtensionOID.EXTENDED_KEY_USAGE)
    # An issuer that is limited to, say, web servers must not make time authorities.
    if extended is not None and not (
        isinstance(extended.value, x509.ExtendedKeyUsage)
        and {ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
        & set(extended.value)
    ):
        raise TokenError("a certificate in the chain is not for time authorities", where=issuer.name)


def _check_issued(child: Certificate, parent: Certificate) -> None:
    public_key(parent)
    try:
        digest = child.x.signature_hash_algorithm
    except LIBRARY_ERRORS:
        digest = None
        known = False
    else:
        known = digest is None or digest.name in {accepted.name for accepted in DIGESTS.values()}
    if not known:
        raise TokenError(
            "a certificate is signed with a digest that is not accepted",
            where=child.name,
            expected="SHA-256, SHA-384 or SHA-512",
            found="an unknown one" if digest is None else digest.name,
        )
    try:
        child.x.verify_directly_issued_by(parent.x)
    except (InvalidSignature, *LIBRARY_ERRORS):
        raise TokenError(
            "a certificate was not signed by the one that it names", where=child.name, expected=parent.name
        ) from None
