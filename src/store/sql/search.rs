//! The desk's search: one statement of many small index look-ups, exact ones before prefixes. A prefix is a range, never a
//! pattern, so `%` and `_` mean themselves. Personal devices are left out of each look-up, before its limit.

use sqlx::query;

use super::super::{Conn, Row};
use super::devices::columns;
use crate::domain::device::{fold, fold_lookalikes};
use crate::store::StoreError;

/// Sorts behind every folded text; as both ends of a range it finds nothing.
const BEHIND_ALL: char = '\u{10FFFF}';

// `$1` and `$2` bound the range of look-alikes, `$3` and `$4` that of folded text, `$5` limits each look-up.
macro_rules! exact {
    ($column:literal, $value:literal) => {
        concat!(
            "SELECT id, 0 AS place FROM (SELECT d.id FROM devices d WHERE d.",
            $column,
            " = ",
            $value,
            " AND d.ownership <> 'personal' ORDER BY d.serial LIMIT $5) AS found"
        )
    };
}
macro_rules! prefix {
    ($place:literal, $from:literal, $column:literal, $low:literal, $high:literal) => {
        concat!(
            " UNION ALL SELECT id, ",
            $place,
            " AS place FROM (SELECT d.id FROM ",
            $from,
            " WHERE ",
            $column,
            " >= ",
            $low,
            " AND ",
            $column,
            " < ",
            $high,
            " AND d.ownership <> 'personal' ORDER BY ",
            $column,
            " LIMIT $5) AS found"
        )
    };
}

statements! {
    SEARCH = concat!(
        "SELECT ", columns!(), " FROM (SELECT id, MIN(place) AS place FROM (",
        exact!("serial_fold", "$1"), " UNION ALL ", exact!("device_key_fold", "$1"), " UNION ALL ",
        exact!("asset_fold", "$3"), " UNION ALL ", exact!("host_fold", "$3"), " UNION ALL ", exact!("name_fold", "$3"),
        prefix!("1", "devices d", "d.serial_fold", "$1", "$2"),
        prefix!("1", "devices d", "d.device_key_fold", "$1", "$2"),
        prefix!("2", "devices d", "d.asset_fold", "$3", "$4"),
        prefix!("2", "devices d", "d.host_fold", "$3", "$4"),
        prefix!("2", "devices d", "d.name_fold", "$3", "$4"),
        prefix!("3", "device_owners o JOIN devices d ON d.id = o.device", "o.login", "$3", "$4"),
        prefix!(
            "3",
            "people p JOIN login_bindings b ON b.issuer = p.issuer AND b.subject = p.subject \
             JOIN device_owners o ON o.issuer = b.issuer AND o.login = b.login JOIN devices d ON d.id = o.device",
            "p.name_fold", "$3", "$4"
        ),
        ") AS hits GROUP BY id) AS best JOIN devices d ON d.id = best.id ORDER BY best.place, d.serial LIMIT $5"
    );
}

pub async fn rows(conn: &mut Conn, text: &str, limit: i64) -> Result<Vec<Row>, StoreError> {
    let folded = fold(text);
    if folded.is_empty() {
        return Ok(Vec::new());
    }
    let alike = match fold_lookalikes(text) {
        // Nothing but hyphens: as a prefix, nothing would be everything.
        none if none.is_empty() => BEHIND_ALL.to_string(),
        some => some,
    };
    let behind = |prefix: &str| if prefix.starts_with(BEHIND_ALL) { prefix.to_owned() } else { format!("{prefix}{BEHIND_ALL}") };
    let rows = query(SEARCH).bind(&alike).bind(behind(&alike)).bind(&folded).bind(behind(&folded)).bind(limit).fetch_all(conn).await?;
    Ok(rows)
}
