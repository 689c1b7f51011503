"""Asking a time authority: good answers are kept as they came, bad ones refused, the network's faults told apart."""

from __future__ import annotations

import contextlib
import http.server
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import rfc3161_client
import rfc3161ng
from asn1crypto import tsp
from cryptography import x509

from custody.anchor import authority as module
from custody.anchor.authority import (
    REPLY_TYPE,
    Authority,
    Refused,
    Unreachable,
    make_request,
    request_token,
    sort_certificates,
)
from custody.anchor.test_authority import NAME, TestAuthority
from custody.errors import FormatError, InputRefused, UsageError
from custody.verify.token import MAX_TOKEN_SIZE, TEST_POLICY, check_token, read_roots

from . import tsa_faults as f

NOTE = f.DATA
AT = datetime(2026, 3, 4, 5, 6, 7, 999_999, tzinfo=UTC)
NONCE = f.NONCE


def clock() -> datetime:
    return AT


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def ask(url: str, *, roots: tuple[bytes, ...] = (), policies: tuple[str, ...] = (), **changes: Any) -> bytes:
    arguments: dict[str, Any] = {"now": clock, "nonce": NONCE, "timeout": 5.0, **changes}
    return request_token(Authority(url=url, roots=roots, policies=policies), NOTE, **arguments)


