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

CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL);
INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (1, 'escrow', 1, x'15da5fa45f5d2b3ca94ef6bfdf4e5c73939fcb768c50ece54da0fc8582d526cc0d426af0b5906487b128dd5e1d86d192', 1);
DELETE FROM audit_head;
INSERT INTO devices (id, serial, udid, name, host_name, model, os_version, asset_tag, device_key, user_hint, ownership, state, created_at, last_seen, row_mac, serial_fold, device_key_fold, asset_fold, host_fold, name_fold) VALUES (x'01a2022970c07198be0125fab2964503', 'C02TEST00002', NULL, NULL, 'Test’s Mac', NULL, NULL, NULL, NULL, 'astrid', 'corporate', 'managed', 1795332600000000, 1795332720000000, x'010000000176f20c1bc3a14f00f5b55febe588e65466ad515f229d675dd0a72ed8885a9820', 'c02test00002', NULL, NULL, 'test’s mac', NULL);
INSERT INTO devices (id, serial, udid, name, host_name, model, os_version, asset_tag, device_key, user_hint, ownership, state, created_at, last_seen, row_mac, serial_fold, device_key_fold, asset_fold, host_fold, name_fold) VALUES (x'01a2022970c07ca8a845a0b0dd134ba7', 'C02TEST00001', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'corporate', 'managed', 1795332600000000, 1795332720000000, x'01000000014fd8ebc0193d0c7f86abcb973fab1b4355f03d0f7c9aedf33fae67c8736ec811', 'c02test00001', NULL, NULL, NULL, NULL);
INSERT INTO devices (id, serial, udid, name, host_name, model, os_version, asset_tag, device_key, user_hint, ownership, state, created_at, last_seen, row_mac, serial_fold, device_key_fold, asset_fold, host_fold, name_fold) VALUES (x'01a2022b45807acd9c6cc702b68d3156', 'C02TEST00003', NULL, 'Café ‘Åsa’', NULL, NULL, NULL, 'A-1', NULL, NULL, 'personal', 'managed', 1795332720000000, 1795332720000000, x'01000000013b0eda631cec1fea51c697c90b520c465c6d060dcbc9f0729b1ef84f5657d0a4', 'c02test00003', NULL, 'a-1', NULL, 'café ‘åsa’');
INSERT INTO device_owners (id, device, issuer, login, source, assigned_at, row_mac) VALUES (x'01a2022970c07a26892661c740b54b43', x'01a2022970c07198be0125fab2964503', 'http://127.0.0.1:34105', 'berit', 'owners import', 1795332600000000, x'0100000001db60ac6346fb0d3b6b86408095a77379c2c9bf742b45f2dbf2497565fd3e34df');
INSERT INTO device_owners (id, device, issuer, login, source, assigned_at, row_mac) VALUES (x'01a2022970c07ce08caf6801767cf314', x'01a2022970c07ca8a845a0b0dd134ba7', 'http://127.0.0.1:34105', 'astrid', 'owners import', 1795332600000000, x'01000000016ea1c0b3885f8d43c183e3acd95891425720cb536cb7fc0d1b88cbef2850ec2d');
INSERT INTO login_bindings (id, issuer, login, subject, bound_at, row_mac) VALUES (x'01a2022c2fe077958e2aec49a155cf56', 'http://127.0.0.1:34105', 'eva', 'sub-eva', 1795332780000000, x'01000000014d5e426ae03e280d36cde554c05db3c5a41e6b8ef0e210485fef7acb816718f5');
INSERT INTO login_bindings (id, issuer, login, subject, bound_at, row_mac) VALUES (x'01a2022c2fe07b409f63256a35ad2604', 'http://127.0.0.1:34105', 'kim', 'sub-kim', 1795332780000000, x'0100000001b9145a93e7474eaaf33a5b6e221224e4c31b2cab1c0b9d217b4fc949cbd71a65');
INSERT INTO login_bindings (id, issuer, login, subject, bound_at, row_mac) VALUES (x'01a2022c2fe07ebea28779214c44f0a1', 'http://127.0.0.1:34105', 'astrid', 'sub-astrid', 1795332780000000, x'0100000001fd4c6643abf20e33d8ff11e9d485b95d6657bdbc85e31668287420c07ae72354');
INSERT INTO people (id, issuer, subject, name, email, language, updated_at, name_fold) VALUES (x'01a2022c2fe071988f39a4c34c5f7597', 'http://127.0.0.1:34105', 'sub-eva', 'eva Test', 'eva@example.com', 'sv-SE', 1795332780000000, 'eva test');
INSERT INTO people (id, issuer, subject, name, email, language, updated_at, name_fold) VALUES (x'01a2022c2fe07a96b0dbe3f3dc71e088', 'http://127.0.0.1:34105', 'sub-astrid', 'astrid Test', 'astrid@example.com', 'sv-SE', 1795332780000000, 'astrid test');
INSERT INTO people (id, issuer, subject, name, email, language, updated_at, name_fold) VALUES (x'01a2022c2fe07fb1a3b93774e82b764f', 'http://127.0.0.1:34105', 'sub-kim', 'kim Test', 'kim@example.com', 'sv-SE', 1795332780000000, 'kim test');
INSERT INTO sessions (id, secret_hash, line, issuer, subject, login, roles, auth_time, acr, sid, created_at, last_seen, row_mac) VALUES (x'01a2022c2fe076278135e992012493fc', x'0100000001b8aea4d517e2ce0b7612bc7e6be717c5dbebfb60003497d5d76bae3bb587cbfc', x'01a2022c2fe07194a42278bfd7c0cd02', 'http://127.0.0.1:34105', 'sub-eva', 'eva', 5, 1795332780000000, '1', 'sid-eva', 1795332780000000, 1795332780000000, x'0100000001485c647eb453f3a160e3b5f1c04f8060dac29013deb23da3116b6f521dcd84d1');
INSERT INTO sessions (id, secret_hash, line, issuer, subject, login, roles, auth_time, acr, sid, created_at, last_seen, row_mac) VALUES (x'01a2022c2fe07ba0ad0bca6dfa6e2247', x'0100000001a148dfb8964a415c8ce6c8714e42225c3c5a09284fec3db71a6b1ec75bee1d91', x'01a2022c2fe07f8dbf5d27667926bf72', 'http://127.0.0.1:34105', 'sub-astrid', 'astrid', 1, 1795332780000000, '1', 'sid-astrid', 1795332780000000, 1795332780000000, x'01000000014f466a171c73a6560a9bca0e383a1a268822db88850acbb3eeca49c893ee731f');
INSERT INTO sign_ins (id, state_hash, browser_hash, sealed, kek_id, line, created_at, expires_at) VALUES (x'01a2022c2fe073b9b8131f6a14f4a0fc', x'01000000016efe31431c249b6d7d5e8696e36278aea20ef46810363f21c93126f8d02e8643', x'0100000001abe807da9d41192757932fa7a5560c58b0751a8082ea9af1eb31780471ab22c2', x'010000000142c96a1a65737b596cd3ef5f069ab082dd77c19733421a9c8ffccaa5770014bcb1879be68d4b70488f53f0a2227f2e704e75199f7190a99fcc20592dbf10509e85f99da4b48dfe8f4b840eef15931ef7e67e141668b07f63f346b413b6fbe4fce44a49e6b0201f1f1f2f9aabf5ab5b2d5d22499bb22fae49545e4a3287b0d1c9f57f52499e9878006a8a0adb06dfcef2ea31fd3894dc2359e7a764acd27b16417d6de02295476d6c9913ee5b5ecdebaee70f3c87d16253c74969cf6da4ced383c02205fae5c9ad7d', 1, NULL, 1795332780000000, 1795333380000000);
INSERT INTO api_tokens (id, secret_hash, name, scopes, door, device_pattern, trust, created_at, expires_at, revoked_at, last_used, row_mac) VALUES ('0e28f77f5554358a', x'010000000126855feb8f4ca83756843671269d55d25198b1e97b214c784512f8a3f01623e0', 'test', 9, 'crypt-path', NULL, 2, 1795332600000000, NULL, NULL, 1795332720000000, x'010000000137be2c88b22275e74844162f1caaaab89fbd778c51ecca2393d77472b473c635');
INSERT INTO api_tokens (id, secret_hash, name, scopes, door, device_pattern, trust, created_at, expires_at, revoked_at, last_used, row_mac) VALUES ('1cd20cb94e3daef8', x'01000000012c00bd70166eb60e2f4e2c9397281a9c9f61157aa8bdd47a7c4c0d358264025b', 'test', 1, 'header', NULL, 3, 1795332600000000, NULL, 1795332720000000, NULL, x'01000000013c540ee71777e8e27d62318b520fe814900cc4782ef3bec44a3ff8eb6e73ecbf');
INSERT INTO api_tokens (id, secret_hash, name, scopes, door, device_pattern, trust, created_at, expires_at, revoked_at, last_used, row_mac) VALUES ('ca75ca059c375ce2', x'0100000001475406b741864635f46c1a826fa5f05129f64729738f6fb461ad90e8abc356bd', 'test', 15, 'header', NULL, 2, 1795332600000000, NULL, NULL, 1795332720000000, x'010000000130026c40f5a27005d73bf4022a9b83be6d72c41e04ec4ad10d2d62d5410374a9');
INSERT INTO key_versions (id, device, kind, version, sealed, kek_id, fingerprint, source, trust, escrowed_at, promoted_at, unseen_letters, confirmed_at, revealed_at, row_mac) VALUES (x'01a2022970c07e108f10c689e57e6078', x'01a2022970c07ca8a845a0b0dd134ba7', 'recovery_key', 1, x'0100000001d091faa9e57a46414804c1341971331432da80f07d3b296634dcd9941a4d1d13500061c129ba38c66eb0ae4f61ee90bb8ec0146fd425660124e809610c22517029d7a60c51cb7167c26a68565a121b036011d80a74560190ee', 1, x'010000000120d997a05582110107cb0d393e1e0cd7e4f0646657ba41b1b44e8a9edba4aab8', 'test', 2, 1795332600000000, 1795332720000000, 0, 1795332720000000, 1795332780000000, x'01000000014c9d187567f73a44e23ca6d5454b6778d56c9c539f380dc7203f41c325f8159d');
INSERT INTO key_versions (id, device, kind, version, sealed, kek_id, fingerprint, source, trust, escrowed_at, promoted_at, unseen_letters, confirmed_at, revealed_at, row_mac) VALUES (x'01a2022a5b207d0981a44c85873f8a9f', x'01a2022970c07ca8a845a0b0dd134ba7', 'recovery_key', 2, x'0100000001f382628f9c9af31abb313860de47530c9be87cc171866e79994b0514cc4dc6b6c2185785b70c0131a5d6e2a6d2a893e0d87afc08dcec1c842b30ce6d682d60866eb2a64a5cada304aeadb9aa19724b2b6d7e7cda890e44f2b2', 1, x'0100000001572392ed57c556083490e0c17f9c596235c524bfea1f30e27cccf0aaa9c211dc', 'test', 2, 1795332660000000, 1795332660000000, 0, 1795332660000000, NULL, x'010000000183dc2f51dbcca4c30dfa28abedcb5ace4ae34540dd470a3057a81999a3828827');
INSERT INTO key_versions (id, device, kind, version, sealed, kek_id, fingerprint, source, trust, escrowed_at, promoted_at, unseen_letters, confirmed_at, revealed_at, row_mac) VALUES (x'01a2022b45807927aca85ea7a5bf75b1', x'01a2022b45807acd9c6cc702b68d3156', 'recovery_key', 1, x'010000000120432668d2a560ee3dd4f93c26f2a85f1ae30fac510c0012162dc2157c3a59f09597f63a21ca2f81f8c1ca6e91a54615b17ffc136b55fb0669fff105d1564c4fcdc95f2d308d594e066efede802ef2ae406a5b9b6f908c8a0c', 1, x'01000000019ba1f2ff00cc1ad0c2e23ed205771297eaff6388aae0868c846f39a1cd6fc35a', 'test', 2, 1795332720000000, 1795332720000000, 0, 1795332720000000, NULL, x'01000000016273275cbdd3b746492232d1888827b4a8f9b31064b12c6484318f6493c5e9fe');
INSERT INTO key_versions (id, device, kind, version, sealed, kek_id, fingerprint, source, trust, escrowed_at, promoted_at, unseen_letters, confirmed_at, revealed_at, row_mac) VALUES (x'01a2022b45807eb8a05c723eec436006', x'01a2022970c07198be0125fab2964503', 'recovery_key', 1, x'010000000148a199d6f2fc0e19295795f5bc64c7dbe9cc68cedfab9f1d10708de7d69e612ee3b5ce991c8d4770433c879c9096849da3d5a2f897a2fb0bc653370397613c99ee271f1de76ea372bee14c4be29cb70a6e9394d9f2cf26813a', 1, x'0100000001c33c6cfa9c9e56d52b680f3c0829e04cc36d42601b6158998b670a8faf07fb4c', 'test', 2, 1795332720000000, 1795332720000000, 0, 1795332720000000, NULL, x'0100000001f3aeb4ec9bf76541d849eeb11abec9101e621a909acf6a93dad58f194348de40');
INSERT INTO reveal_grants (id, issuer, subject, line, device, version, basis, valid_from, valid_until, renewed_from, renewal, hidden_at, row_mac) VALUES (x'01a2022c2fe07679b4c9b856d71bed4d', 'http://127.0.0.1:34105', 'sub-astrid', x'01a2022c2fe07f8dbf5d27667926bf72', x'01a2022970c07ca8a845a0b0dd134ba7', x'01a2022970c07e108f10c689e57e6078', 'owner', 1795332780000000, 1795333080000000, NULL, 0, 1795332780000000, x'0100000001c1f397d6e5a5b4c4cf9753d78c38dcdf3e6a743d9136a41c5b4c572f7c46a836');
INSERT INTO reveal_grants (id, issuer, subject, line, device, version, basis, valid_from, valid_until, renewed_from, renewal, hidden_at, row_mac) VALUES (x'01a2022c2fe077cfa0680123981d45e7', 'http://127.0.0.1:34105', 'sub-astrid', x'01a2022c2fe07f8dbf5d27667926bf72', x'01a2022970c07ca8a845a0b0dd134ba7', x'01a2022970c07e108f10c689e57e6078', 'owner', 1795332780000000, 1795333080000000, x'01a2022c2fe07679b4c9b856d71bed4d', 1, 1795332780000000, x'01000000011a4fb2e5cc861c25d012e38f43c4d4cf3d57290b18359e777192d074cb57a0de');
INSERT INTO reveal_grants (id, issuer, subject, line, device, version, basis, valid_from, valid_until, renewed_from, renewal, hidden_at, row_mac) VALUES (x'01a2022c2fe07b33aa5932b8dfbb07da', 'http://127.0.0.1:34105', 'sub-kim', x'01a2022c2fe07a8985171bb86bb0352b', x'01a2022970c07ca8a845a0b0dd134ba7', x'01a2022970c07e108f10c689e57e6078', 'desk', 1795332780000000, 1795333080000000, NULL, 0, NULL, x'0100000001a2f6377e30c066465d01136680c2874e46b137a937e6c079526163fe114598c8');
INSERT INTO key_ring (id, generation, wrapped, wrapped_by) VALUES (1, 1, x'010000000073cfe01d0c04fe76944d229ca4b5d7b07fb5511c523f8b8eb6faec0bd68e873bfb444be2942f01ab4078f416409e3d81f3d365755d30cf59ef3883bf682b5dbe9c72b852d712c3cecdcfe3a96f71bf572beeb149576f9331a7fc231d0ca611f46710a7a4492c414e5952d2a119f46413e47068915a82cecc76ccc4ab36276c5ab04877ef78972662d35d3a18fa4b5e1136822c4604aaf406c72e42ec52ed67562ba04abb87305b1372c26d9b11d2df09b510435a643e0b25a3adfa7117147df9516a6a9df19936a9866f002b67b1ec6174889176220a8681787ad025858ee4b225b5427d31c1777087620443ebf648972814eed065959cbf6cf1d2601fd8ff6161e375c6fca7268366b5f3e96b022fd5fb9f4c0a242fd92680b9f25c661804eebba144d31757b961', '9465b355');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (1, x'01a2022970c075b5a81bf090304aa025', 1795332600000000, 'key_ring.made', 'ok', 'operator', '', '', '', NULL, NULL, NULL, NULL, x'01a2022970c07b02a195276afa537287', '9465b355', '{}', x'2ada401dd5dd3f8b28e89c89cc455552', x'a74e5fc840caa960ab85d856ef3f00c3872d02577cc6da325252d7ea61e7f091', x'0100000001e6f115975efe172311130ce165ae060dd80a52f342c8c8c098a2b57683635a99');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (2, x'01a2022970c0732a841adb7b9005390e', 1795332600000000, 'token.created', 'ok', 'operator', '', '', 'escrow:write devices:read devices:write status:read', NULL, NULL, NULL, NULL, x'01a2022970c07c3a88a065a16c88c212', 'ca75ca059c375ce2 header observed', '{}', x'4c6ed43acc3e15728897f2e832da6a97', x'bd73f29bb8c532fa83a4c05ae5f69623708b449371a2f4afbaa63c850a14b855', x'010000000199f0c54ca4c72ac9d3e9657a8e968075c236ed47c6fcc12fc4befd1e3cac4463');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (3, x'01a2022970c07326bea17b21d693e2ff', 1795332600000000, 'token.created', 'ok', 'operator', '', '', 'escrow:write status:read', NULL, NULL, NULL, NULL, x'01a2022970c0772eb62ab97747197b09', '0e28f77f5554358a crypt-path observed', '{}', x'c43e58ae15123794a18bb4888d845075', x'1327ae56ea3c2314e1292a8cae9c13c38763c7801d5914c6d227ba4849ad9789', x'01000000012bebbf9e9c7b2e74569ec81eb8be37e48b3e460c26182e2317c7d2a7d4f4d082');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (4, x'01a2022970c079fdb619b8ac5bab7fba', 1795332600000000, 'token.created', 'ok', 'operator', '', '', 'escrow:write', NULL, NULL, NULL, NULL, x'01a2022970c075d8aabf5d18939a5436', '1cd20cb94e3daef8 header proven', '{}', x'3ac0b8f8f00dc70f481c2fa796b9922b', x'c910aef2d240376d074d9bf2f330bc8de4a0c6e4a44baca97b01b50d23f0446f', x'01000000015787c18ba93213e66223b7135ee3bf57735a71322d61385acd91a58872ed8083');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (5, x'01a2022970c0739fbfe9e9a8cfb545a1', 1795332600000000, 'device.created', 'ok', 'operator', '', '', '', x'01a2022970c07ca8a845a0b0dd134ba7', 'C02TEST00001', NULL, NULL, x'01a2022970c07ad6bb881a4a6e47e837', '', '{}', x'c1e36f38b9de79a757f08e1a23568b50', x'6ffe9fd316ef20304791aa99d4f7fdba503e7f9377b759f85c15022d3e7206db', x'0100000001915145c64f67367ba1b4b303146f0088d6adbddef7b40db7f4a56e85a71b4a34');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (6, x'01a2022970c073cd8f1b63fb6d61f148', 1795332600000000, 'owner.set', 'ok', 'operator', '', '', '', x'01a2022970c07ca8a845a0b0dd134ba7', 'C02TEST00001', NULL, NULL, x'01a2022970c07ad6bb881a4a6e47e837', 'row 01a20229-70c0-7ce0-8caf-6801767cf314', '{"login":"astrid"}', x'e2d83eefb80c8c38463832a260f75834', x'03210a0b52e9dbb9d32aeddf741372b68eb176375ec115c99675b6a168eebef1', x'01000000017537e24fd7865c49406229e6cd66786c06ea8e282b6632818e1a88a875826701');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (7, x'01a2022970c07b3eb33af43fb302351a', 1795332600000000, 'device.created', 'ok', 'operator', '', '', '', x'01a2022970c07198be0125fab2964503', 'C02TEST00002', NULL, NULL, x'01a2022970c070f0b90fadb6bfbe94f8', '', '{}', x'393f18bdfb97d7b9d242f83c31c6d574', x'f711818b2c996e51005e04b6188e99cd55e9e3c361df73b3cb98ab1289a654a0', x'01000000016c6d55898b78c405280123686d8e78e95ace833455d6209990d45f51718b141e');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (8, x'01a2022970c0784fbff2dd723404853d', 1795332600000000, 'owner.set', 'ok', 'operator', '', '', '', x'01a2022970c07198be0125fab2964503', 'C02TEST00002', NULL, NULL, x'01a2022970c070f0b90fadb6bfbe94f8', 'row 01a20229-70c0-7a26-8926-61c740b54b43', '{"login":"berit"}', x'c35eedcbe1085f4361af2045a044d680', x'1e90f4c0db287997cfaa312def29fcd34c9ff681457348c881498b97bf80d879', x'0100000001de2af3307b593f2f5a364b1cccabb4c054134e4f62c026bb59037a1b13f46d8e');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (9, x'01a2022970c07eb6800c111d66f6e3ec', 1795332600000000, 'deposit.new', 'ok', 'token', '', 'ca75ca059c375ce2', 'observed', x'01a2022970c07ca8a845a0b0dd134ba7', 'C02TEST00001', x'01a2022970c07e108f10c689e57e6078', NULL, x'01a2022970c071f2a4834dff2afe2c7b', 'current', '{"address":"192.0.2.20"}', x'31c730c3b3f1a46e07f47b7bfe1251ea', x'e419ebad081709c3e8f9c16805210968fe165ee9e5b36a05aef1438fab921ba8', x'0100000001142b12e7210c4828ee245dcf017c64ce026ab8c86e466eef8c9a27e5ab640575');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (10, x'01a2022a5b20719aaf4481596e12f9ba', 1795332660000000, 'deposit.new', 'ok', 'token', '', 'ca75ca059c375ce2', 'observed', x'01a2022970c07ca8a845a0b0dd134ba7', 'C02TEST00001', x'01a2022a5b207d0981a44c85873f8a9f', NULL, x'01a2022a5b207a15974c227d40373c8e', 'current', '{"address":"192.0.2.20"}', x'c4e7c2df49c777f2d75a306bf65624b1', x'f751b56181ab92b64874f3867d02380543e84ffcb882b97244118075c32c6383', x'010000000174f5aa91f290a2fd2b1b4b9a762c314a70d803284c5aed7814aa393a308bd134');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (11, x'01a2022b458073ca9a5dd86b8f2de902', 1795332720000000, 'deposit.promoted', 'ok', 'token', '', 'ca75ca059c375ce2', 'observed', x'01a2022970c07ca8a845a0b0dd134ba7', 'C02TEST00001', x'01a2022970c07e108f10c689e57e6078', NULL, x'01a2022b45807469a9a289afa5802a50', 'contested', '{"address":"192.0.2.20"}', x'937df4f56b6c29a0cc482962e0c20327', x'b2bea867e49db2b21e34d1c37cbda35ad5687f6303d46c2262b0f5eed88888ca', x'0100000001af4891f677c33f554c81882f94fa11c908e5dfc23927b2ab32b5e26df2ff9b27');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (12, x'01a2022b4580718798b97e89df8f0311', 1795332720000000, 'deposit.new', 'ok', 'token', '', '0e28f77f5554358a', 'observed', x'01a2022970c07198be0125fab2964503', 'C02TEST00002', x'01a2022b45807eb8a05c723eec436006', NULL, x'01a2022b458079ffb78a2cf64e58afaa', 'current', '{"address":"192.0.2.20"}', x'646010f0d0856c413d80bddcafc56fb4', x'a39a2047772bde00ad78b6d7392427ed9dc0b3ce4af57e197da94d9d624ca14c', x'01000000010b85594349752661edfb95fec7e91981f1e2e555e14f3777729f205eb42c1969');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (13, x'01a2022b458078d790be0b6597c9974a', 1795332720000000, 'deposit.new', 'ok', 'token', '', 'ca75ca059c375ce2', 'observed', x'01a2022b45807acd9c6cc702b68d3156', 'C02TEST00003', x'01a2022b45807927aca85ea7a5bf75b1', NULL, x'01a2022b458073d0bf9dd41b38ce1cf8', 'current', '{"address":"192.0.2.20"}', x'091e2f2d7871f372ae95c5323c8a963c', x'88061f6a110bf6fc2883e783f88c596892a0731563d59ffde4f2b28978e43ed8', x'010000000118c7e92fec11d4a239913e7ffa3eff75f4a8a7c08e026a87b53fecd267c0e0dc');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (14, x'01a2022b45807cfea3b1a194eef7f197', 1795332720000000, 'device.changed', 'ok', 'token', '', 'ca75ca059c375ce2', 'escrow:write devices:read devices:write status:read', x'01a2022b45807acd9c6cc702b68d3156', 'C02TEST00003', NULL, NULL, x'01a2022b45807c27b84011bf76f45717', 'ownership personal', '{"address":"192.0.2.20"}', x'ded0ea8836005125acefa7751b56beb1', x'd987ebe0176c934a10e6654a748bd4d240751e7d0c88c9877f00e1b5209a63f8', x'0100000001df3d835eef022f346b6a6c79fda9e07530649437ba1a78c9496cc9d1b631742e');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (15, x'01a2022b45807695b7e7d171378fff2e', 1795332720000000, 'token.revoked', 'ok', 'operator', '', '', '', NULL, NULL, NULL, NULL, x'01a2022b45807a73abb4bbff77d1bc35', '1cd20cb94e3daef8', '{}', x'36b6c2ee7e5b0f45e623d9a268d91d38', x'f2adc8b516d8119502a3e6948ebbf5362674aa81bb03b7a1aa64898555b52b17', x'01000000018814d2486fbc0307c424f61ddb4a617725c32fdec745932a4d47ee5c9edc1ed8');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (16, x'01a2022b45807ef6aefb63b5a68e3757', 1795332720000000, 'deposit.refused', 'refused', 'token', '', 'ca75ca059c375ce2', 'observed', NULL, 'C02TEST00001', NULL, NULL, x'01a2022b45807838820801f10a811fa8', 'recovery_key', '{"address":"192.0.2.20"}', x'be422899514207ec311a8fe59ccae0e8', x'6e4e135c153370f692b8e42bafe2a7d1533e189abe95c8ca09891207d16bf506', x'01000000017e223431c3b39ecfbfa6aeb227701827e848489a451c894ef81e65219785c90c');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (17, x'01a2022c2fe0756982c8a4b2921d892a', 1795332780000000, 'login.bound', 'ok', 'person', 'http://127.0.0.1:34105', 'sub-kim', '', NULL, NULL, NULL, NULL, x'01a2022c2fe074b09fec592080e841d3', 'row 01a2022c-2fe0-7b40-9f63-256a35ad2604', '{"name":"kim Test","login":"kim","address":"192.0.2.10"}', x'e2d7ca51da51c0b27193b1355505825b', x'86f55209e59145c631e592f31150a6d6c82af662c9dbd2b86aeed6f7a714e249', x'010000000112444ace3a01f0823a573772cc880be28f4ebca4f177d97366a23559a26585a4');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (18, x'01a2022c2fe07d49878315aa8b8d5fbb', 1795332780000000, 'sign_in', 'ok', 'person', 'http://127.0.0.1:34105', 'sub-kim', 'employee helpdesk', NULL, NULL, NULL, NULL, x'01a2022c2fe074b09fec592080e841d3', '', '{"name":"kim Test","login":"kim","address":"192.0.2.10"}', x'98937e89ca9c9a6d64b7a601c489e323', x'c54be82ba8e6e6d282321bfa5c50ef8e17c2186a5e290df635dee937bf65c82e', x'0100000001bd138f67693939bc7b8a4b3b2ed730091e25f4ea73568b4b9a3f2d177578461d');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (19, x'01a2022c2fe07651ab2532d867134fa3', 1795332780000000, 'reveal.granted', 'ok', 'person', 'http://127.0.0.1:34105', 'sub-kim', 'helpdesk', x'01a2022970c07ca8a845a0b0dd134ba7', 'C02TEST00001', x'01a2022970c07e108f10c689e57e6078', x'01a2022c2fe07b33aa5932b8dfbb07da', x'01a2022c2fe07d77ba4e963f6806e02d', 'offered', '{"name":"kim Test","login":"kim","address":"192.0.2.10","ticket":"INC001","reason":"forgot_password","identity":"called back"}', x'15f708943892de7db3e93da27c27d8e9', x'f57fd9078a8fd5fa822884e312e97d90861953c340a1cc347d91c35c2457f3f2', x'010000000191bccb2e0838ee8725ec74f13ed0df6edb3b32efe84f17296820d7860c678272');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (20, x'01a2022c2fe0798ebe691eecaa2d5e7e', 1795332780000000, 'reveal.viewed', 'ok', 'person', 'http://127.0.0.1:34105', 'sub-kim', 'helpdesk', x'01a2022970c07ca8a845a0b0dd134ba7', 'C02TEST00001', x'01a2022970c07e108f10c689e57e6078', x'01a2022c2fe07b33aa5932b8dfbb07da', x'01a2022c2fe0769eaf6b7c8fb9722c1c', '', '{"name":"kim Test","login":"kim","address":"192.0.2.10"}', x'06e746013bdb09d57680cb39ee796f9d', x'ce8378f89188cdac93ebd3edfb5347223a9d22aeef6426f6f590b12e329e208d', x'0100000001f1637f3ab26505ff35ae9b95304a8ffeb146d53af27a7f7f9954e407bd7375b5');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (21, x'01a2022c2fe07c12965802a518e4a7db', 1795332780000000, 'sign_out', 'ok', 'person', 'http://127.0.0.1:34105', 'sub-kim', 'employee helpdesk', NULL, NULL, NULL, NULL, x'01a2022c2fe07f66b87a20f50edc4b0e', 'line 01a2022c-2fe0-7a89-8517-1bb86bb0352b', '{"name":"kim Test","login":"kim","address":"192.0.2.10"}', x'04ebf793615c3882cfe42360b7109e3d', x'a3ae56c8273f4e3626b4f6594225ae5bff2067b06f75213a962c75dc3aea67d1', x'0100000001d90ff1bc40bbea8679e89a6b4dfb9e3e025bc818fed7558af7ff5ae3e3fb7731');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (22, x'01a2022c2fe0763e9fe17bdc1cb0cf3f', 1795332780000000, 'login.bound', 'ok', 'person', 'http://127.0.0.1:34105', 'sub-eva', '', NULL, NULL, NULL, NULL, x'01a2022c2fe07a4cb7584a0be61979df', 'row 01a2022c-2fe0-7795-8e2a-ec49a155cf56', '{"name":"eva Test","login":"eva","address":"192.0.2.10"}', x'b8996f98f890034da45e5931360018c8', x'31c1c29854f699a1e2df24dad559b645a2be41066033fa232e09288f9930185b', x'0100000001c7558f44f3882577d21c3cf134db4a8b6eeaaea551d69b665b6acddb0ef006f4');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (23, x'01a2022c2fe07415a89f523337267b38', 1795332780000000, 'sign_in', 'ok', 'person', 'http://127.0.0.1:34105', 'sub-eva', 'employee auditor', NULL, NULL, NULL, NULL, x'01a2022c2fe07a4cb7584a0be61979df', '', '{"name":"eva Test","login":"eva","address":"192.0.2.10"}', x'15cea95ea7ed64dfc6804bfcee6460d5', x'eb60a930cefd66b4a97ad27ecfb2ba57abc24328f790573afe4dd36d466f8e18', x'0100000001c1c589174f91d60e000d2d2aa1469ab7ca4f7a7ca2f7ab95bdef9ab877f04515');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (24, x'01a2022c2fe073e29403b9e03528fd1e', 1795332780000000, 'trail.read', 'ok', 'person', 'http://127.0.0.1:34105', 'sub-eva', 'employee auditor', NULL, NULL, NULL, NULL, x'01a2022c2fe07898a6a6f2c27bf8f4e6', 'newest', '{"name":"eva Test","login":"eva","address":"192.0.2.10"}', x'253e8c01b7577a153f511644a45fc17a', x'93a8a2ed5d958caee2b1ee87ec1c44992870a28894df55393fdb1155220d1fb2', x'0100000001247573b89c0d3c31e2abca8e9c7dcc2379c07baf867eb2c281f73a21f5b947af');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (25, x'01a2022c2fe07c7194b59d7baefdffd3', 1795332780000000, 'login.bound', 'ok', 'person', 'http://127.0.0.1:34105', 'sub-astrid', '', NULL, NULL, NULL, NULL, x'01a2022c2fe07fe1a97ecd0c890ec45d', 'row 01a2022c-2fe0-7ebe-a287-79214c44f0a1', '{"name":"astrid Test","login":"astrid","address":"192.0.2.10"}', x'032f22c9fef76290aa248e9c379678d6', x'c06bd2815cdd3aab11243c4309dbd3bf72f229121eacd15ef2f29ce6a7b4fb7c', x'01000000018b024ede362f4fa92dd7eb8eac951e2b36297558aca8deb9a1e9a9b92ee68996');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (26, x'01a2022c2fe07958823fcaeba1ee5037', 1795332780000000, 'sign_in', 'ok', 'person', 'http://127.0.0.1:34105', 'sub-astrid', 'employee', NULL, NULL, NULL, NULL, x'01a2022c2fe07fe1a97ecd0c890ec45d', '', '{"name":"astrid Test","login":"astrid","address":"192.0.2.10"}', x'7ac556984931127961386849d7a42d74', x'3406bbaa9d2bf862e0df0dccf54fe69b7df29091adc73247613a570c46bdb615', x'01000000013908807336f0b457aa427e0755da640f7fafb02ec65cf34b125baa47515ea56a');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (27, x'01a2022c2fe07f8085fea95cef09fe5f', 1795332780000000, 'reveal.granted', 'ok', 'person', 'http://127.0.0.1:34105', 'sub-astrid', 'owner', x'01a2022970c07ca8a845a0b0dd134ba7', 'C02TEST00001', x'01a2022970c07e108f10c689e57e6078', x'01a2022c2fe07679b4c9b856d71bed4d', x'01a2022c2fe07771998858b26894e8f2', 'offered', '{"name":"astrid Test","login":"astrid","address":"192.0.2.10"}', x'53582131a4195627ec9679a1cffc4cb8', x'd85111d9a8f7a3c918b1794ee05839fcaf77d69902dc106e559169d30e547753', x'010000000189c34c466822aa1cb358474132da11601efbde79a02fa84a03b9daf067b80c16');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (28, x'01a2022c2fe07ad9b941d19eaf93ac45', 1795332780000000, 'reveal.viewed', 'ok', 'person', 'http://127.0.0.1:34105', 'sub-astrid', 'owner', x'01a2022970c07ca8a845a0b0dd134ba7', 'C02TEST00001', x'01a2022970c07e108f10c689e57e6078', x'01a2022c2fe07679b4c9b856d71bed4d', x'01a2022c2fe07b44baad2d581bf410cf', '', '{"name":"astrid Test","login":"astrid","address":"192.0.2.10"}', x'666539b5f76433ee27ef2131c2006ada', x'62fde840136da77dc1a776ddd26812242b75220db126c7b47a32bf449d85d8f8', x'0100000001e7c0f6d1254fed9c719eeb6a34746ec8321d5b9bc1f55d7186650c635799d694');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (29, x'01a2022c2fe0789d9f5ad05d4e706e84', 1795332780000000, 'reveal.renewed', 'ok', 'person', 'http://127.0.0.1:34105', 'sub-astrid', 'owner', x'01a2022970c07ca8a845a0b0dd134ba7', 'C02TEST00001', x'01a2022970c07e108f10c689e57e6078', x'01a2022c2fe077cfa0680123981d45e7', x'01a2022c2fe07d87aa54f26b05b157f0', 'from 01a2022c-2fe0-7679-b4c9-b856d71bed4d', '{"name":"astrid Test","login":"astrid","address":"192.0.2.10"}', x'664b2437133ef2ab086624ce3fde0c84', x'1c6a2b20b3e5bb221e59eb20a5c5eae6dec72aeb430fea67d273a43ec66292d7', x'01000000019af7a21882fbd0b332381c596b815f575543aedf2309220cc1d14503f2d82f51');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (30, x'01a2022c2fe079728dd7feee11a968ec', 1795332780000000, 'reveal.viewed', 'ok', 'person', 'http://127.0.0.1:34105', 'sub-astrid', 'owner', x'01a2022970c07ca8a845a0b0dd134ba7', 'C02TEST00001', x'01a2022970c07e108f10c689e57e6078', x'01a2022c2fe077cfa0680123981d45e7', x'01a2022c2fe07dfb887644f2dbfb5b0e', '', '{"name":"astrid Test","login":"astrid","address":"192.0.2.10"}', x'7797385e2a4ee6469b5a401b72152462', x'04cea8a3a494ff479da95a7884627fdbf7ac87c68a5b8f5defb231cca01b7c1d', x'010000000176e6e360144c94b1e07efb1955bcc115a3408e7c3d9265f7d88d4a97ad6d679c');
INSERT INTO audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, version, grant_id, request, detail, personal, salt, personal_mac, mac) VALUES (31, x'01a2022c2fe079928652c30db49f78f7', 1795332780000000, 'reveal.hidden', 'ok', 'person', 'http://127.0.0.1:34105', 'sub-astrid', 'owner', x'01a2022970c07ca8a845a0b0dd134ba7', 'C02TEST00001', x'01a2022970c07e108f10c689e57e6078', x'01a2022c2fe077cfa0680123981d45e7', x'01a2022c2fe07e6791cc0e00468bba1c', '', '{"name":"astrid Test","login":"astrid","address":"192.0.2.10"}', x'e335a14798487958c4ea06bd05072540', x'e2b1ac0c39e75fccb8e79e7f35cb1c7c7e0e4497167e57c350bd5ceb65ba0339', x'01000000014ac01043c35abaa159e82e1ff74e6bcf2d3940d4430d7a849136115af905392e');
INSERT INTO audit_head (id, seq, mac) VALUES (1, 31, x'01000000014ac01043c35abaa159e82e1ff74e6bcf2d3940d4430d7a849136115af905392e');
INSERT INTO quotas (actor, window_kind, window_start, n) VALUES ('http://127.0.0.1:34105 sub-astrid', 'day', 1795305600000000, 1);
INSERT INTO quotas (actor, window_kind, window_start, n) VALUES ('http://127.0.0.1:34105 sub-astrid', 'hour', 1795330800000000, 1);
INSERT INTO quotas (actor, window_kind, window_start, n) VALUES ('http://127.0.0.1:34105 sub-astrid', 'minute', 1795332780000000, 1);
INSERT INTO quotas (actor, window_kind, window_start, n) VALUES ('http://127.0.0.1:34105 sub-kim', 'day', 1795305600000000, 1);
INSERT INTO quotas (actor, window_kind, window_start, n) VALUES ('http://127.0.0.1:34105 sub-kim', 'hour', 1795330800000000, 1);
INSERT INTO quotas (actor, window_kind, window_start, n) VALUES ('http://127.0.0.1:34105 sub-kim', 'minute', 1795332780000000, 1);
