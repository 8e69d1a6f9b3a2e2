"""A stand-in for Amazon Athena's API with a real engine behind it, and for the part of CloudFormation that finds a stack's workgroup.

Results are paged. Queries can be slow, fail, be throttled, read too much, and be canceled. Errors follow the Amazon Athena API
Reference (https://docs.aws.amazon.com/athena/latest/APIReference/API_Operations.html): StartQueryExecution, GetQueryExecution,
GetQueryResults, StopQueryExecution, GetWorkGroup.
"""

import collections
import contextlib
import datetime
import http.server
import json
import re
import threading
import time
import urllib.parse
import uuid

STACK, WORKGROUP, DATABASE = "ledger", "ledger-workgroup", "ledger_lake"
RESOURCES = {
    "LakeBucket": "lake", "AgentStateTable": "AgentState", "AgentHistoryTable": "AgentHistory", "AgentEventStream": "agent-events",
    "AgentEventUpserter": "upserter", "ContactRecordNormalizer": "normalizer", "ContactRecordFirehose": "contact-records",
    "WorkGroup": WORKGROUP, "Database": DATABASE, "AgentIntervalsView": "agent_intervals",
}  # fmt: skip
# A SQL literal: the only form in which a parameter value is accepted.
LITERAL = re.compile(r"'(?:[^']|'')*'|-?\d+(?:\.\d+)?|true|false", re.IGNORECASE)
MOST_ROWS = 1000


class Refused(Exception):
    def __init__(self, code, message, status=400):
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


class Query:
    def __init__(self, sql, parameters):
        self.id, self.sql, self.parameters = str(uuid.uuid4()), sql, parameters
        self.state, self.reason, self.scanned = "QUEUED", None, 0
        self.columns, self.types, self.rows = [], [], []
        self.canceled = threading.Event()


