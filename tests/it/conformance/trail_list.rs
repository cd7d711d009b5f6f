//! The trail as it is asked for: every filter against a plain reading of the same rows, and which index each statement takes.

use keyharbor::domain::audit::{Actor, Event, EventKind, Personal};
use keyharbor::domain::ids::{DeviceId, Timestamp};
use keyharbor::domain::trail::{AboutDevice, AboutPerson, CheckpointRow, Cursor, Linked, TrailFilter};
use keyharbor::store::{Engine, Store};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row as _, SqliteConnection};

use super::sample::{event, id, who};
use super::{TestMac, on_both};
use crate::engines::Fresh;

on_both!(
    every_filter_finds_what_a_plain_reading_finds,
    erased_and_broken_fields_are_found_by_nothing,
    each_row_comes_with_the_mac_before_it,
    every_statement_is_driven_by_an_index_in_its_order,
    checkpoints_are_kept_once,
);

const NAMES: [Option<&str>; 4] = [None, Some("Åsa \"Ö\" \\ Berg"), Some("Kim Lund"), Some("kim lund")];
const LOGINS: [Option<&str>; 3] = [None, Some("åsa@acme.example"), Some("kim")];
const SERIALS: [Option<&str>; 3] = [None, Some("C02A"), Some("C02B")];

/// Rows of many mixtures. Times repeat, and some go back.
fn mixture() -> Vec<Event> {
    (1..=120u128)
        .map(|n| {
            let at = |list: u128, step: u128| usize::try_from((n / step) % list).unwrap();
            let mut e = event(n);
            e.at = Timestamp(1_000_000 + (n / 3) as i64 * 10 - (n % 7) as i64 * 15);
            e.kind = [EventKind::RevealGranted, EventKind::DepositNew, EventKind::OwnerSet][at(3, 1)];
            e.actor = match n % 4 {
                0 => Actor::Token("kim".into()),
                1 => Actor::System,
                m => Actor::Person(who(["kim", "s-1"][usize::try_from(m - 2).unwrap()])),
            };
            e.serial = SERIALS[at(3, 2)].map(str::to_owned);
            e.device = (n % 5 != 0).then(|| DeviceId(id(900 + n % 2)));
            let (name, login) = (NAMES[at(4, 3)].map(str::to_owned), LOGINS[at(3, 5)].map(str::to_owned));
            e.personal = Personal { name, login, ..Personal::default() };
            e
        })
        .collect()
}

async fn filled(store: &Store) -> Vec<Event> {
    let events = mixture();
    let mut tx = store.write().await.unwrap();
    let pending = tx.audit_append(&events, &TestMac).await.unwrap();
    tx.commit(pending).await.unwrap();
    events
}

/// What the words of a filter mean, read plainly.
fn fits(filter: &TrailFilter, seq: i64, e: &Event) -> bool {
    let device = |d: &AboutDevice| match &e.serial {
        Some(serial) => *serial == d.serial,
        None => d.id.is_some() && e.device == d.id,
    };
    let person = |p: &AboutPerson| {
        let (issuer, subject) = e.actor.columns();
        let said = |text: &Option<String>, wanted: &str| text.as_deref().is_some_and(|t| !wanted.is_empty() && t == wanted);
        (subject == p.subject && (p.issuer.is_empty() || issuer == p.issuer))
            || said(&e.personal.login, &p.login)
            || p.names.iter().any(|n| e.personal.name.as_deref().is_some_and(|is| !n.is_empty() && is.eq_ignore_ascii_case(n)))
    };
    filter.from.is_none_or(|from| e.at >= from)
        && filter.until.is_none_or(|until| e.at < until)
        && filter.upto.is_none_or(|upto| seq <= upto)
        && filter.kind.is_none_or(|kind| e.kind == kind)
        && filter.device.as_ref().is_none_or(device)
        && filter.person.as_ref().is_none_or(person)
}

