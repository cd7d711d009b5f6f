"""What schemathesis does not know of: streams of lines, and headers whose meaning no schema can say."""

import itertools
import json
import os
import re
from datetime import datetime, timezone

import schemathesis
from hypothesis import strategies as st

STREAM = "application/x-ndjson"
NUMBERS = itertools.count()

# RFC 3339 allows the year 0386; no key was escrowed then.
schemathesis.openapi.format(
    "date-time",
    st.datetimes(datetime(1971, 1, 1), datetime(9999, 12, 28), timezones=st.just(timezone.utc)).map(datetime.isoformat),
)


@schemathesis.serializer(STREAM)
def lines(context, value):
    """A text goes out as it is; anything else as one line of JSON."""
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "surrogateescape")


@schemathesis.auth()
class Token:
    """The token, from the environment: so the tool knows what it leaves out when it asks without."""

    def get(self, case, context):
        return os.environ["KEYHARBOR_TOKEN"]

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def before_call(context, case, kwargs):
    """A stream takes no Idempotency-Key, and one that would be taken goes with one request only."""
    # A blank text counts as left out, so that a script's empty variable loses no key: what is to be wrong must say something.
    for body in case.body if isinstance(case.body, list) else [case.body]:
        for field in ("escrowed_at", "kind"):
            if isinstance(body, dict) and isinstance(body.get(field), str) and not body[field].strip():
                body[field] = "never"
    headers = case.headers or {}
    key = next((name for name in headers if name.lower() == "idempotency-key"), None)
    if key is None or not re.fullmatch(r"[!#-~]{1,200}|\"[!#-~]{1,200}\"", str(headers[key])):
        return
    if case.media_type == STREAM:
        del case.headers[key]
    else:
        case.headers[key] = f"request-{next(NUMBERS)}"
