"""Decodes OTLP with OpenTelemetry's own messages: one request per line, base64 in and JSON out."""

import base64
import json
import sys

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

for line in sys.stdin:
    request = ExportTraceServiceRequest.FromString(base64.b64decode(line))
    print(json.dumps(MessageToDict(request)))
