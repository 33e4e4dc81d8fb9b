"""Requests that nobody should send, to a running `cellar serve`: it has to go on answering, within its memory, and give no file away.

    python serve_hostile.py CELLAR CATALOG [--requests 100000] [--seed 1]

CELLAR is the program, CATALOG a folder with a catalog (of `serve_load.py`, say). 1,000 connections are opened that say nothing, or a
byte now and then. Beside them, mutated requests go over sockets that are kept: bytes changed, cut and doubled, paths that climb, chunk keys
and slices out of bounds, long and odd headers, bodies that are no JSON, two requests in one. A file with a secret lies beside the catalog, and its
text must be in no answer. Every thousand requests a proper one has to be answered within five seconds. Needs nothing but Python.
"""

import argparse
import pathlib
import random
import re
import socket
import subprocess
import sys
import time

PORT = 8498
SECRET = b"the-secret-of-the-folder-4711"
IDLE = 1000
PATHS = [
    "/", "/api/v1/session", "/api/v1/columns", "/api/v1/views", "/api/v1/tomograms?limit=10", "/api/v1/tomograms?limit=-1",
    "/api/v1/tomograms?where=1%3D1&sort=name", "/api/v1/tomograms?where=%27", "/api/v1/plan", "/api/v1/runs?limit=99999999999999999999",
    "/api/v1/query?sql=SELECT%201&format=csv", "/api/v1/query?sql=DROP%20TABLE%20tomogram", "/api/v1/query?sql=ATTACH%20%27/etc/passwd%27%20AS%20x",
    "/api/v1/query?sql=SELECT%20readfile(%27secret.txt%27)", "/api/v1/plot?kind=histogram&column=name", "/api/v1/tomograms/1",
    "/api/v1/tomograms/1/slice?axis=z&index=0", "/api/v1/tomograms/1/slice?axis=z&index=-1", "/api/v1/tomograms/1/slice?axis=q&index=1e9",
    "/api/v1/tomograms/1/slice?axis=x&index=7&level=99", "/api/v1/tomograms/9223372036854775807/slice?axis=z&index=9223372036854775807",
    "/api/v1/tomograms/1/layers/segmentation/slice?axis=y&index=3", "/api/v1/tomograms/1/thumbnail", "/api/v1/tomograms/1/objects?limit=5",
    "/api/v1/tomograms/1/why?step=%00", "/api/v1/tomograms/1/mesh?class=membrane&smoothing=nan", "/zarr/many/t00000.zarr/.zattrs",
    "/zarr/many/t00000.zarr/0/0/0/0", "/zarr/many/t00000.zarr/0/1/0/0", "/zarr/many/t00000.zarr/9/0/0/0", "/zarr/many/t00000.zarr/0/-1/0/0",
    "/zarr/many/t00000.zarr/0/99999999999999999999/0/0", "/zarr/big/big.zarr/labels/.zattrs", "/zarr/../../etc/passwd", "/../secret.txt",
    "/zarr/many/..%2f..%2fsecret.txt/0/0/0/0", "/%2e%2e/%2e%2e/secret.txt", "/zarr/many/t00000.zarr/..%2f..%2f..%2fsecret.txt", "//secret.txt",
    "/zarr/many/t00000.zarr/labels/..%2fsecret/0/0/0/0", "/t/TOKEN/zarr/many/t00000.zarr/.zgroup", "/app.js%00.txt"]
METHODS = ["GET"] * 12 + ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "GÉT", "", "get"]
HEADERS = [
    "Host: 127.0.0.1:%d" % PORT, "Host: evil.example", "Host: ", "Origin: http://evil.example", "Origin: null", "Content-Length: 5", "Content-Length: -1",
    "Content-Length: 99999999999", "Content-Length: 1, 2", "Transfer-Encoding: chunked", "Transfer-Encoding: gzip", "Expect: 100-continue",
    "Range: bytes=0-", "Range: bytes=-1,99999999-", "Connection: close", "Connection: Upgrade", "Upgrade: websocket", "Cookie: cellar_token=x",
    "Sec-Fetch-Site: cross-site", "X: " + "y" * 9000, "NoColon", ": empty", " folded", "A" * 300 + ": b", "Accept-Encoding: gzip"]
BODIES = [b"", b"hello", b"{}", b"[" * 5000, b'{"tomogram": 1, "z": [0, 1e400]}', b'{"tomogram": "\xff"}', b"\x00" * 100]


