//! Every statement of the store, explained by both engines over tables with many rows: none reads a large table from end to end
//! or sorts one, but for the few that are listed with the reason.
//!
//! SQLite plans without statistics, as it does in use. PostgreSQL plans each statement once for all values: here while the tables are
//! still empty, a plan that is kept while they fill up; with the statistics of small tables that then fill up, where the rows that
//! each step takes are counted; and with the statistics of full ones.

use keyharbor::store::{Engine, Store};
use serde_json::Value;
use sqlx::error::DatabaseError;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _, SqliteConnection};

use crate::engines;

mod fill;

use fill::fill;

/// These read all that there is: who they are for, or why it is little.
const READ_ALL: &[(&str, &str)] = &[
    ("tokens::LIST", "tokens are made by hand, one by one; commands and the sums of the admin page look at each"),
    ("sessions::SESSIONS", "the operator's command that plays a backup's trail on"),
    ("sessions::SWEEP_SESSIONS", "in the background; an index on `last_seen` would be written at every visit"),
    ("trail::LAST_TIME", "from the end, one row"),
    ("ring::UNDER_KEK", "the operator's commands that retire a key and say what needs it"),
    ("ring::UNDER_TOKEN_KEY", "likewise"),
    ("ring::UNDER_AUDIT_KEY", "likewise"),
    ("ring::UNDER_ROW_KEY", "likewise"),
    ("ring::ANYTHING", "at the start; one row of each table"),
    ("batch::ADD", "SQLite plans for children without a parent, and looks only if a statement left one"),
    ("COLUMNS", "the engine's own description of one table"),
];

/// These put rows in order, or weed out doubles, after they were looked up: why they are few.
const FEW: &[(&str, &str)] = &[
    ("batch::ADD", "a batch"),
    ("devices::OWNED", "one person's devices"),
    ("search::SEARCH", "each look-up has a limit"),
    ("people::OWNERS", "one device's owners"),
    ("people::OWNERS_OF", "the owners of a page of devices"),
    ("people::OWNER_NAMES", "the owners of a page of devices"),
    ("tokens::LIST", "tokens are few"),
    ("COLUMNS", "one table's columns"),
    ("sessions::LINE_LOCKED", "the sessions of one line"),
    ("sessions::SESSIONS_OF_LOCKED", "one person's sessions"),
    ("keys::CANDIDATES", "each look-up has a limit, or is of one device's versions"),
    ("keys::LEADERS_OF", "the versions of a page of devices"),
    ("trail_list::DOWN_BY_TIME", "a page"),
    ("trail_list::DOWN_BY_KIND", "a page"),
    ("trail_list::DOWN_BY_DEVICE", "two pages"),
    ("trail_list::DOWN_BY_PERSON", "four pages"),
    ("trail_list::UP_BY_TIME", "a page"),
    ("trail_list::UP_BY_KIND", "a page"),
    ("trail_list::UP_BY_DEVICE", "two pages"),
    ("trail_list::UP_BY_PERSON", "four pages"),
    ("gaps::RETURNED", "a page"),
    ("gaps::NEVER_BOUND", "owners of one login"),
];

/// The values of a statement that is not explained by the columns that its parameters are compared with.
fn given(name: &str) -> Option<&'static [&'static str]> {
    const ISSUER: &str = "'https://id.acme.example'";
    Some(match name {
        "search::SEARCH" => &["'c10500'", "'c10500~'", "'user10500'", "'user10500~'", "51"],
        "devices::FROM_SERIAL" => &["'C105000'", "'C1'", "'C2'", "51"],
        "gaps::DEVICES" => &["'C105000'", "100"],
        "gaps::LOGINS" | "gaps::BOUND" => &[ISSUER, "'user105000'", "100"],
        "gaps::COUNT_NO_OWNER" | "gaps::COUNT_NO_KEY" => &["'C105000'", "'C105100'"],
        "gaps::NO_OWNER" | "gaps::NO_KEY" => &["'C105000'", "'C105100'", "51"],
        "gaps::NEVER_BOUND" | "gaps::WITHOUT_DEVICE" => &[ISSUER, "'user105000'", "'user105100'", "51"],
        "tokens::PAGE" | "sources::PAGE" => &["3000000", "'t103000'", "51"],
        "trail_list::OF_LOGIN" => &["'user105000'", "'reveal.granted'", "1000", "51"],
        _ => return None,
    })
}

