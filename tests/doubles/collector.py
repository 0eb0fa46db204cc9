"""A server on 127.0.0.1 that speaks the protocol of OpenTelemetry's collector."""

import gzip
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service


@contextmanager
def collecting(status=200, answer=b"", headers=None):
    """Runs a collector on 127.0.0.1; gives its address and the requests that it took.

    It answers any GET with 200, as the page of a proxy to sign in on does.
    """
    taken = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            assert self.headers["Content-Type"] == "application/x-protobuf"
            request = service.ExportTraceServiceRequest.FromString(body)
            taken.append((self.path, dict(self.headers), request))
            self._answer(status, headers or {})

        def do_GET(self):
            self._answer(200, {})

        def _answer(self, status, headers):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