@contextlib.contextmanager
def server(
    body: bytes | Callable[[bytes], bytes],
    *,
    status: int = 200,
    kind: str = REPLY_TYPE,
    headers: dict[str, str] | None = None,
    write: Callable[[Any, bytes], None] | None = None,
) -> Iterator[tuple[str, list[Any]]]:
    """An authority that answers anything; gives its address and the requests that it saw."""
    seen: list[Any] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.path, dict(self.headers), request))
            answer = body(request) if callable(body) else body
            self.send_response(status)
            self.send_header("Content-Type", kind)
            for name, value in {"Content-Length": str(len(answer)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                (write or (lambda out, b: out.write(b)))(self.wfile, answer)

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{made.server_address[1]}/tsr", seen
        made.shutdown()
        thread.join()


# -- the test authority -----------------------------------------------------------------------------------


def test_a_token_from_the_test_authority() -> None:
    tsa = TestAuthority(clock=clock)
    roots = read_roots(tsa.root_pem, "root")
    with tsa.serve() as url:
        assert tsa.url == url
        answer = ask(url, roots=roots, policies=(TEST_POLICY,))
    assert tsa.url is None
    found = check_token(answer, NOTE, roots=roots, now=AT, nonce=NONCE)
    assert found.test
    assert found.gen_time == AT.replace(microsecond=0)
    assert found.policy == TEST_POLICY
    assert "not for court" in found.signer
    assert "not for court" in NAME


def test_the_clock_can_be_set() -> None:
    tsa = TestAuthority(clock=clock)
    tsa.clock = lambda: AT + timedelta(days=3650)
    found = check_token(tsa.answer(make_request(NOTE, 1)), NOTE, roots=(), now=None)
    assert found.gen_time.year == 2036


def test_an_authority_that_was_stored_is_the_same() -> None:
    tsa = TestAuthority(clock=clock)
    again = TestAuthority.from_pem(tsa.to_pem(), clock=clock)
    assert again.root_pem == tsa.root_pem
    one, two = (
        check_token(a.answer(make_request(NOTE, 1)), NOTE, roots=read_roots(tsa.root_pem, "r"), now=None)
        for a in (tsa, again)
    )
    assert one.root_sha256 == two.root_sha256 is not None
    assert one.serial != two.serial
    for bad in (b"", b"junk", tsa.root_pem, tsa.to_pem().replace(tsa.certificate_pem, tsa.root_pem)):
        with pytest.raises(InputRefused):
            TestAuthority.from_pem(bad, clock=clock)


def test_two_test_authorities_are_strangers() -> None:
    one, two = TestAuthority(clock=clock), TestAuthority(clock=clock)
    answer = one.answer(make_request(NOTE, 1))
    assert check_token(answer, NOTE, roots=read_roots(two.root_pem, "r"), now=None).root_sha256 is None


def test_others_accept_the_test_authority(tmp_path: Path) -> None:
    tsa = TestAuthority(clock=clock)
    root = x509.load_pem_x509_certificate(tsa.root_pem)
    request = rfc3161_client.TimestampRequestBuilder().data(NOTE).build()
    response = rfc3161_client.decode_timestamp_response(tsa.answer(request.as_bytes()))
    policy = x509.ObjectIdentifier(TEST_POLICY)
    verifier = rfc3161_client.VerifierBuilder(roots=[root], nonce=request.nonce, policy_id=policy).build()
    assert verifier.verify_message(response, NOTE)
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("no openssl program")
    (tmp_path / "n.note").write_bytes(NOTE)
    (tmp_path / "root.pem").write_bytes(tsa.root_pem)
    subprocess.run(
        [program, "ts", "-query", "-data", "n.note", "-sha384", "-cert", "-out", "q"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    (tmp_path / "n.tsr").write_bytes(tsa.answer((tmp_path / "q").read_bytes()))
    for what in (["-data", "n.note"], ["-queryfile", "q"]):
        command = [program, "ts", "-verify", *what, "-in", "n.tsr", "-CAfile", "root.pem"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_a_client_that_is_not_ours_over_the_network() -> None:
    tsa = TestAuthority(clock=clock)
    with tsa.serve() as url:
        token = rfc3161ng.RemoteTimestamper(url, hashname="sha256", include_tsa_certificate=True)(data=NOTE)
    assert rfc3161ng.get_timestamp(token, naive=False).astimezone(UTC) == AT.replace(microsecond=0)


@pytest.mark.parametrize(
    "bad",
    [b"", b"junk", b"\x30\x00", make_request(NOTE, 1)[:-2], make_request(NOTE, 1) + b"\0"],
)
def test_a_request_that_is_none_is_rejected(bad: bytes) -> None:
    answer = TestAuthority(clock=clock).answer(bad)
    assert int(rfc3161_client.decode_timestamp_response(answer).status) == 2
    with server(answer) as (url, _), pytest.raises(Refused, match="rejection"):
        ask(url)


def test_sha1_and_short_digests_are_rejected() -> None:
    tsa = TestAuthority(clock=clock)
    for algorithm, digest in (("sha1", b"x" * 20), ("sha256", b"x" * 31)):
        imprint = {"hash_algorithm": {"algorithm": algorithm}, "hashed_message": digest}
        request = tsp.TimeStampReq({"version": 1, "message_imprint": imprint}).dump()
        assert int(rfc3161_client.decode_timestamp_response(tsa.answer(request)).status) == 2


def test_the_server_refuses_what_is_no_request() -> None:
    import urllib.error
    import urllib.request

    with TestAuthority(clock=clock).serve() as url:
        for headers, status in (
            ({"Content-Type": "text/plain"}, 415),
            ({"Content-Type": module.QUERY_TYPE, "Content-Length": "99999999"}, 413),
            ({"Content-Type": module.QUERY_TYPE, "Content-Length": "-1"}, 413),
        ):
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(urllib.request.Request(url, b"x", headers))
            caught.value.close()
            assert caught.value.code == status
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url)


# -- asking -----------------------------------------------------------------------------------------------


def test_the_request_is_what_others_read() -> None:
    request = tsp.TimeStampReq.load(make_request(NOTE, NONCE), strict=True)
    assert request["nonce"].native == NONCE
    assert request["cert_req"].native is True
    assert request["message_imprint"]["hash_algorithm"]["algorithm"].native == "sha256"
    theirs = rfc3161_client.TimestampRequestBuilder().data(NOTE)
    theirs = theirs.hash_algorithm(rfc3161_client.HashAlgorithm.SHA256).build()
    assert make_request(NOTE, theirs.nonce) == theirs.as_bytes()
    for bad in (0, -1, 1 << 64):
        with pytest.raises(ValueError, match="nonce"):
            make_request(NOTE, bad)


def test_the_answer_is_kept_as_it_came_even_unsorted() -> None:
    pki = f.make_pki(intermediates=2, tag="N")
    order = sorted((f.der(pki.cert), *(f.der(c) for c in pki.chain)), reverse=True)
    tsr = f.token(pki, certificates=tuple(order), ess_serial=0)
    with pytest.raises(ValueError, match="InvalidSetOrdering"):
        rfc3161_client.decode_timestamp_response(tsr)
    with server(tsr) as (url, seen):
        assert ask(url, roots=pki.roots, policies=(f.POLICY,)) == tsr
    path, headers, request = seen[0]
    assert path == "/tsr"
    assert headers["Content-Type"] == "application/timestamp-query"
    assert request == make_request(NOTE, NONCE)
    again = sort_certificates(tsr)
    assert len(again) == len(tsr)
    assert again.replace(b"".join(sorted(order)), b"".join(order)) == tsr
    assert sort_certificates(again) == again


def test_sorting_leaves_the_rest_alone() -> None:
    tsr = f.token(f.make_pki(), certificates=())
    assert sort_certificates(tsr) == tsr
    with pytest.raises(FormatError):
        sort_certificates(b"junk")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"nonce": 1}, "nonce is another"),
        ({"nonce": None}, "nonce is another"),
        ({"data": b"another note"}, "about other bytes"),
        ({"policy": "1.2.3"}, "policy of the time proof"),
        ({"gen_time": f.time_text(AT + timedelta(days=1))}, "lies in the future"),
        ({"ess": ()}, "signing-certificate is missing"),
        ({"status": 2, "status_text": b"busy"}, "did not grant"),
        ({"imprint": "sha1"}, "not accepted"),
    ],
)
def test_a_bad_answer_is_refused(changes: dict[str, Any], words: str) -> None:
    pki = f.make_pki()
    with server(f.token(pki, **changes)) as (url, _), pytest.raises(Refused, match=words) as caught:
        ask(url, roots=pki.roots, policies=(f.POLICY,))
    assert caught.value.exit_code == 1
    assert caught.value.where == url