/// What the trail's lists are asked: what they go by, alone and with every other filter that they may have beside it.
fn filters(name: &str) -> Option<Vec<String>> {
    const DEVICE: [&str; 2] = ["'', NULL", "'C105000', '00000000-0000-0000-0000-000000001388'"];
    const PERSON: [&str; 2] =
        ["'', '', '', '', ''", "'sub105000', 'https://id.acme.example', 'user105000', 'person 105000', 'person 105001'"];
    const KIND: [&str; 2] = ["''", "'reveal.granted'"];
    let (direction, by) = name.strip_prefix("trail_list::")?.split_once("_BY_")?;
    let ends = if direction == "DOWN" { "-1, -1, 50000000, 50000" } else { "50000000, 50000, 9000000000, 9000000" };
    // Kind, device, person.
    let beside: &[[usize; 3]] = match by {
        "TIME" => &[[0, 0, 0]],
        "KIND" => &[[1, 0, 0]],
        "PERSON" => &[[0, 0, 1], [1, 0, 1]],
        _ => &[[0, 1, 0], [1, 1, 0], [0, 1, 1], [1, 1, 1]],
    };
    let one = |[k, d, p]: &[usize; 3]| format!("{ends}, 9000000, 51, {}, {}, {}", KIND[*k], DEVICE[*d], PERSON[*p]);
    Some(beside.iter().map(one).collect())
}

/// A typical value for `$n`, by the column it is compared with and how; a few dozen of them for an array.
fn typical(sql: &str, n: usize, kind: &str) -> String {
    if let Some(element) = kind.strip_suffix("[]") {
        let values: Vec<_> = (5000..5064).map(|n| value("", "=", element, sql, n)).collect();
        return format!("ARRAY[{}]::{kind}", values.join(", "));
    }
    let mark = format!("${n}");
    let cuts = sql.match_indices(&mark).filter_map(|(at, _)| sql.split_at_checked(at));
    let mut places = cuts.filter(|(_, rest)| !rest.trim_start_matches(&mark).starts_with(|c: char| c.is_ascii_digit()));
    let before = places.next().map_or("", |(before, _)| before).trim_end();
    if before.ends_with("LIMIT") {
        return "51".to_owned();
    }
    let column = before.trim_end_matches(['<', '>', '=']);
    let compared = before.strip_prefix(column).unwrap_or_default();
    let column = column.trim_end().rsplit([' ', '(', '.']).next().unwrap_or_default();
    value(column, compared, kind, sql, 5000)
}

fn value(column: &str, compared: &str, kind: &str, sql: &str, n: u32) -> String {
    match (kind, column) {
        ("uuid", _) => format!("'{:032x}'", n),
        ("bytea", _) => format!("'\\x{:032x}'", n),
        // Few are older than what a sweep asks for, few younger than what a look at the last minutes asks for.
        ("bigint", column) if column.ends_with("_at") || column.ends_with("_start") || column == "last_seen" => {
            if compared.starts_with('<') { "20000" } else { "4990000" }.to_owned()
        }
        ("bigint", _) => n.to_string(),
        (_, "issuer") => "'https://id.acme.example'".to_owned(),
        (_, "kind") if sql.contains("audit_events") => "'reveal.granted'".to_owned(),
        (_, "kind") => "'recovery_key'".to_owned(),
        (_, "subject") => format!("'sub{}'", 100_000 + n),
        (_, "login") => format!("'user{}'", 100_000 + n),
        (_, "sid") => format!("'sid{}'", 100_000 + n),
        (_, "id" | "token") => format!("'t{}'", 100_000 + n),
        ("text" | "name", _) => format!("'C{}'", 100_000 + n),
        (kind, _) => panic!("a parameter of the type {kind}: {sql}"),
    }
}