def request(draw, token):
    lines = [f"{draw.choice(METHODS)} {draw.choice(PATHS)} {draw.choice(['HTTP/1.1'] * 9 + ['HTTP/1.0', 'HTTP/2', ''])}"]
    if draw.random() < 0.9:
        lines.append(HEADERS[0])
    if draw.random() < 0.8:
        lines.append(f"Authorization: Bearer {token}")
    lines += draw.choices(HEADERS, k=draw.randrange(4))
    text = "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + (draw.choice(BODIES) if draw.random() < 0.3 else b"")
    if draw.random() < 0.5:
        return text
    data = bytearray(text)
    for _ in range(draw.randrange(1, 8)):
        if not data:
            break
        place = draw.randrange(len(data))
        what = draw.randrange(4)
        if what == 0:
            data[place] = draw.randrange(256)
        elif what == 1:
            del data[place:place + draw.randrange(1, 30)]
        elif what == 2:
            data[place:place] = data[place:place + draw.randrange(1, 30)]
        else:
            data[place:place] = bytes(draw.randrange(256) for _ in range(draw.randrange(1, 6)))
    return bytes(data)


def connected():
    made = socket.create_connection(("127.0.0.1", PORT), timeout=10)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def exchange(link, data):
    """What came back within a moment, and whether the connection is still open."""
    try:
        link.sendall(data)
        link.settimeout(0.05)
        got = b""
        while len(got) < 3_000_000:
            part = link.recv(1 << 16)
            if not part:
                return got, False
            got += part
            head = re.search(rb"\r\n\r\n", got)
            length = re.search(rb"[Cc]ontent-[Ll]ength: (\d+)", got)
            if head and length and len(got) >= head.end() + int(length.group(1)):
                return got, True
        return got, True
    except (TimeoutError, socket.timeout):
        return got, False
    except OSError:
        return b"", False


def proper(token):
    """The seconds that a proper request took; raises where it is not answered."""
    begin = time.perf_counter()
    with connected() as link:
        link.settimeout(5)
        link.sendall(f"GET /api/v1/tomograms?limit=1 HTTP/1.1\r\nHost: 127.0.0.1:{PORT}\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        answer = link.recv(1 << 16)
    if not answer.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"a proper request was answered with {answer[:200]}")
    return time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cellar", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("catalog", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    (options.catalog / "secret.txt").write_bytes(SECRET)
    server = subprocess.Popen(
        [str(options.cellar), "serve", "--port", str(PORT)], cwd=options.catalog, stdout=subprocess.PIPE, text=True)
    token = re.search(r"token=(\w+)", server.stdout.readline()).group(1)
    draw = random.Random(options.seed)
    status = pathlib.Path(f"/proc/{server.pid}/status")
    codes, slowest, idle, link = {}, 0.0, [], None
    try:
        for number in range(options.requests):
            if number % 1000 == 0:
                slowest = max(slowest, proper(token))
            # They are closed by the server after a while, and come again.
            while len(idle) < IDLE * (number + 1) / options.requests * 4 and len(idle) < IDLE:
                try:
                    idle.append(connected())
                except OSError:
                    break
            if idle and number % 10 == 0:
                slow = draw.randrange(len(idle))
                try:
                    idle[slow].send(b"G"[:draw.randrange(2)] or b"\r")
                except OSError:
                    idle[slow].close()
                    idle.pop(slow)
            link = link or connected()
            answer, is_open = exchange(link, request(draw, token))
            if not is_open:
                link.close()
                link = None
            if SECRET in answer or b"root:x:" in answer:
                raise SystemExit(f"request {number} gave a file away")
            code = answer[9:12].decode("ascii", "replace") or "none"
            codes[code] = codes.get(code, 0) + 1
            if server.poll() is not None:
                raise SystemExit(f"the server ended with {server.returncode} after request {number}")
        slowest = max(slowest, proper(token))
        memory = int(re.search(r"VmHWM:\s+(\d+)", status.read_text()).group(1)) * 1024 / 1e6
        print(f"{options.requests} requests, {len(idle)} idle and slow connections: answers {dict(sorted(codes.items()))}")
        print(f"the slowest proper request took {1000 * slowest:.0f} ms; the server had {memory:.0f} MB at most")
    finally:
        server.terminate()
        server.wait()
        sys.stdout.flush()


if __name__ == "__main__":
    main()
