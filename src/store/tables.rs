//! The tables as a backup and a move see them: rows of bare cells, whatever they mean.
//!
//! Every table of the schema stands in `TABLES` or `APART`; a test holds the list against both databases.

/// One value of a row, the same on both engines: an id is its sixteen bytes, a truth is 0 or 1. No `Debug`: a cell can be a
/// sealed key.
#[derive(Clone, PartialEq, Eq)]
pub enum Cell {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Int,
    Text,
    Bytes,
    /// Bytes too, where the engine has a type for ids.
    Id,
}

impl Kind {
    /// By the name of the type in either database; `None` for one that the schema does not use.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "INTEGER" | "bigint" => Self::Int,
            "TEXT" | "text" => Self::Text,
            "BLOB" | "bytea" => Self::Bytes,
            "uuid" => Self::Id,
            _ => return None,
        })
    }
}

/// A column as the database describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
}

/// How far the rows of a table go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lives {
    /// Into backups, and along with a move.
    On,
    /// Along with a move, into no backup: what must not come back.
    Here,
    /// Nowhere: it ends within minutes.
    Shortly,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Table {
    pub name: &'static str,
    /// The primary key, whose order the rows are read in.
    pub key: &'static [&'static str],
    pub lives: Lives,
}

const fn table(name: &'static str, key: &'static [&'static str], lives: Lives) -> Table {
    Table { name, key, lives }
}

/// In an order in which rows can be inserted.
pub const TABLES: &[Table] = &[
    table("devices", &["id"], Lives::On),
    table("device_owners", &["id"], Lives::On),
    table("login_bindings", &["id"], Lives::On),
    table("people", &["id"], Lives::On),
    table("api_tokens", &["id"], Lives::On),
    table("sources", &["token"], Lives::On),
    table("key_versions", &["id"], Lives::On),
    table("kek_uses", &["kek_id"], Lives::On),
    table("audit_events", &["seq"], Lives::On),
    table("sessions", &["id"], Lives::Here),
    table("quotas", &["actor", "window_kind", "window_start"], Lives::Here),
    table("logout_tokens", &["issuer", "jti"], Lives::Here),
    table("idempotency_keys", &["key_hash"], Lives::Here),
    // Last of all that is carried: a server that runs beside a move may still add to it.
    table("audit_checkpoints", &["seq"], Lives::On),
    table("sign_ins", &["id"], Lives::Shortly),
    table("reveal_grants", &["id"], Lives::Shortly),
];

/// Tables of one row that are carried by themselves, last.
pub const APART: &[&str] = &["key_ring", "audit_head"];
