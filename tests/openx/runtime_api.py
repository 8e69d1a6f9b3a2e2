"""A minimal Lambda Runtime API on 127.0.0.1, for one function and one invocation at a time.

Source: Using the Lambda runtime API for custom runtimes (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).
"""

import http.server
import json
import queue
import subprocess
import threading

VERSION = "/2018-06-01/runtime"
SECONDS = 60


class Function:
    """A function binary, running until the end of the `with` block."""

    def __init__(self, binary, log):
        self.binary, self.log_file = binary, log
        self.invocations, self.answers = queue.Queue(), queue.Queue()

    def __enter__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        # Without the user's environment, which might set a PII policy.
        environment = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.server.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": "contact-record-normalizer",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": "contact-record-normalizer",
            "AWS_LAMBDA_LOG_STREAM_NAME": "openx",
        }
        self.log = open(self.log_file, "wb")
        self.process = subprocess.Popen([self.binary], env=environment, stdout=self.log, stderr=subprocess.STDOUT)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.invocations.put(None)
        self.server.shutdown()
        self.server.server_close()
        self.log.close()

    def invoke(self, event):
        """Invokes the function and returns its response."""
        self.invocations.put(json.dumps(event).encode())
        for _ in range(SECONDS):
            try:
                kind, body = self.answers.get(timeout=1)
            except queue.Empty:
                if self.process.poll() is not None:
                    raise SystemExit(f"error: the function exited; see {self.log_file}") from None
                continue
            if kind != "response":
                raise SystemExit(f"error: the function returned an error: {body.decode(errors='replace')}")
            return json.loads(body)
        raise SystemExit(f"error: no response from the function for {SECONDS} seconds; see {self.log_file}")

    def handler(self):
        invocations, answers = self.invocations, self.answers

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self):
                try:
                    super().handle_one_request()
                except ConnectionError:
                    # The function was stopped while it waited.
                    self.close_connection = True

            def do_GET(self):
                assert self.path == f"{VERSION}/invocation/next", self.path
                event = invocations.get()
                if event is None:
                    return
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", "00000000-0000-4000-8000-000000000001")
                self.send_header("Lambda-Runtime-Deadline-Ms", "4102444800000")
                self.send_header(
                    "Lambda-Runtime-Invoked-Function-Arn",
                    "arn:aws:lambda:eu-west-2:111122223333:function:contact-record-normalizer",
                )
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(event)))
                self.end_headers()
                self.wfile.write(event)

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.headers.get("Transfer-Encoding") == "chunked":
                    body = self.chunks()
                answers.put((self.path.rsplit("/", 1)[1], body))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def chunks(self):
                body = b""
                while length := int(self.rfile.readline().split(b";")[0], 16):
                    body += self.rfile.read(length)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def log_message(self, *_):
                pass

        return Handler
