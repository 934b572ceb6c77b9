"""A second opinion on JSON-RPC bodies: Python's own parser, made to refuse repeated keys and NaN.

Reads one base64 body per line and prints for each [method, name, arguments], or null if it would refuse the body.
"""
import base64
import json
import sys


def unrepeated(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a repeated key")
    return found


def refuse(constant):
    raise ValueError(constant)


def read(body):
    message = json.loads(body.decode("utf-8"), object_pairs_hook=unrepeated, parse_constant=refuse)
    params = message.get("params", {})
    return [message["method"], params.get("name"), params.get("arguments", {})]


for line in sys.stdin:
    try:
        reading = read(base64.b64decode(line))
    except (ValueError, RecursionError, KeyError, AttributeError):
        reading = None
    print(json.dumps(reading))
