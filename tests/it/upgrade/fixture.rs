//! What today's code leaves in a database, written down as the fixture of a release: its rows as SQL text for either engine, and
//! beside them the root key, tokens and cookies that the test of the upgrade needs. All of it synthetic.

use std::fmt::Write as _;
use std::path::Path;

use actix_web::http::Method;
use keyharbor::domain::audit::Actor;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::hex;
use keyharbor::domain::token::{Door, Scope};
use keyharbor::store::{APART, TABLES};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Column as _, Connection as _, PgConnection, Row as _, SqliteConnection, TypeInfo as _, ValueRef as _};

use super::Release;
use crate::world::{KEY, MAC, OTHER_KEY, World, token_id};

/// One engine's words.
struct Dialect {
    name: &'static str,
    text: String,
    blob: &'static str,
    time: &'static str,
    yes: &'static str,
}

impl Dialect {
    fn bytes(&self, bytes: &[u8]) -> String {
        if self.name == "sqlite" { format!("x'{}'", hex(bytes)) } else { format!("'\\x{}'", hex(bytes)) }
    }

    /// The schema as its migrations make it, and that they were applied.
    fn schema(&mut self, applied: &[(i64, String, Vec<u8>)]) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(self.name);
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        assert_eq!(files.len(), applied.len());
        for file in files {
            self.text.push_str(&std::fs::read_to_string(file).unwrap());
        }
        let (time, blob, yes) = (self.time, self.blob, self.yes);
        let _ = writeln!(
            self.text,
            "\nCREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on {time} NOT NULL DEFAULT \
             CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum {blob} NOT NULL, execution_time BIGINT NOT NULL);"
        );
        for (version, description, checksum) in applied {
            let sum = self.bytes(checksum);
            let _ = writeln!(
                self.text,
                "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES ({version}, '{description}', {yes}, {sum}, 1);"
            );
        }
        self.text.push_str("DELETE FROM audit_head;\n");
    }

    /// `ids`: the columns for which the engine has a type of its own.
    fn row(&mut self, table: &str, row: &SqliteRow, ids: &[(String, String)]) {
        let cell = |n: usize, name: &str| {
            let raw = row.try_get_raw(n).unwrap();
            if raw.is_null() {
                return "NULL".to_owned();
            }
            match raw.type_info().name() {
                "INTEGER" => row.get::<i64, _>(n).to_string(),
                "TEXT" => format!("'{}'", row.get::<String, _>(n).replace('\'', "''")),
                "BLOB" if ids.iter().any(|(t, c)| t == table && c == name) => format!("'{}'", hex(row.get::<Vec<u8>, _>(n))),
                "BLOB" => self.bytes(&row.get::<Vec<u8>, _>(n)),
                other => panic!("{table}.{name}: {other}"),
            }
        };
        let names: Vec<&str> = row.columns().iter().map(|c| c.name()).collect();
        let cells: Vec<String> = names.iter().enumerate().map(|(n, name)| cell(n, name)).collect();
        let _ = writeln!(self.text, "INSERT INTO {table} ({}) VALUES ({});", names.join(", "), cells.join(", "));
    }
}

