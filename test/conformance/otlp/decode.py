# Reads export requests with the OpenTelemetry project's own messages, and refuses what they do not know.
# Usage: decode.py < [{"signal": "traces" | "logs", "format": "protobuf" | "json", "body": base64}, ...]. Prints for each body the message in OTLP/JSON, and
# whether protobuf bytes are exactly those that protobuf's own encoder writes. The first fault ends it with a message and exit code 1.
import base64
import json
import sys

from google.protobuf import json_format
from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

HEX = {"traceId", "spanId", "parentSpanId"}


def ids(node, convert):
    """Ids are hex in OTLP/JSON and base64 in proto3's; nothing else of a request has their names."""
    if isinstance(node, list):
        return [ids(item, convert) for item in node]
    if isinstance(node, dict):
        return {key: convert(item) if key in HEX else ids(item, convert) for key, item in node.items()}
    return node


def known(message):
    """Fails on a field that the schema lacks, at any depth. By hand: values may be deeper than Python's own stack."""
    left = [message]
    while left:
        message = left.pop()
        if len(UnknownFieldSet(message)) > 0:
            sys.exit(f"unknown fields in {message.DESCRIPTOR.full_name}")
        for field, value in message.ListFields():
            if field.message_type is not None:
                left.extend(value if field.is_repeated else [value])


def unique(pairs):
    if len({key for key, _ in pairs}) != len(pairs):
        sys.exit(f"a key stands twice in {[key for key, _ in pairs]}")
    return dict(pairs)


def decode(signal, format, body):
    request = ExportLogsServiceRequest() if signal == "logs" else ExportTraceServiceRequest()
    if format == "protobuf":
        request.ParseFromString(body)
        known(request)
        canonical = request.SerializeToString(deterministic=True) == body
    else:
        tree = json.loads(body.decode("utf-8", "strict"), object_pairs_hook=unique)
        tree = ids(tree, lambda text: base64.b64encode(bytes.fromhex(text)).decode())
        json_format.ParseDict(tree, request, ignore_unknown_fields=False)
        canonical = True
    if not (request.resource_logs if signal == "logs" else request.resource_spans):
        sys.exit("an empty request")
    message = json_format.MessageToDict(request, use_integers_for_enums=True)
    return {"message": ids(message, lambda text: base64.b64decode(text).hex()), "canonical": canonical}


bodies = json.load(sys.stdin)
try:
    decoded = [decode(one.get("signal"), one["format"], base64.b64decode(one["body"])) for one in bodies]
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
json.dump(decoded, sys.stdout)