fn filters() -> Vec<TrailFilter> {
    let device = |serial: &str, n: Option<u128>| Some(AboutDevice { serial: serial.into(), id: n.map(|n| DeviceId(id(n))) });
    let person = |subject: &str, issuer: &str, login: &str, names: [&str; 2]| {
        Some(AboutPerson { subject: subject.into(), issuer: issuer.into(), login: login.into(), names: names.map(str::to_owned) })
    };
    let devices = [None, device("C02A", Some(900)), device("", Some(901)), device("C02B", None), device("C02'%", None)];
    let people = [
        None,
        person("kim", "", "kim", ["kim lund", "Kim Lund"]),
        person("kim", &who("kim").issuer, "", ["", ""]),
        person("nobody", "", "åsa@acme.example", ["Åsa \"Ö\" \\ BERG", ""]),
        person("åsa", "", "", ["åsa \"ö\" \\ berg", ""]),
    ];
    let mut all = Vec::new();
    for device in &devices {
        for person in &people {
            for kind in [None, Some(EventKind::DepositNew)] {
                for (from, until, upto) in [(None, None, None), (Some(1_000_050), Some(1_000_250), None), (Some(1_000_100), None, Some(90))]
                {
                    all.push(TrailFilter {
                        from: from.map(Timestamp),
                        until: until.map(Timestamp),
                        kind,
                        device: device.clone(),
                        person: person.clone(),
                        upto,
                    });
                }
            }
        }
    }
    all
}

async fn every_filter_finds_what_a_plain_reading_finds(fresh: Fresh) {
    let events = filled(&fresh.store).await;
    let mut tx = fresh.store.read().await.unwrap();
    let mut hits = 0;
    for filter in filters() {
        let mut wanted: Vec<_> = events
            .iter()
            .enumerate()
            .map(|(n, e)| (n as i64 + 1, e))
            .filter(|(seq, e)| fits(&filter, *seq, e))
            .map(|(seq, e)| Cursor { at: e.at, seq })
            .collect();
        wanted.sort();
        hits += wanted.len();
        let mut up = Vec::new();
        let mut after = Cursor::ENDS[0];
        loop {
            let page = tx.trail_newer(&filter, after, 7).await.unwrap();
            up.extend(page.iter().map(|l| Cursor::of(&l.row)));
            let Some(last) = page.last() else { break };
            after = Cursor::of(&last.row);
        }
        assert_eq!(up, wanted, "{filter:?}");
        let mut down = Vec::new();
        let mut before = Cursor::ENDS[1];
        loop {
            let page = tx.trail_older(&filter, before, 7).await.unwrap();
            down.extend(page.iter().map(|l| Cursor::of(&l.row)));
            let Some(last) = page.last() else { break };
            before = Cursor::of(&last.row);
        }
        down.reverse();
        assert_eq!(down, wanted, "{filter:?}");
    }
    assert!(hits > 1000, "{hits}");
}

async fn raw(fresh: &Fresh, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    match fresh.store.engine() {
        Engine::Sqlite => {
            sqlx::raw_sql(sql).execute(&mut SqliteConnection::connect(&fresh.url).await.unwrap()).await.map(drop).unwrap();
        }
        Engine::Postgres => {
            sqlx::raw_sql(sql).execute(&mut PgConnection::connect(&fresh.url).await.unwrap()).await.map(drop).unwrap();
        }
    }
}

async fn erased_and_broken_fields_are_found_by_nothing(fresh: Fresh) {
    filled(&fresh.store).await;
    let by_login = AboutPerson { subject: "nobody".into(), login: "åsa@acme.example".into(), ..AboutPerson::default() };
    let filter = TrailFilter { person: Some(by_login), ..TrailFilter::default() };
    let find = async || fresh.store.read().await.unwrap().trail_older(&filter, Cursor::ENDS[1], 500).await.unwrap();
    let found = find().await;
    assert!(found.len() > 10);
    raw(&fresh, &format!("UPDATE audit_events SET personal = NULL, salt = NULL WHERE seq = {}", found[0].row.seq)).await;
    raw(&fresh, &format!("UPDATE audit_events SET personal = '{{\"login\":1' WHERE seq = {}", found[1].row.seq)).await;
    raw(&fresh, &format!("UPDATE audit_events SET personal = 'x' WHERE seq = {}", found[2].row.seq)).await;
    assert_eq!(find().await, found[3..]);
    // Text as long as a column may be told is no reason not to record.
    let mut long = event(999);
    long.personal = Personal { name: Some("Å".repeat(40_000)), login: Some("\u{10FFFF}".repeat(9_000)), ..Personal::default() };
    let mut tx = fresh.store.write().await.unwrap();
    let pending = tx.audit_append(&[long], &TestMac).await.unwrap();
    tx.commit(pending).await.unwrap();
}

