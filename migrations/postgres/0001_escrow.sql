-- One schema, two dialects: `migrations/sqlite` holds the same tables and columns. Times are microseconds since 1970 in
-- UTC, booleans are 0 and 1. Text that is searched by prefix or ordered compares byte by byte.

CREATE TABLE devices (
    id              UUID PRIMARY KEY,
    serial          TEXT COLLATE "C" NOT NULL UNIQUE,
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
    created_at      BIGINT NOT NULL,
    last_seen       BIGINT,
    row_mac         BYTEA NOT NULL,
    serial_fold     TEXT COLLATE "C" NOT NULL,
    device_key_fold TEXT COLLATE "C",
    asset_fold      TEXT COLLATE "C",
    host_fold       TEXT COLLATE "C",
    name_fold       TEXT COLLATE "C"
);
CREATE INDEX devices_serial_fold ON devices (serial_fold, serial);
CREATE INDEX devices_device_key_fold ON devices (device_key_fold, serial);
CREATE INDEX devices_asset_fold ON devices (asset_fold, serial);
CREATE INDEX devices_host_fold ON devices (host_fold, serial);
CREATE INDEX devices_name_fold ON devices (name_fold, serial);

CREATE TABLE device_owners (
    id          UUID PRIMARY KEY,
    device      UUID NOT NULL REFERENCES devices (id),
    issuer      TEXT COLLATE "C" NOT NULL,
    login       TEXT COLLATE "C" NOT NULL,
    source      TEXT NOT NULL,
    assigned_at BIGINT NOT NULL,
    row_mac     BYTEA NOT NULL,
    UNIQUE (device, issuer, login)
);
CREATE INDEX device_owners_login ON device_owners (login, issuer);

CREATE TABLE login_bindings (
    id       UUID PRIMARY KEY,
    issuer   TEXT COLLATE "C" NOT NULL,
    login    TEXT COLLATE "C" NOT NULL,
    subject  TEXT COLLATE "C" NOT NULL,
    bound_at BIGINT NOT NULL,
    row_mac  BYTEA NOT NULL,
    UNIQUE (issuer, login),
    UNIQUE (issuer, subject)
);

CREATE TABLE people (
    id         UUID PRIMARY KEY,
    issuer     TEXT COLLATE "C" NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    name       TEXT,
    email      TEXT,
    language   TEXT,
    updated_at BIGINT NOT NULL,
    name_fold  TEXT COLLATE "C",
    UNIQUE (issuer, subject)
);
CREATE INDEX people_name_fold ON people (name_fold);

CREATE TABLE sessions (
    id          UUID PRIMARY KEY,
    secret_hash BYTEA NOT NULL UNIQUE,
    line        UUID NOT NULL,
    issuer      TEXT COLLATE "C" NOT NULL,
    subject     TEXT COLLATE "C" NOT NULL,
    login       TEXT,
    roles       BIGINT NOT NULL,
    auth_time   BIGINT,
    acr         TEXT,
    sid         TEXT COLLATE "C",
    created_at  BIGINT NOT NULL,
    last_seen   BIGINT NOT NULL,
    row_mac     BYTEA NOT NULL
);
CREATE INDEX sessions_line ON sessions (line);
CREATE INDEX sessions_sid ON sessions (issuer, sid);
CREATE INDEX sessions_person ON sessions (issuer, subject);