/// What people, agents and the operator did, and who of them is still signed in.
async fn lived_in(world: &World) -> serde_json::Value {
    let scopes = [Scope::EscrowWrite, Scope::StatusRead, Scope::DevicesWrite, Scope::DevicesRead];
    let header = world.token(&scopes, Door::Header, Trust::Observed).await;
    let path = world.token(&[Scope::EscrowWrite, Scope::StatusRead], Door::CryptPath, Trust::Observed).await;
    let ended = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Proven).await;
    world.own(MAC, "astrid").await;
    world.own("C02TEST00002", "berit").await;
    for (serial, key) in [(MAC, KEY), (MAC, OTHER_KEY), (MAC, KEY), ("C02TEST00003", "VVVV-WWWW-XXXX-YYYY-ZZZZ-AAA5")] {
        let body = serde_json::json!({ "serial": serial, "recovery_key": key });
        let answer = world.api(Method::POST, "/api/v1/deposits", &header, Some(body)).await;
        assert!(answer.status.is_success(), "{}", answer.text);
        world.clock.advance_seconds(60);
    }
    assert!(world.check_in(&path, "C02TEST00002", "NNNN-PPPP-QQQQ-RRRR-TTTT-UUU4").await.status.is_success());
    let put = serde_json::json!({ "name": "Café ‘Åsa’ O'Hara", "ownership": "personal", "asset_tag": "A-1" });
    let answer = world.api(Method::PUT, "/api/v1/devices/C02TEST00003", &header, Some(put)).await;
    assert!(answer.status.is_success(), "{}", answer.text);
    world.service.revoke_token(token_id(&ended), Actor::Operator).await.unwrap();
    let bad = serde_json::json!({ "serial": MAC, "recovery_key": "AAAA" });
    assert!(world.api(Method::POST, "/api/v1/deposits", &header, Some(bad)).await.status.is_client_error());
    let mac = world.device_id(MAC).await;
    let mut kim = world.signed_in("kim").await;
    let shown = kim.desk_reveal(&mac, &[]).await;
    assert!(kim.get(shown.location()).await.key().is_some());
    kim.post("/sign-out", &[]).await;
    assert!(world.signed_in("eva").await.get("/trail").await.status.is_success());
    let mut astrid = world.signed_in("astrid").await;
    let shown = astrid.reveal(&mac).await.location().to_owned();
    assert_eq!(astrid.get(&shown).await.key().as_deref(), Some(KEY));
    let renewed = astrid.post(&format!("{shown}/renew"), &[]).await.location().to_owned();
    assert!(astrid.get(&renewed).await.key().is_some());
    astrid.post(&format!("{renewed}/hide"), &[]).await;
    // A sign-in that is begun and not ended.
    world.browser().get("/sign-in").await;
    serde_json::json!({
        "release": env!("CARGO_PKG_VERSION"),
        "root_key": world.root.text().as_str(),
        "issuer": world.idp.issuer(),
        "now": world.env.now().0,
        "device": mac,
        "header_token": header,
        "path_token": path,
        "revoked_token": ended,
        "cookies": astrid.jar,
    })
}

pub async fn of_today() -> Release {
    const APPLIED: &str = "SELECT version, description, checksum FROM _sqlx_migrations ORDER BY version";
    let world = World::new().await;
    let secrets = lived_in(&world).await;
    let postgres = crate::engines::postgres().await;
    let mut lite = SqliteConnection::connect(&world.fresh.url).await.unwrap();
    let mut conn = PgConnection::connect(&postgres.url).await.unwrap();
    let mut a = Dialect { name: "sqlite", text: String::new(), blob: "BLOB", time: "TIMESTAMP", yes: "1" };
    let mut b = Dialect { name: "postgres", text: String::new(), blob: "BYTEA", time: "TIMESTAMPTZ", yes: "TRUE" };
    a.schema(&sqlx::query_as(APPLIED).fetch_all(&mut lite).await.unwrap());
    b.schema(&sqlx::query_as(APPLIED).fetch_all(&mut conn).await.unwrap());
    let ids: Vec<(String, String)> =
        sqlx::query_as("SELECT table_name::text, column_name::text FROM information_schema.columns WHERE data_type = 'uuid'")
            .fetch_all(&mut conn)
            .await
            .unwrap();
    for table in TABLES.iter().map(|t| t.name).chain(APART.iter().copied()) {
        for row in &sqlx::query(AssertSqlSafe(format!("SELECT * FROM {table} ORDER BY 1"))).fetch_all(&mut lite).await.unwrap() {
            a.row(table, row, &[]);
            b.row(table, row, &ids);
        }
    }
    let secrets = serde_json::to_string_pretty(&secrets).unwrap() + "\n";
    Release { name: env!("CARGO_PKG_VERSION").to_owned(), sqlite: a.text, postgres: b.text, secrets }
}
