-- Logout tokens of the identity provider that were obeyed, by their id: each is good once, on whichever replica.

CREATE TABLE logout_tokens (
    issuer     TEXT NOT NULL,
    jti        TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, jti)
) STRICT;
CREATE INDEX logout_tokens_expires_at ON logout_tokens (expires_at);