def test_another_authority_than_the_one_named() -> None:
    pki, other = f.make_pki(), f.make_pki(tag="B", number=1)
    with server(f.token(pki)) as (url, _):
        with pytest.raises(Refused, match="does not come from the authority"):
            ask(url, roots=other.roots)
        assert ask(url), "without a root the token is kept, as of an authority that is not known"


def test_the_second_checker_is_heard() -> None:
    # CMS with Ed25519 is beyond the library: ours accepts it, and both must
    pki = f.make_pki("ed25519")
    tsr = f.token(pki, digest="sha512")
    assert check_token(tsr, NOTE, roots=pki.roots, now=AT).root_sha256
    with server(tsr) as (url, _), pytest.raises(Refused, match="second checker"):
        ask(url, roots=pki.roots)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"kind": "text/html"}, "not a time proof"),
        ({"status": 404}, "refuses the request"),
        ({"status": 403}, "refuses the request"),
        ({"status": 301, "headers": {"Location": "file:///etc/passwd"}}, "another address"),
        ({"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}}, "another address"),
        ({"status": 307, "headers": {"Location": "/tsr2"}}, "another address"),
    ],
)
def test_http_that_says_no(arguments: dict[str, Any], words: str) -> None:
    with server(f.token(f.make_pki()), **arguments) as (url, seen):
        with pytest.raises(Refused, match=words):
            ask(url)
        assert len(seen) == 1


@pytest.mark.parametrize("status", [407, 408, 429, 500, 502, 503])
def test_http_that_says_later(status: int) -> None:
    with server(b"", status=status) as (url, _), pytest.raises(Unreachable) as caught:
        ask(url)
    assert caught.value.exit_code == 5
    assert caught.value.hint is not None
    assert "queue" in caught.value.hint


def test_an_answer_without_end() -> None:
    def pour(out: Any, _: bytes) -> None:
        for _ in range(1000):
            out.write(b"\0" * 65536)

    endless = server(b"", headers={"Content-Length": "65536000"}, write=pour)
    with endless as (url, _), pytest.raises(Refused, match="too large"):
        ask(url)
    with server(b"\0" * (MAX_TOKEN_SIZE + 1)) as (url, _), pytest.raises(Refused, match="too large"):
        ask(url)