class Athena:
    """The service. `page` is the maximum number of rows per page; the other members control the behavior of the next queries."""

    def __init__(self, engine):
        self.engine, self.lock = engine, threading.Lock()
        self.page = MOST_ROWS
        self.resources = dict(RESOURCES)
        # By operation: the errors with which its next calls are refused.
        self.refusals = collections.defaultdict(list)
        # The next queries fail with `failure`, or run until they are canceled and scan `endless` more bytes per status request.
        self.failure, self.endless = None, None
        # Seconds until a start is answered (None: its response is lost), and whether a stop has an effect.
        self.start_takes, self.stops = 0, True
        # Unusual pages that Athena could return.
        self.empty_first_page, self.without_columns = False, False
        self.limit = 20_000_000_000
        self.queries, self.by_token, self.asked = {}, {}, collections.Counter()

    def __enter__(self):
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                service.serve(self, self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        for query in self.queries.values():
            query.canceled.set()
        self.server.shutdown()
        self.server.server_close()

    def serve(self, request, body):
        assert request.headers["Authorization"].startswith("AWS4-HMAC-SHA256 "), "the request is not signed"
        if "/cloudformation/" in request.headers["Authorization"]:
            return answer(request, 200, "text/xml", self.cloudformation(urllib.parse.parse_qs(body.decode())).encode())
        operation = request.headers["X-Amz-Target"].removeprefix("AmazonAthena.")
        self.asked[operation] += 1
        try:
            if self.refusals[operation]:
                raise Refused(*self.refusals[operation].pop())
            status, said = 200, getattr(self, operation)(json.loads(body))
        except Refused as refused:
            status, said = refused.status, {"__type": refused.code, "Message": refused.message}
        if operation == "StartQueryExecution" and self.start_takes != 0:
            if self.start_takes is None:
                request.connection.close()
                return
            time.sleep(self.start_takes)
        answer(request, status, "application/x-amz-json-1.1", json.dumps(said).encode())

    def cloudformation(self, form):
        (action,) = form["Action"]
        if action == "ListStackResources":
            resources = "".join(
                f"<member><LogicalResourceId>{logical}</LogicalResourceId><PhysicalResourceId>{physical}</PhysicalResourceId>"
                "<ResourceType>AWS::X::Y</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus>"
                "<LastUpdatedTimestamp>2026-03-02T08:00:00Z</LastUpdatedTimestamp></member>"
                for logical, physical in self.resources.items()
            )
            result = f"<StackResourceSummaries>{resources}</StackResourceSummaries>"
        else:
            stack = f"arn:aws:cloudformation:eu-west-2:111122223333:stack/{STACK}/1"
            result = (
                f"<Stacks><member><StackId>{stack}</StackId><StackName>{STACK}</StackName><StackStatus>CREATE_COMPLETE</StackStatus>"
                "<CreationTime>2026-03-02T08:00:00Z</CreationTime></member></Stacks>"
            )
        space = "http://cloudformation.amazonaws.com/doc/2010-05-15/"
        return f'<{action}Response xmlns="{space}"><{action}Result>{result}</{action}Result></{action}Response>'

    def GetWorkGroup(self, request):
        if request["WorkGroup"] != WORKGROUP:
            raise Refused("InvalidRequestException", f"WorkGroup {request['WorkGroup']} is not found.")
        return {"WorkGroup": {"Name": WORKGROUP, "Configuration": {"BytesScannedCutoffPerQuery": self.limit}}}

    def StartQueryExecution(self, request):
        if request["WorkGroup"] != WORKGROUP or request["QueryExecutionContext"] != {"Database": DATABASE}:
            raise Refused("InvalidRequestException", "WorkGroup is not found.")
        parameters = request.get("ExecutionParameters", [])
        if not all(1 <= len(parameter) <= 1024 for parameter in parameters):
            raise Refused("InvalidRequestException", "a parameter has 1 to 1024 characters")
        if len(request["QueryString"]) > 262_144:
            raise Refused("InvalidRequestException", "QueryString: Member must have length less than or equal to 262144")
        # A retry after a lost response gets the same query.
        token = request["ClientRequestToken"]
        if not 32 <= len(token) <= 128:
            raise Refused("InvalidRequestException", "ClientRequestToken has 32 to 128 characters")
        if token in self.by_token:
            return {"QueryExecutionId": self.by_token[token]}
        query = Query(request["QueryString"], parameters)
        self.queries[query.id] = query
        self.by_token[token] = query.id
        threading.Thread(target=self.run, args=(query,), daemon=True).start()
        return {"QueryExecutionId": query.id}

    def run(self, query):
        query.state = "RUNNING"
        if self.failure:
            query.state, query.reason = "FAILED", self.failure
        elif self.endless is not None:
            query.canceled.wait()
        else:
            try:
                with self.lock:
                    query.columns, query.types, query.rows, query.scanned = self.engine.executed(query.sql, query.parameters)
                query.state = "SUCCEEDED"
            except (self.engine.Error, Refused) as error:
                query.state, query.reason = "FAILED", str(error)

    def GetQueryExecution(self, request):
        query = self.query(request)
        if query.state == "RUNNING" and self.endless:
            query.scanned += self.endless
        status = {"State": query.state, "SubmissionDateTime": 1772438400}
        if query.reason:
            status["StateChangeReason"] = query.reason
        statistics = {"DataScannedInBytes": query.scanned, "TotalExecutionTimeInMillis": 1234}
        return {"QueryExecution": {"QueryExecutionId": query.id, "Status": status, "Statistics": statistics}}

    def StopQueryExecution(self, request):
        query = self.query(request)
        if query.state in ("QUEUED", "RUNNING") and self.stops:
            query.state, query.reason = "CANCELLED", "Query cancelled by user"
        query.canceled.set()
        return {}

    def GetQueryResults(self, request):
        query = self.query(request)
        if query.state != "SUCCEEDED":
            raise Refused("InvalidRequestException", f"Query has not yet finished. Current state: {query.state}")
        most = min(request.get("MaxResults", MOST_ROWS), self.page)
        if not 1 <= request.get("MaxResults", 1) <= MOST_ROWS:
            raise Refused("InvalidRequestException", "MaxResults is 1 to 1000")
        rows = [query.columns, *([text(value) for value in row] for row in query.rows)]
        token = request.get("NextToken", "" if self.empty_first_page else "0")
        first, most = int(token or "0"), most if token else 0
        data = [
            {"Data": [{} if value is None else {"VarCharValue": value} for value in row]} for row in rows[first : first + most]
        ]
        columns = [{"Name": name, "Type": of} for name, of in zip(query.columns, query.types)]
        result = {"ResultSet": {"Rows": data, "ResultSetMetadata": {"ColumnInfo": [] if self.without_columns else columns}}}
        return result | ({"NextToken": str(first + most)} if first + most < len(rows) else {})

    def query(self, request):
        try:
            return self.queries[request["QueryExecutionId"]]
        except KeyError:
            raise Refused("InvalidRequestException", "QueryExecution was not found") from None


def answer(request, status, kind, body):
    request.send_response(status)
    request.send_header("Content-Type", kind)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    # An interrupted client does not wait for the response.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        request.wfile.write(body)


def text(value):
    """A value in Athena's format."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ", timespec="milliseconds")
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(text, value))}]"
    return str(value)


def bound(sql, parameters):
    """The query with its parameters replaced by their values. Each value must be a single literal, or it is refused."""
    pieces = sql.split("?")
    if len(pieces) != len(parameters) + 1:
        raise Refused("InvalidRequestException", "Incorrect number of parameters")
    for parameter in parameters:
        if not LITERAL.fullmatch(parameter):
            raise Refused("InvalidRequestException", f"{parameter} is not a literal")
    return "".join(piece + literal for piece, literal in zip(pieces, [*parameters, ""]))
