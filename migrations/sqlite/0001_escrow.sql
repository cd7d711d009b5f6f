-- One schema, two dialects: `migrations/postgres` holds the same tables and columns. Times are microseconds since 1970 in
-- UTC, booleans are 0 and 1. Text that is searched by prefix or ordered compares byte by byte.

CREATE TABLE devices (
    id              BLOB NOT NULL PRIMARY KEY,
    serial          TEXT NOT NULL UNIQUE,
    udid            TEXT,
    name            TEXT,
    host_name       TEXT,
    model           TEXT,
    os_version      TEXT,
    asset_tag       TEXT,
    device_key      TEXT,
    user_hint       TEXT,
    ownership       TEXT NOT NULL,
    state           TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    last_seen       INTEGER,
    row_mac         BLOB NOT NULL,
    serial_fold     TEXT NOT NULL,
    device_key_fold TEXT,
    asset_fold      TEXT,
    host_fold       TEXT,
    name_fold       TEXT
) STRICT;
CREATE INDEX devices_serial_fold ON devices (serial_fold, serial);
CREATE INDEX devices_device_key_fold ON devices (device_key_fold, serial);
CREATE INDEX devices_asset_fold ON devices (asset_fold, serial);
CREATE INDEX devices_host_fold ON devices (host_fold, serial);
CREATE INDEX devices_name_fold ON devices (name_fold, serial);

CREATE TABLE device_owners (
    id          BLOB NOT NULL PRIMARY KEY,
    device      BLOB NOT NULL REFERENCES devices (id),
    issuer      TEXT NOT NULL,
    login       TEXT NOT NULL,
    source      TEXT NOT NULL,
    assigned_at INTEGER NOT NULL,
    row_mac     BLOB NOT NULL,
    UNIQUE (device, issuer, login)
) STRICT;
CREATE INDEX device_owners_login ON device_owners (login, issuer);

CREATE TABLE login_bindings (
    id       BLOB NOT NULL PRIMARY KEY,
    issuer   TEXT NOT NULL,
    login    TEXT NOT NULL,
    subject  TEXT NOT NULL,
    bound_at INTEGER NOT NULL,
    row_mac  BLOB NOT NULL,
    UNIQUE (issuer, login),
    UNIQUE (issuer, subject)
) STRICT;

CREATE TABLE people (
    id         BLOB NOT NULL PRIMARY KEY,
    issuer     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    name       TEXT,
    email      TEXT,
    language   TEXT,
    updated_at INTEGER NOT NULL,
    name_fold  TEXT,
    UNIQUE (issuer, subject)
) STRICT;
CREATE INDEX people_name_fold ON people (name_fold);

CREATE TABLE sessions (
    id          BLOB NOT NULL PRIMARY KEY,
    secret_hash BLOB NOT NULL UNIQUE,
    line        BLOB NOT NULL,
    issuer      TEXT NOT NULL,
    subject     TEXT NOT NULL,
    login       TEXT,
    roles       INTEGER NOT NULL,
    auth_time   INTEGER,
    acr         TEXT,
    sid         TEXT,
    created_at  INTEGER NOT NULL,
    last_seen   INTEGER NOT NULL,
    row_mac     BLOB NOT NULL
) STRICT;
CREATE INDEX sessions_line ON sessions (line);
CREATE INDEX sessions_sid ON sessions (issuer, sid);
CREATE INDEX sessions_person ON sessions (issuer, subject);

CREATE TABLE sign_ins (
    id           BLOB NOT NULL PRIMARY KEY,
    state_hash   BLOB NOT NULL UNIQUE,
    browser_hash BLOB NOT NULL,
    sealed       BLOB NOT NULL,
    kek_id       INTEGER NOT NULL,
    line         BLOB,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_ins_expires_at ON sign_ins (expires_at);

CREATE TABLE api_tokens (
    id             TEXT NOT NULL PRIMARY KEY,
    secret_hash    BLOB NOT NULL,
    name           TEXT NOT NULL,
    scopes         INTEGER NOT NULL,
    door           TEXT NOT NULL,
    device_pattern TEXT,
    trust          INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER,
    revoked_at     INTEGER,
    last_used      INTEGER,
    row_mac        BLOB NOT NULL
) STRICT;

CREATE TABLE key_versions (
    id             BLOB NOT NULL PRIMARY KEY,
    device         BLOB NOT NULL REFERENCES devices (id),
    kind           TEXT NOT NULL,
    version        INTEGER NOT NULL,
    sealed         BLOB NOT NULL,
    kek_id         INTEGER NOT NULL,
    fingerprint    BLOB NOT NULL,
    source         TEXT NOT NULL,
    trust          INTEGER NOT NULL,
    escrowed_at    INTEGER NOT NULL,
    promoted_at    INTEGER NOT NULL,
    unseen_letters INTEGER NOT NULL,
    confirmed_at   INTEGER NOT NULL,
    revealed_at    INTEGER,
    row_mac        BLOB NOT NULL,
    UNIQUE (device, kind, version)
) STRICT;
CREATE INDEX key_versions_rank ON key_versions (device, kind, trust, promoted_at, version);
CREATE INDEX key_versions_fingerprint ON key_versions (device, kind, fingerprint);

-- A grant is renewed at most once: `renewed_from` is unique, and absent ones do not clash.
CREATE TABLE reveal_grants (
    id           BLOB NOT NULL PRIMARY KEY,
    issuer       TEXT NOT NULL,
    subject      TEXT NOT NULL,
    line         BLOB NOT NULL,
    device       BLOB NOT NULL REFERENCES devices (id),
    version      BLOB NOT NULL REFERENCES key_versions (id),
    basis        TEXT NOT NULL,
    valid_from   INTEGER NOT NULL,
    valid_until  INTEGER NOT NULL,
    renewed_from BLOB UNIQUE REFERENCES reveal_grants (id),
    renewal      INTEGER NOT NULL,
    hidden_at    INTEGER,
    row_mac      BLOB NOT NULL
) STRICT;

CREATE TABLE key_ring (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    generation INTEGER NOT NULL,
    wrapped    BLOB NOT NULL,
    wrapped_by TEXT NOT NULL
) STRICT;

-- `personal` and `salt` can be erased; what the chain covers of them is `personal_mac`.
CREATE TABLE audit_events (
    seq           INTEGER PRIMARY KEY,
    id            BLOB NOT NULL UNIQUE,
    happened_at   INTEGER NOT NULL,
    kind          TEXT NOT NULL,
    outcome       TEXT NOT NULL,
    actor_kind    TEXT NOT NULL,
    actor_issuer  TEXT NOT NULL,
    actor_subject TEXT NOT NULL,
    role          TEXT NOT NULL,
    device        BLOB,
    serial        TEXT,
    version       BLOB,
    grant_id      BLOB,
    request       BLOB,
    detail        TEXT NOT NULL,
    personal      TEXT,
    salt          BLOB,
    personal_mac  BLOB NOT NULL,
    mac           BLOB NOT NULL
) STRICT;
CREATE INDEX audit_events_device ON audit_events (device, seq);
CREATE INDEX audit_events_actor ON audit_events (actor_subject, actor_issuer, seq);

CREATE TABLE audit_head (
    id  INTEGER PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
INSERT INTO audit_head (id, seq, mac) VALUES (1, 0, x'');

CREATE TABLE quotas (
    actor        TEXT NOT NULL,
    window_kind  TEXT NOT NULL,
    window_start INTEGER NOT NULL,
    n            INTEGER NOT NULL,
    PRIMARY KEY (actor, window_kind, window_start)
) STRICT;
CREATE INDEX quotas_window_start ON quotas (window_start);
