#!/usr/bin/env python3
"""A proxy before an S3 server that makes chosen requests go wrong, and writes down all of them.

    proxy.py FOLDER http://127.0.0.1:3900        serves until it is terminated

FOLDER/port says on which port of 127.0.0.1 it listens, once it does. What goes wrong is in FOLDER/faults, one fault a line; it is read
again when another file is put in its place (by a rename), and counting begins anew with it:

    METHOD PATTERN WHICH FAULT

METHOD is a method or `*`; PATTERN is an extended regular expression that is searched in the path and query as they were sent; WHICH is
the number of the request, among those that match the two, that goes wrong: `2`, or `2-4`, or `2+`. The first fault that fits is taken.

    drop       the connection is closed, the request is not passed on
    500 503 403  that answer, the request is not passed on
    hang       nothing is answered, the request is not passed on
    truncate   half of the answer's body and the end of the connection; of a PUT, half of its body reaches the server
    flip       the answer's body with one bit changed; of a PUT, the body that reaches the server
    lost       the request is passed on, and the connection closed instead of an answer
    hold       the request waits until FOLDER/release is there, and is passed on then
    answer     the request is passed on, and the answer waits until FOLDER/release is there

While a request hangs or is held, FOLDER/waiting has a line for it. A client that goes away ends all three: the request is over.

FOLDER/requests has a line for each request that is over, with tabs between: number of the order of arrival, seconds (since the epoch)
when it began and ended, method, path and query, status that the client got (0: none), bytes of the request's body, bytes of the answer's
body, and what went wrong or `-`. The signature of a request covers its Host header, so that is passed on as it came: the server must
not care what it is called.
"""

import http.client
import http.server
import os
import re
import select
import socket
import sys
import threading
import time
import urllib.parse

ERRORS = {
    "500": (500, "InternalError", "We encountered an internal error. Please try again."),
    "503": (503, "SlowDown", "Please reduce your request rate."),
    "403": (403, "AccessDenied", "Access Denied."),
}
FAULTS = {"drop", "hang", "truncate", "flip", "lost", "hold", "answer", *ERRORS}
# Of a connection, not of what is sent over it.
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect"}


class Faults:
    """What FOLDER/faults says, and how often each of its lines has matched."""

    def __init__(self, path):
        self.path = path
        self.version = None
        self.lines = []
        self.lock = threading.Lock()

    def of(self, method, target):
        with self.lock:
            self.read()
            found = None
            for line in self.lines:
                if line["method"] in ("*", method) and line["pattern"].search(target):
                    line["seen"] += 1
                    if found is None and line["first"] <= line["seen"] <= line["last"]:
                        found = line["fault"]
            return found

    def read(self):
        try:
            status = os.stat(self.path)
            version = (status.st_ino, status.st_mtime_ns, status.st_size)
        except FileNotFoundError:
            version = None
        if version == self.version:
            return
        self.version, self.lines = version, []
        if version is None:
            return
        with open(self.path) as file:
            for text in file:
                if text.strip():
                    method, pattern, which, fault = text.split()
                    if fault not in FAULTS:
                        raise ValueError(f"{fault} is no fault: {sorted(FAULTS)}")
                    first, last = re.fullmatch(r"(\d+)(\+|-\d+)?", which).groups()
                    last = first if last is None else "inf" if last == "+" else last[1:]
                    self.lines.append(
                        {"method": method, "pattern": re.compile(pattern), "first": int(first), "last": float(last), "fault": fault, "seen": 0}
                    )


class Gone(Exception):
    """The client has gone away."""


