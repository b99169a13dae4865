"""One file from the web: quick to say that there is no network, patient once it flows."""

import http.client
import queue
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

CONNECT_SECONDS = 8.0
"""How long in all to look for a server that takes the connection."""
ANSWER_SECONDS = 60.0
"""How long a connected server may stay silent."""
ATTEMPTS = 3
"""How often a broken transfer is taken up again."""
_BLOCK = 1 << 18


class WebError(Exception):
    """A file cannot be obtained from the web; the message says why."""


class _Announcing:
    """Sets an event once connected, so that waiting for that can have its own limit."""

    def __init__(self, *args: Any, settled: threading.Event, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._settled = settled

    def connect(self):
        super().connect()  # type: ignore[misc]
        self._settled.set()


class _Connection(_Announcing, http.client.HTTPConnection):
    pass


class _SecureConnection(_Announcing, http.client.HTTPSConnection):
    pass


class _Handler(urllib.request.HTTPHandler, urllib.request.HTTPSHandler):
    def __init__(self, settled: threading.Event):
        super().__init__()
        self._event = settled

    def http_open(self, req):
        return self.do_open(partial(_Connection, settled=self._event), req)  # type: ignore[arg-type]

    def https_open(self, req):
        connection = partial(_SecureConnection, settled=self._event)
        return self.do_open(connection, req, context=ssl.create_default_context())  # type: ignore[arg-type]


def stream(
    urls: tuple[str, ...], most: int, restart: Callable[[], None] = lambda: None
) -> Iterator[bytes]:
    """Give a file's bytes from the first of `urls` that serves it.

    A transfer that breaks off is taken up where it stopped, up to `ATTEMPTS` times, or from
    the beginning where the server cannot continue.

    Args:
        urls: where the file is served.
        most: a length in bytes no honest server exceeds.
        restart: called when what was given so far is void, because it starts over.

    Yields:
        Blocks of bytes.

    Raises:
        WebError: no server has the file, or the transfer breaks again and again.
    """
    reasons = []
    for url in urls:
        try:
            yield from _stream_one(url, most, restart, CONNECT_SECONDS / len(urls))
            return
        except WebError as error:
            reasons.append(f"{url}: {error}")
            restart()
    raise WebError("; ".join(reasons))


def _stream_one(
    url: str, most: int, restart: Callable[[], None], connect_seconds: float
) -> Iterator[bytes]:
    done, reason = 0, ""
    for attempt in range(ATTEMPTS):
        try:
            response = _open(url, done, connect_seconds)
        except WebError as error:
            # Only a transfer that already flowed is worth another try: with no network
            # the message should come at once.
            if attempt == 0:
                raise
            reason = f"{reason}, then: {error}"
            continue
        with response:
            if done and response.status != http.client.PARTIAL_CONTENT:
                done = 0
                restart()
            announced = response.headers.get("Content-Length", "")
            whole = done + int(announced) if announced.isdecimal() else None
            try:
                while block := response.read(_BLOCK):
                    done += len(block)
                    if done > most:
                        raise WebError(f"serves more than {most:,} bytes, another file than before")
                    yield block
            except (OSError, http.client.HTTPException) as error:
                reason = f"broke off after {done:,} bytes ({error})"
                continue
            if whole is None or done >= whole:
                return
            reason = f"broke off after {done:,} of {whole:,} bytes"
    raise WebError(f"{reason}, {ATTEMPTS} times")


def _open(url: str, offset: int, connect_seconds: float) -> http.client.HTTPResponse:
    """Open `url`, giving up when no server takes the connection.

    Name resolution knows no time limit, so it runs in a thread that can be left behind.
    """
    headers = {"User-Agent": "thermolion-optax", "Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    settled = threading.Event()
    answers: queue.SimpleQueue[http.client.HTTPResponse | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            opener = urllib.request.build_opener(_Handler(settled))
            request = urllib.request.Request(url, headers=headers)
            answers.put(opener.open(request, timeout=ANSWER_SECONDS))
        except Exception as error:  # handed to the caller, who sorts it
            answers.put(error)
        settled.set()

    threading.Thread(target=ask, daemon=True).start()
    if not settled.wait(connect_seconds):
        raise WebError(f"no connection within {connect_seconds:.0f} s; is there a network?")
    try:
        answer = answers.get(timeout=ANSWER_SECONDS)
    except queue.Empty:
        raise WebError(f"no answer within {ANSWER_SECONDS:.0f} s") from None
    if isinstance(answer, urllib.error.HTTPError):
        answer.close()
        raise WebError(f"HTTP status {answer.code} ({answer.reason})")
    if isinstance(answer, urllib.error.URLError):
        raise WebError(f"no connection ({answer.reason}); is there a network?")
    if isinstance(answer, Exception):
        raise WebError(f"no connection ({answer}); is there a network?")
    return answer
