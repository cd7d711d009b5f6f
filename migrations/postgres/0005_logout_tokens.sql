-- Logout tokens of the identity provider that were obeyed, by their id: each is good once, on whichever replica.

CREATE TABLE logout_tokens (
    issuer     TEXT COLLATE "C" NOT NULL,
    jti        TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, jti)
);
CREATE INDEX logout_tokens_expires_at ON logout_tokens (expires_at);