class Proxy(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, folder, upstream):
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.upstream = urllib.parse.urlsplit(upstream)
        self.faults = Faults(os.path.join(folder, "faults"))
        self.lock = threading.Lock()
        self.arrived = 0
        self.waiting = {}
        self.log = open(os.path.join(folder, "requests"), "a", buffering=1)

    def number(self):
        with self.lock:
            self.arrived += 1
            return self.arrived

    def note(self, *values):
        with self.lock:
            self.log.write("\t".join(str(value) for value in values) + "\n")

    def set_waiting(self, number, what):
        """Shows a request that waits, or, with None, that it no longer does."""
        with self.lock:
            if what is None:
                self.waiting.pop(number, None)
            else:
                self.waiting[number] = what
            path = os.path.join(self.folder, "waiting")
            with open(path + ".new", "w") as file:
                file.writelines(f"{each} {self.waiting[each]}\n" for each in sorted(self.waiting))
            os.rename(path + ".new", path)

    def handle_error(self, request, client_address):
        # Clients that go away in the middle of a request are what this is about.
        if not isinstance(sys.exc_info()[1], (ConnectionError, Gone, TimeoutError)):
            super().handle_error(request, client_address)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def one(self):
        number, begin = self.server.number(), time.time()
        self.answered, self.sent, body, fault = 0, 0, b"", None
        try:
            body = self.body()
            fault = self.server.faults.of(self.command, self.path)
            self.serve(number, body, fault)
        except (ConnectionError, Gone):
            self.close_connection = True
        finally:
            self.server.note(
                number, f"{begin:.6f}", f"{time.time():.6f}", self.command, self.path, self.answered, len(body), self.sent, fault or "-"
            )

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = do_OPTIONS = one

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return b"".join(parts)
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:
            raise Gone
        return body

    def serve(self, number, body, fault):
        upload = self.command == "PUT"
        if fault == "drop":
            raise Gone
        if fault in ERRORS:
            status, code, message = ERRORS[fault]
            text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
            self.answer(status, [("Content-Type", "application/xml")], text.encode())
            return
        if fault == "hang":
            self.wait(number, fault, until_release=False)
        if fault == "hold":
            self.wait(number, fault)
        if fault == "truncate" and upload:
            self.pass_on_half(body)
            raise Gone
        response, answer = self.pass_on(flipped(body) if fault == "flip" and upload else body)
        if fault == "lost":
            raise Gone
        if fault == "answer":
            self.wait(number, fault)
        if fault == "flip" and not upload:
            answer = flipped(answer)
        cut = len(answer) // 2 if fault == "truncate" and not upload else None
        self.answer(response.status, response.getheaders(), answer, cut)

    def wait(self, number, what, until_release=True):
        release = os.path.join(self.server.folder, "release")
        self.server.set_waiting(number, f"{what} {self.command} {self.path}")
        try:
            while not (until_release and os.path.exists(release)):
                readable, _, _ = select.select([self.connection], [], [], 0.02)
                if readable and not self.connection.recv(1, socket.MSG_PEEK):
                    raise Gone
        finally:
            self.server.set_waiting(number, None)

    def connect(self):
        upstream = self.server.upstream
        kind = http.client.HTTPSConnection if upstream.scheme == "https" else http.client.HTTPConnection
        return kind(upstream.hostname, upstream.port, timeout=60)

    def begin(self, connection, length):
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in HOP_BY_HOP and name.lower() != "content-length":
                connection.putheader(name, value)
        if length or self.command in ("PUT", "POST"):
            connection.putheader("Content-Length", str(length))
        connection.endheaders()

    def pass_on(self, body):
        """The server's response and its body. A connection for each: which one the server closes in the meantime does not matter then."""
        connection = self.connect()
        try:
            self.begin(connection, len(body))
            if body:
                connection.send(body)
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def pass_on_half(self, body):
        connection = self.connect()
        self.begin(connection, len(body))
        connection.send(body[: len(body) // 2])
        connection.close()

    def answer(self, status, headers, body, cut=None):
        self.answered = status
        self.send_response_only(status)
        length = str(len(body))
        for name, value in headers:
            # The answer to HEAD has the length of what it does not have.
            if name.lower() == "content-length" and self.command == "HEAD":
                length = value
            elif name.lower() not in HOP_BY_HOP and name.lower() != "content-length":
                self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", length)
        self.end_headers()
        if self.command == "HEAD":
            return
        body = body if cut is None else body[:cut]
        self.wfile.write(body)
        self.sent = len(body)
        if cut is not None:
            raise Gone


def flipped(body):
    if not body:
        return body
    changed = bytearray(body)
    changed[len(body) // 2] ^= 0x10
    return bytes(changed)


def main():
    folder, upstream = sys.argv[1:]
    server = Proxy(folder, upstream)
    path = os.path.join(folder, "port")
    with open(path + ".new", "w") as file:
        print(server.server_address[1], file=file)
    os.rename(path + ".new", path)
    server.serve_forever()


if __name__ == "__main__":
    main()