CREATE TABLE sign_ins (
    id           UUID PRIMARY KEY,
    state_hash   BYTEA NOT NULL UNIQUE,
    browser_hash BYTEA NOT NULL,
    sealed       BYTEA NOT NULL,
    kek_id       BIGINT NOT NULL,
    line         UUID,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX sign_ins_expires_at ON sign_ins (expires_at);

CREATE TABLE api_tokens (
    id             TEXT COLLATE "C" PRIMARY KEY,
    secret_hash    BYTEA NOT NULL,
    name           TEXT NOT NULL,
    scopes         BIGINT NOT NULL,
    door           TEXT NOT NULL,
    device_pattern TEXT,
    trust          BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    expires_at     BIGINT,
    revoked_at     BIGINT,
    last_used      BIGINT,
    row_mac        BYTEA NOT NULL
);

CREATE TABLE key_versions (
    id             UUID PRIMARY KEY,
    device         UUID NOT NULL REFERENCES devices (id),
    kind           TEXT COLLATE "C" NOT NULL,
    version        BIGINT NOT NULL,
    sealed         BYTEA NOT NULL,
    kek_id         BIGINT NOT NULL,
    fingerprint    BYTEA NOT NULL,
    source         TEXT NOT NULL,
    trust          BIGINT NOT NULL,
    escrowed_at    BIGINT NOT NULL,
    promoted_at    BIGINT NOT NULL,
    unseen_letters BIGINT NOT NULL,
    confirmed_at   BIGINT NOT NULL,
    revealed_at    BIGINT,
    row_mac        BYTEA NOT NULL,
    UNIQUE (device, kind, version)
);
CREATE INDEX key_versions_rank ON key_versions (device, kind, trust, promoted_at, version);
CREATE INDEX key_versions_fingerprint ON key_versions (device, kind, fingerprint);

-- A grant is renewed at most once: `renewed_from` is unique, and absent ones do not clash.
CREATE TABLE reveal_grants (
    id           UUID PRIMARY KEY,
    issuer       TEXT COLLATE "C" NOT NULL,
    subject      TEXT COLLATE "C" NOT NULL,
    line         UUID NOT NULL,
    device       UUID NOT NULL REFERENCES devices (id),
    version      UUID NOT NULL REFERENCES key_versions (id),
    basis        TEXT NOT NULL,
    valid_from   BIGINT NOT NULL,
    valid_until  BIGINT NOT NULL,
    renewed_from UUID UNIQUE REFERENCES reveal_grants (id),
    renewal      BIGINT NOT NULL,
    hidden_at    BIGINT,
    row_mac      BYTEA NOT NULL
);

CREATE TABLE key_ring (
    id         BIGINT PRIMARY KEY CHECK (id = 1),
    generation BIGINT NOT NULL,
    wrapped    BYTEA NOT NULL,
    wrapped_by TEXT NOT NULL
);

-- `personal` and `salt` can be erased; what the chain covers of them is `personal_mac`.
CREATE TABLE audit_events (
    seq           BIGINT PRIMARY KEY,
    id            UUID NOT NULL UNIQUE,
    happened_at   BIGINT NOT NULL,
    kind          TEXT COLLATE "C" NOT NULL,
    outcome       TEXT NOT NULL,
    actor_kind    TEXT NOT NULL,
    actor_issuer  TEXT COLLATE "C" NOT NULL,
    actor_subject TEXT COLLATE "C" NOT NULL,
    role          TEXT NOT NULL,
    device        UUID,
    serial        TEXT,
    version       UUID,
    grant_id      UUID,
    request       UUID,
    detail        TEXT NOT NULL,
    personal      TEXT,
    salt          BYTEA,
    personal_mac  BYTEA NOT NULL,
    mac           BYTEA NOT NULL
);
CREATE INDEX audit_events_device ON audit_events (device, seq);
CREATE INDEX audit_events_actor ON audit_events (actor_subject, actor_issuer, seq);

CREATE TABLE audit_head (
    id  BIGINT PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL,
    mac BYTEA NOT NULL
);
INSERT INTO audit_head (id, seq, mac) VALUES (1, 0, '');

CREATE TABLE quotas (
    actor        TEXT COLLATE "C" NOT NULL,
    window_kind  TEXT COLLATE "C" NOT NULL,
    window_start BIGINT NOT NULL,
    n            BIGINT NOT NULL,
    PRIMARY KEY (actor, window_kind, window_start)
);
CREATE INDEX quotas_window_start ON quotas (window_start);
