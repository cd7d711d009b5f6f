-- What was answered to a request with an `Idempotency-Key`, for a day. `key_hash` and `body_hash` are keyed hashes: neither
-- the key of the request nor anything of its body can be read from them, or guessed against.

CREATE TABLE idempotency_keys (
    key_hash   BLOB NOT NULL PRIMARY KEY,
    body_hash  BLOB NOT NULL,
    status     INTEGER NOT NULL,
    answer     TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    row_mac    BLOB NOT NULL
) STRICT;
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);
