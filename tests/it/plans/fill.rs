//! Many rows for every table, as a script: what they hold means nothing, but each column has as many values as it would.

use keyharbor::store::Engine;

const DEVICES: u32 = 60_000;

/// Tables, how many rows, and what is in row `n`: `#n` is an id made of it, `@n` bytes, `~n` appends it to a text; `d` is a device.
const FILL: &[(&str, u32, &str)] = &[
    (
        "devices (id, serial, name, host_name, asset_tag, device_key, ownership, state, created_at, last_seen, row_mac, serial_fold, \
         device_key_fold, asset_fold, host_fold, name_fold)",
        DEVICES,
        "#n, 'C'~n, 'Mac'~n, 'mac'~n, 'A'~n, 'K'~n, 'corporate', 'managed', n * 1000, n * 1000, @n, 'c'~n, \
         'k'~n, 'a'~n, 'mac'~n, 'mac'~n",
    ),
    (
        "device_owners (id, device, issuer, login, source, assigned_at, row_mac)",
        DEVICES,
        "#n, #n, 'https://id.acme.example', 'user'~n, 'import', n * 1000, @n",
    ),
    (
        "login_bindings (id, issuer, login, subject, bound_at, row_mac)",
        DEVICES,
        "#n, 'https://id.acme.example', 'user'~n, 'sub'~n, n * 1000, @n",
    ),
    (
        "people (id, issuer, subject, name, updated_at, name_fold)",
        DEVICES,
        "#n, 'https://id.acme.example', 'sub'~n, 'Person '~n, n * 1000, 'person '~n",
    ),
    (
        "sessions (id, secret_hash, line, issuer, subject, login, roles, sid, created_at, last_seen, row_mac)",
        DEVICES,
        "#n, @n, #n, 'https://id.acme.example', 'sub'~n, 'user'~n, 1, 'sid'~n, n * 1000, n * 1000, @n",
    ),
    (
        "sign_ins (id, state_hash, browser_hash, sealed, kek_id, line, created_at, expires_at)",
        5_000,
        "#n, @n, @n, @n, 1, #n, n * 1000, n * 1000",
    ),
    (
        "api_tokens (id, secret_hash, name, scopes, door, trust, created_at, row_mac)",
        DEVICES,
        "'t'~n, @n, 'MDM '~n, 1, 'header', 2, n * 1000, @n",
    ),
    ("sources (token, added_at, first_seen, last_seen, deposits, refused, last_device)", 5_000, "'t'~n, n * 1000, n, n, 9, 1, #n"),
    (
        "key_versions (id, device, kind, version, sealed, kek_id, fingerprint, source, trust, escrowed_at, promoted_at, unseen_letters, \
         confirmed_at, row_mac)",
        2 * DEVICES,
        "#n, #d, 'recovery_key', n / 60000 + 1, @n, 1, @n, 't', 2, n * 1000, n * 1000, 0, n * 1000, @n",
    ),
    (
        "reveal_grants (id, issuer, subject, line, device, version, basis, valid_from, valid_until, renewal, row_mac)",
        DEVICES,
        "#n, 'https://id.acme.example', 'sub'~n, #n, #d, #n, 'owner', n * 1000, n * 1000, 0, @n",
    ),
    (
        "audit_events (seq, id, happened_at, kind, outcome, actor_kind, actor_issuer, actor_subject, role, device, serial, detail, \
         personal, salt, personal_mac, mac)",
        100_000,
        "n, #n, n * 1000, CASE n % 4 WHEN 0 THEN 'reveal.granted' WHEN 1 THEN 'deposit.new' ELSE 'deposit.same' END, 'ok', 'person', \
         'https://id.acme.example', 'sub'~n, 'employee', #d, CASE WHEN n % 10 > 0 THEN 'C'~d END, '', \
         '{\"login\":\"user'~d || '\",\"name\":\"Person '~d || '\"}', @n, @n, @n",
    ),
    ("kek_uses (kek_id, sealed)", 5_000, "n, n"),
    ("audit_checkpoints (seq, mac, logged_at)", 5_000, "n, @n, n"),
    ("quotas (actor, window_kind, window_start, n)", DEVICES, "'sub'~n, 'hour', n * 1000, 1"),
    (
        "logout_tokens (issuer, jti, expires_at, sid, subject, obeyed_at)",
        5_000,
        "'https://id.acme.example', 'jti'~n, n * 1000, 'sid'~n, 'sub'~n, n * 1000",
    ),
    ("idempotency_keys (key_hash, body_hash, status, answer, created_at, row_mac)", DEVICES, "@n, @n, 201, '', n * 1000, @n"),
];

/// All rows of the tables, or some: from which to which, of so many.
pub fn fill(engine: Engine, some: impl Fn(u32) -> (u32, u32)) -> String {
    let mut script = String::new();
    for (table, rows, values) in FILL {
        let (first, last) = some(*rows);
        let columns = table.replace("~", "");
        let (id, bytes, series) = match engine {
            Engine::Sqlite => (
                "unhex(printf('%032x', N))",
                "unhex(printf('%032x', N))",
                format!("WITH RECURSIVE series (n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM series WHERE n < {last})"),
            ),
            Engine::Postgres => (
                "CAST(lpad(to_hex(N), 32, '0') AS uuid)",
                "decode(lpad(to_hex(N), 32, '0'), 'hex')",
                format!("WITH series (n) AS (SELECT CAST(generate_series({first}, {last}) AS bigint))"),
            ),
        };
        let mut values = (*values).to_owned();
        for n in ["n", "d"] {
            values = values.replace(&format!("#{n}"), &id.replace('N', n)).replace(&format!("@{n}"), &bytes.replace('N', n));
            values = values.replace(&format!("~{n}"), &format!(" || (100000 + {n})"));
        }
        script +=
            &format!("INSERT INTO {columns} {series}, rows AS (SELECT n, 1 + n % {DEVICES} AS d FROM series) SELECT {values} FROM rows;\n");
    }
    script
}