/// What is wrong with a plan: a table that is read through, rows that are sorted.
#[derive(Clone, Default)]
struct Faults {
    reads: Vec<String>,
    sorts: Vec<String>,
}

async fn on_sqlite(conn: &mut SqliteConnection, sql: &str) -> Faults {
    /// Parameters, and look-ups that have a limit of their own.
    const LITTLE: &[&str] = &[
        "json_each",
        "jsonb_each",
        "CONSTANT",
        "(subquery",
        "arm",
        "found",
        "hits",
        "best",
        "ranked",
        "seen",
        "strange",
        "stretch",
        "returned",
    ];
    let mut faults = Faults::default();
    let mut rows = Vec::new();
    for each in sql.split("; ") {
        rows.extend(sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {each}"))).fetch_all(&mut *conn).await.unwrap());
    }
    for line in rows.iter().map(|row| row.get::<String, _>("detail")) {
        let scanned = line.strip_prefix("SCAN ").map(|what| what.split([' ', '-']).next().unwrap_or_default());
        // There is one issuer as a rule: every row is of it.
        if scanned.is_some_and(|what| !LITTLE.contains(&what)) || line.contains("AUTOMATIC") || line.ends_with("(issuer=?)") {
            faults.reads.push(line);
        } else if line.contains("TEMP B-TREE") {
            faults.sorts.push(line);
        }
    }
    faults
}

fn on_postgres(plan: &Value, above: &str, faults: &mut Faults) {
    let kind = plan["Node Type"].as_str().unwrap_or_default();
    let table = plan["Relation Name"].as_str().unwrap_or_default();
    let children = plan["Plans"].as_array().map(Vec::as_slice).unwrap_or_default();
    let by_index = ["Index Scan", "Index Only Scan"].contains(&kind);
    let page = above == "Limit" && plan["Filter"].is_null();
    let few = ["key_ring", "audit_head", "pg_authid"].contains(&table);
    if (kind == "Seq Scan" && !few) || (by_index && plan["Index Cond"].is_null() && !page) {
        faults.reads.push(format!("{kind} on {table}"));
    }
    let taken: f64 = children.iter().filter_map(|child| child["Plan Rows"].as_f64()).sum();
    // Of an index whose order is asked for, it reads all that is there, and sorts it.
    if kind == "Bitmap Heap Scan" {
        faults.reads.push(format!("{kind} on {table}"));
    }
    if ["Sort", "Incremental Sort", "Hash", "Aggregate", "Materialize"].contains(&kind) && taken > 3_000.0 {
        faults.reads.push(format!("{kind} of {taken} rows"));
    }
    for child in children {
        on_postgres(child, kind, faults);
    }
}

/// A statement and the values that it is explained with.
async fn prepared(conn: &mut PgConnection, n: usize, name: &'static str, sql: &'static str) -> Vec<String> {
    sqlx::raw_sql(AssertSqlSafe(format!("PREPARE s{n} AS {sql}"))).execute(&mut *conn).await.unwrap();
    let types = "SELECT CAST(parameter_types AS text[]) FROM pg_prepared_statements WHERE name = $1";
    let types: Vec<String> = sqlx::query_scalar(types).bind(format!("s{n}")).fetch_one(&mut *conn).await.unwrap();
    filters(name).or_else(|| given(name).map(|values| vec![values.join(", ")])).unwrap_or_else(|| {
        let values = types.iter().enumerate().map(|(n, kind)| typical(sql, n + 1, kind));
        vec![values.collect::<Vec<_>>().join(", ")]
    })
}

/// What is wrong with the plan, which has to be one for all values.
async fn explained(conn: &mut PgConnection, n: usize, name: &str, sets: &[String]) -> Faults {
    let mut faults = Faults::default();
    for values in sets {
        let values = if values.is_empty() { String::new() } else { format!(" ({values})") };
        let explain = format!("EXPLAIN (FORMAT JSON) EXECUTE s{n}{values}");
        let plan = sqlx::raw_sql(AssertSqlSafe(explain.clone())).fetch_one(&mut *conn).await;
        let plan: String = plan.unwrap_or_else(|e| panic!("{name}: {explain}: {e}")).get_unchecked(0);
        let plan: Value = serde_json::from_str(&plan).unwrap();
        on_postgres(&plan[0]["Plan"], "", &mut faults);
    }
    let planned = "SELECT generic_plans > 0 AND custom_plans = 0 FROM pg_prepared_statements WHERE name = $1";
    let once: bool = sqlx::query_scalar(planned).bind(format!("s{n}")).fetch_one(&mut *conn).await.unwrap();
    assert!(once, "{name} is planned for each value");
    faults
}

/// Each fault that no list of ours has, each entry of a list that names no statement or, given the faults of SQLite, no fault.
fn complaints(all: &[(&'static str, Faults)], engine: Engine) -> Vec<String> {
    let listed = |list: &[(&str, &str)], name: &str| list.iter().any(|(listed, _)| *listed == name);
    let mut complaints = Vec::new();
    for (name, faults) in all {
        if !listed(READ_ALL, name) && !faults.reads.is_empty() {
            complaints.push(format!("{name} reads a table: {:?}", faults.reads));
        }
        if !listed(FEW, name) && !faults.sorts.is_empty() {
            complaints.push(format!("{name} sorts: {:?}", faults.sorts));
        }
    }
    if engine == Engine::Sqlite {
        let needed = |name: &str, of: fn(&Faults) -> &Vec<String>| all.iter().any(|(n, faults)| *n == name && !of(faults).is_empty());
        complaints
            .extend(READ_ALL.iter().filter(|(name, _)| !needed(name, |f| &f.reads)).map(|(name, _)| format!("READ_ALL lists {name}")));
        complaints.extend(FEW.iter().filter(|(name, _)| !needed(name, |f| &f.sorts)).map(|(name, _)| format!("FEW lists {name}")));
    }
    complaints
}

#[tokio::test]
async fn no_statement_of_sqlite_reads_or_sorts_a_large_table() {
    let fresh = engines::sqlite().await;
    let mut conn = SqliteConnection::connect(&fresh.url).await.unwrap();
    let mut all = Vec::new();
    for (name, sql) in Store::statements(Engine::Sqlite) {
        all.push((name, on_sqlite(&mut conn, sql).await));
    }
    assert_eq!(complaints(&all, Engine::Sqlite), Vec::<String>::new());
    // With statistics, as an operator may have made them, it is the same.
    let script = format!("PRAGMA foreign_keys = OFF; BEGIN; {}COMMIT; ANALYZE", fill(Engine::Sqlite, |rows| (1, rows)));
    sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    let mut conn = SqliteConnection::connect(&fresh.url).await.unwrap();
    let mut all = Vec::new();
    for (name, sql) in Store::statements(Engine::Sqlite) {
        all.push((name, on_sqlite(&mut conn, sql).await));
    }
    assert_eq!(complaints(&all, Engine::Sqlite), Vec::<String>::new());
}

#[tokio::test]
async fn no_statement_of_postgres_reads_or_sorts_a_large_table() {
    let fresh = engines::postgres().await;
    let mut conn = PgConnection::connect(&fresh.url).await.unwrap();
    let statements: Vec<_> = Store::statements(Engine::Postgres).collect();
    let session = statements.iter().find(|(name, _)| *name == "SESSION").unwrap().1;
    sqlx::raw_sql(session).execute(&mut conn).await.unwrap();
    // These have no plan.
    let planned = statements.into_iter().filter(|(_, sql)| !["SHOW", "LOCK"].iter().any(|word| sql.starts_with(word)));
    let mut all = Vec::new();
    for (n, (name, sql)) in planned.enumerate() {
        let sets = prepared(&mut conn, n, name, sql).await;
        all.push((name, explained(&mut conn, n, name, &sets).await, sets));
    }
    let of = |all: &[(&'static str, Faults, Vec<String>)]| all.iter().map(|(name, faults, _)| (*name, faults.clone())).collect::<Vec<_>>();
    // A trail without rows may be read as it stands; an auditor can wait until it has statistics.
    let told = complaints(&of(&all), Engine::Postgres).into_iter().filter(|told| !told.contains("_BY_PERSON "));
    assert_eq!(told.collect::<Vec<_>>(), Vec::<String>::new(), "while the tables are empty");
    // Rows without their parents may go in; the planner does not mind.
    let script = format!("SET session_replication_role = replica; {}ANALYZE", fill(Engine::Postgres, |rows| (1, rows)));
    sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut conn).await.unwrap();
    for (n, (name, faults, sets)) in all.iter_mut().enumerate() {
        *faults = explained(&mut conn, n, name, sets).await;
    }
    let all = of(&all);
    assert_eq!(complaints(&all, Engine::Postgres), Vec::<String>::new());
}

/// The steps of a plan that was done that had more rows before them than a page needs, however few the planner thought there were.
fn laboured(plan: &Value, faults: &mut Faults) {
    // What was put by is a batch, gone through again for each of its rows.
    let again = plan["Node Type"] == "Materialize";
    let times = if again { 1.0 } else { plan["Actual Loops"].as_f64().unwrap_or_default() };
    let taken = plan["Actual Rows"].as_f64().unwrap_or_default() + plan["Rows Removed by Filter"].as_f64().unwrap_or_default();
    if taken * times > 3_000.0 {
        faults.reads.push(format!("{} {}: {taken} rows, {times} times", plan["Node Type"], plan["Index Name"]));
    }
    for child in plan["Plans"].as_array().map(Vec::as_slice).unwrap_or_default() {
        laboured(child, faults);
    }
}

#[tokio::test]
async fn a_plan_of_postgres_that_was_made_for_small_tables_does_for_large_ones() {
    const SMALL: u32 = 100;
    let fresh = engines::postgres().await;
    let mut conn = PgConnection::connect(&fresh.url).await.unwrap();
    let statements: Vec<_> = Store::statements(Engine::Postgres).collect();
    let session = statements.iter().find(|(name, _)| *name == "SESSION").unwrap().1;
    sqlx::raw_sql(session).execute(&mut conn).await.unwrap();
    let few = fill(Engine::Postgres, |rows| (1, rows / SMALL));
    sqlx::raw_sql(AssertSqlSafe(format!("SET session_replication_role = replica; {few}ANALYZE"))).execute(&mut conn).await.unwrap();
    let planned = statements.into_iter().filter(|(_, sql)| !["SHOW", "LOCK"].iter().any(|word| sql.starts_with(word)));
    let mut all = Vec::new();
    for (n, (name, sql)) in planned.enumerate() {
        let sets = prepared(&mut conn, n, name, sql).await;
        explained(&mut conn, n, name, &sets).await;
        all.push((n, name, sets));
    }
    // Nothing tells the planner of these, as in a first night; the server's own look at the tables would.
    let more = fill(Engine::Postgres, |rows| (rows / SMALL + 1, rows));
    sqlx::raw_sql(AssertSqlSafe(more)).execute(&mut conn).await.unwrap();
    let mut done = Vec::new();
    for (n, name, sets) in all {
        let mut faults = Faults::default();
        for values in sets {
            let values = if values.is_empty() { String::new() } else { format!(" ({values})") };
            let explain = format!("BEGIN; EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE s{n}{values}");
            match sqlx::raw_sql(AssertSqlSafe(explain)).fetch_one(&mut conn).await {
                Ok(row) => laboured(&serde_json::from_str::<Value>(row.get_unchecked::<&str, _>(0)).unwrap()[0]["Plan"], &mut faults),
                // An index said so, before anything else was read.
                Err(e) if e.as_database_error().is_some_and(DatabaseError::is_unique_violation) => {}
                Err(e) => faults.reads.push(e.to_string()),
            }
            sqlx::raw_sql("ROLLBACK").execute(&mut conn).await.unwrap();
        }
        done.push((name, faults));
    }
    assert_eq!(complaints(&done, Engine::Postgres), Vec::<String>::new());
}
