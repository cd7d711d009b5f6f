-- What was answered to a request with an `Idempotency-Key`, for a day. `key_hash` and `body_hash` are keyed hashes: neither
-- the key of the request nor anything of its body can be read from them, or guessed against.

CREATE TABLE idempotency_keys (
    key_hash   BYTEA NOT NULL PRIMARY KEY,
    body_hash  BYTEA NOT NULL,
    status     BIGINT NOT NULL,
    answer     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    row_mac    BYTEA NOT NULL
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);
