//! What somebody finds who has the database: all of it, as bytes, and whether something lies in there in any spelling.

use std::path::Path;

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use keyharbor::domain::hex;

use crate::world::World;

/// Everything that lies in the database, as bytes.
pub async fn dump(world: &World) -> Vec<u8> {
    if let Some(path) = world.fresh.url.strip_prefix("sqlite://") {
        let mut out = std::fs::read(path).unwrap();
        for more in ["-wal", "-shm"].map(|end| format!("{path}{end}")) {
            if Path::new(&more).exists() {
                out.extend(std::fs::read(more).unwrap());
            }
        }
        return out;
    }
    let mut conn = PgConnection::connect(&world.fresh.url).await.unwrap();
    let names = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'";
    let tables: Vec<String> = sqlx::query_scalar(names).fetch_all(&mut conn).await.unwrap();
    assert!(tables.contains(&"sessions".to_owned()));
    let mut out = String::new();
    for table in tables {
        let all = format!("SELECT coalesce(string_agg(to_jsonb(t)::text, ' '), '') FROM {table} t");
        out.push_str(&sqlx::query_scalar::<_, String>(AssertSqlSafe(all)).fetch_one(&mut conn).await.unwrap());
    }
    out.into_bytes()
}

/// As raw bytes, as hexadecimal digits, or as hexadecimal digits of those.
pub fn holds(dump: &[u8], bytes: &[u8]) -> bool {
    let forms = [bytes.to_vec(), hex(bytes).into_bytes(), hex(hex(bytes).as_bytes()).into_bytes(), hex(bytes).to_uppercase().into_bytes()];
    forms.iter().any(|form| dump.windows(form.len()).any(|w| w == form.as_slice()))
}
