# Reads an exposition from stdin with Prometheus' own Python parsers and prints what it found as JSON.
# Usage: parse-exposition.py text|openmetrics. A text that the parser refuses ends with its message and exit code 1.
import json
import sys
from io import StringIO

from prometheus_client.openmetrics.parser import text_fd_to_metric_families as openmetrics
from prometheus_client.parser import text_fd_to_metric_families as text

parsers = {"text": text, "openmetrics": openmetrics}
# newline="\n": a carriage return is an ordinary character of a label value.
body = StringIO(sys.stdin.buffer.read().decode("utf-8", "strict"), newline="\n")
families = []
for family in parsers[sys.argv[1]](body):
    samples = [{"name": s.name, "labels": s.labels, "value": repr(float(s.value))} for s in family.samples]
    families.append({"name": family.name, "type": family.type, "help": family.documentation, "samples": samples})
json.dump(families, sys.stdout)