async fn each_row_comes_with_the_mac_before_it(fresh: Fresh) {
    filled(&fresh.store).await;
    let mut tx = fresh.store.read().await.unwrap();
    let chain = tx.trail_after(0, 1000).await.unwrap();
    let rows = tx.trail_newer(&TrailFilter::default(), Cursor::ENDS[0], 1000).await.unwrap();
    assert_eq!(rows.len(), chain.len());
    for Linked { row, previous } in rows {
        let at = usize::try_from(row.seq).unwrap() - 1;
        assert_eq!(row, chain[at]);
        assert_eq!(previous, if at == 0 { Vec::new() } else { chain[at - 1].mac.clone() });
    }
}

/// The plan of one statement, as text.
async fn plan(fresh: &Fresh, sql: &'static str) -> String {
    match fresh.store.engine() {
        Engine::Sqlite => {
            let mut conn = SqliteConnection::connect(&fresh.url).await.unwrap();
            let rows = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"))).fetch_all(&mut conn).await.unwrap();
            rows.iter().map(|row| row.get::<String, _>("detail") + "\n").collect()
        }
        Engine::Postgres => {
            let mut conn = PgConnection::connect(&fresh.url).await.unwrap();
            // With few rows everything is cheap; what is asked is whether the index fits.
            let setup = format!(
                "SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off; SET plan_cache_mode = force_generic_plan; \
                 PREPARE listing AS {sql}"
            );
            sqlx::raw_sql(AssertSqlSafe(setup)).execute(&mut conn).await.unwrap();
            let explain = "EXPLAIN (COSTS OFF) EXECUTE listing (1, 2, 3, 4, 5, 6, '', '', NULL, '', '', '', '', '')";
            let rows = sqlx::raw_sql(explain).fetch_all(&mut conn).await.unwrap();
            rows.iter().map(|row| row.get::<String, _>(0) + "\n").collect()
        }
    }
}

async fn every_statement_is_driven_by_an_index_in_its_order(fresh: Fresh) {
    filled(&fresh.store).await;
    let mut seen = 0;
    for (name, sql) in Store::statements(fresh.store.engine()) {
        let Some((_, by)) = name.strip_prefix("trail_list::").and_then(|n| n.split_once("_BY_")) else { continue };
        seen += 1;
        let indexes: &[&str] = match by {
            "TIME" => &["time"],
            "KIND" => &["kind"],
            "DEVICE" => &["serial", "no_serial"],
            "PERSON" => &["subject", "login", "name"],
            _ => panic!("{name}"),
        };
        let plan = plan(&fresh, sql).await;
        for index in indexes {
            assert!(plan.contains(&format!("audit_events_{index}")), "{name} does not use {index}:\n{plan}");
        }
        assert!(!plan.contains("SCAN audit_events") && !plan.contains("SCAN e") && !plan.contains("Seq Scan"), "{name}:\n{plan}");
        // The page itself is put in order; no look-up is.
        let sorts = plan.matches("TEMP B-TREE FOR ORDER BY").count()
            + plan.lines().filter(|l| l.trim().trim_start_matches("->").trim() == "Sort").count();
        assert!(sorts <= 1, "{name} sorts what it looks up:\n{plan}");
    }
    assert_eq!(seen, 8);
}

async fn checkpoints_are_kept_once(fresh: Fresh) {
    filled(&fresh.store).await;
    let chain = fresh.store.read().await.unwrap().trail_after(0, 1000).await.unwrap();
    let row = |seq: i64, at: i64| CheckpointRow { seq, mac: chain[seq as usize - 1].mac.clone(), logged_at: Timestamp(at), fits: true };
    let mut tx = fresh.store.write().await.unwrap();
    for one in [row(5, 1), row(9, 2), row(9, 3)] {
        tx.add_checkpoint(&one).await.unwrap();
    }
    tx.commit_unrecorded().await.unwrap();
    let read = async |seq, limit| fresh.store.read().await.unwrap().checkpoints_before(seq, limit).await.unwrap();
    assert_eq!(read(i64::MAX, 10).await, [row(9, 2), row(5, 1)]);
    assert_eq!((read(9, 10).await, read(i64::MAX, 1).await), (vec![row(5, 1)], vec![row(9, 2)]));
    raw(&fresh, "UPDATE audit_events SET mac = personal_mac WHERE seq = 5").await;
    raw(&fresh, "DELETE FROM audit_events WHERE seq = 9").await;
    assert!(read(i64::MAX, 10).await.iter().all(|c| !c.fits));
}