def test_an_answer_that_drips() -> None:
    def drip(out: Any, _: bytes) -> None:
        for _ in range(100):
            out.write(b"\0")
            out.flush()
            time.sleep(0.05)

    begin = time.monotonic()
    slow = server(b"", headers={"Content-Length": "100"}, write=drip)
    with slow as (url, _), pytest.raises(Unreachable, match="too long"):
        ask(url, timeout=0.3)
    assert time.monotonic() - begin < 4


def test_an_answer_that_is_cut() -> None:
    tsr = f.token(f.make_pki())
    with server(tsr, headers={"Content-Length": str(len(tsr) + 10)}) as (url, _), pytest.raises(Unreachable):
        ask(url)


def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(Unreachable) as caught:
            ask(f"http://127.0.0.1:{taken.getsockname()[1]}/")
    assert "Errno" in (caught.value.found or "")
    with pytest.raises(Unreachable):
        ask("http://no-such-name.invalid/")


def test_no_http_at_all() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"220 mail.example ESMTP\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(Unreachable):
            ask(f"http://127.0.0.1:{listening.getsockname()[1]}/")
        thread.join()


def test_proxies_are_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    tsr = f.token(f.make_pki())
    with server(tsr) as (url, seen):
        monkeypatch.setenv("http_proxy", url.removesuffix("/tsr"))
        assert ask("http://authority.invalid/tsa") == tsr
    assert seen[0][0] == "http://authority.invalid/tsa"


@pytest.mark.parametrize("proxy", ["://", "http://[", "http:/proxy", "http://proxy.invalid:99999"])
def test_a_proxy_setting_that_is_none(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(Unreachable):
        ask("http://authority.invalid/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://authority.example/",
        "file:///etc/passwd",
        "data:,x",
        "authority.example",
        "http://",
        "http:///tsr",
        "http://user:secret@authority.example/",
        "http://user@authority.example/",
        "http://user:secret@authority.example/a b",
        "http://authority.example:99999/",
        "http://authority.example:0/",
        "http://[::1/",
        "http://authority.example/a b",
        "http://authority.example/\r\nX-Y: z",
        "http://аuthority.example/",
        "http://authority.example/#part",
    ],
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        Authority(url=url, roots=(), policies=())
    assert "secret" not in caught.value.message
    assert caught.value.message.isascii()


def test_policies_that_are_none() -> None:
    for bad in ("", "1", "a.b", "1.02", "1.2\n", "3.1.x"):
        with pytest.raises(UsageError, match="policy"):
            Authority(url="https://authority.example/", roots=(), policies=(bad,))
    assert Authority(url="HTTPS://authority.example/tsr?x=1", roots=(), policies=("1.2.3", TEST_POLICY))


def test_who_goes_away_before_the_answer_is_no_news(capfd: pytest.CaptureFixture[str]) -> None:
    asked, gone = threading.Event(), threading.Event()

    def clock() -> datetime:
        asked.set()
        gone.wait(10)
        return datetime(2026, 1, 1, tzinfo=UTC)

    authority = TestAuthority(clock=clock)
    body = module.make_request(b"x", 7)
    with authority.serve() as url:
        with socket.create_connection(("127.0.0.1", int(url.rstrip("/").rpartition(":")[2]))) as asker:
            head = (
                f"POST / HTTP/1.1\r\nContent-Type: {module.QUERY_TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            asker.sendall(head.encode() + body)
            assert asked.wait(10)
            # Closed with bytes in hand, and at once: the answer meets a reset.
            asker.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        gone.set()
        for thread in threading.enumerate():
            if "process_request" in thread.name:
                thread.join(10)
    assert capfd.readouterr().err == ""


def test_an_error_of_its_own_is_still_told(capfd: pytest.CaptureFixture[str]) -> None:
    def clock() -> datetime:
        raise ValueError("no clock")

    with TestAuthority(clock=clock).serve() as url, pytest.raises(Unreachable):
        ask(url)
    assert "no clock" in capfd.readouterr().err
