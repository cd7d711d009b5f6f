//! The five minutes: a fixed deadline on the server, grants that never change, renewals that are new grants.

use actix_web::http::StatusCode;
use keyharbor::config::Config;
use keyharbor::domain::EventKind;
use keyharbor::domain::audit::TrailRow;
use sqlx::Connection as _;

use crate::world::{Answer, Browser, KEY, World};

async fn granted(browser: &mut Browser, device: &str) -> String {
    let answer = browser.reveal(device).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    answer.location().to_owned()
}

async fn renew(browser: &mut Browser, grant: &str) -> Answer {
    browser.post(&format!("{grant}/renew"), &[]).await
}

async fn rows(world: &World, kind: EventKind) -> Vec<TrailRow> {
    world.trail().await.into_iter().filter(|r| r.event.kind == kind).collect()
}

/// Every column of every grant, `hidden_at` aside, as one text each.
async fn grants(world: &World) -> Vec<String> {
    if world.fresh.url.starts_with("sqlite") {
        let columns = [
            "id",
            "issuer",
            "subject",
            "line",
            "device",
            "version",
            "basis",
            "valid_from",
            "valid_until",
            "renewed_from",
            "renewal",
            "row_mac",
        ];
        let line = columns.map(|c| format!("quote({c})")).join(" || ' ' || ");
        let mut conn = sqlx::SqliteConnection::connect(&world.fresh.url).await.unwrap();
        let text = sqlx::AssertSqlSafe(format!("SELECT {line} FROM reveal_grants ORDER BY id"));
        return sqlx::query_scalar(text).fetch_all(&mut conn).await.unwrap();
    }
    let mut conn = sqlx::PgConnection::connect(&world.fresh.url).await.unwrap();
    let text = "SELECT (to_jsonb(g) - 'hidden_at')::text FROM reveal_grants g ORDER BY id";
    sqlx::query_scalar(text).fetch_all(&mut conn).await.unwrap()
}

#[actix_web::test]
async fn s32_a_grant_is_open_until_its_deadline_and_refused_from_then_on() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        let grant = granted(&mut astrid, &device).await;
        let first = astrid.get(&grant).await;
        assert!(first.text.contains(r#"data-ttl="300""#) && first.text.contains("/static/ttl-300.css"));
        world.clock.advance_seconds(299);
        let last = astrid.get(&grant).await;
        assert_eq!(last.key().as_deref(), Some(KEY));
        assert!(last.text.contains(r#"data-ttl="1""#) && last.text.contains("/static/ttl-1.css"), "{}", last.text);
        let viewed = world.count(EventKind::RevealViewed).await;
        assert_eq!(viewed, 2, "each showing is a row");
        for seconds in [1, 1, 3600 / 10] {
            world.clock.advance_seconds(seconds);
            let gone = astrid.get(&grant).await;
            assert_eq!((gone.status, gone.key()), (StatusCode::OK, None));
            assert!(!gone.text.contains("AAAA") && !gone.text.contains("class=\"key"), "{}", gone.text);
            assert_eq!(astrid.get(&format!("{grant}?text=large")).await.key(), None);
        }
        assert_eq!(world.count(EventKind::RevealViewed).await, viewed, "nothing was opened");
    }
}

#[actix_web::test]
async fn s32_a_shorter_window_is_kept_and_a_longer_one_is_never_given() {
    for (set, seconds) in [(60, 60), (1, 1), (300, 300), (301, 300), (86_400, 300)] {
        let world = World::with(|c| c.reveal.window_seconds = set).await;
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        let grant = granted(&mut astrid, &device).await;
        let renewed = renew(&mut astrid, &grant).await.location().to_owned();
        world.clock.advance_seconds(seconds - 1);
        for open in [&grant, &renewed] {
            assert_eq!(astrid.get(open).await.key().as_deref(), Some(KEY), "set to {set}");
        }
        world.clock.advance_seconds(1);
        for over in [&grant, &renewed] {
            assert_eq!(astrid.get(over).await.key(), None, "set to {set}");
        }
    }
    for (set, fine) in [(0, false), (-1, false), (1, true), (300, true), (301, false), (i64::MAX, false)] {
        let mut config = Config::default();
        config.server.public_url = crate::world::ORIGIN.into();
        (config.oidc.issuer, config.oidc.client_id) = ("https://login.example.com".into(), "keyharbor".into());
        config.reveal.window_seconds = set;
        let said = config.check().map_err(|e| e.to_string());
        assert!(said.is_ok() == fine && (fine || said.as_ref().is_err_and(|e| e.contains("window_seconds"))), "{set}: {said:?}");
    }
}

#[test]
fn s32_no_statement_changes_what_a_grants_mac_covers() {
    let mut seen = 0;
    for entry in
        ["src/store", "src/store/sql"].iter().flat_map(|d| std::fs::read_dir(format!("{}/{d}", env!("CARGO_MANIFEST_DIR"))).unwrap())
    {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap().replace("\\\n", " ").to_lowercase();
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for tail in words.split("update reveal_grants ").skip(1) {
            let (statement, _) = tail.split_once('"').unwrap();
            assert_eq!(statement, "set hidden_at = $2 where id = $1 and hidden_at is null and valid_until > $2", "{}", path.display());
            seen += 1;
        }
        for tail in words.split("into reveal_grants ").skip(1) {
            let (statement, _) = tail.split_once(';').unwrap();
            assert!(!statement.contains("do update"), "{}: a grant is replaced", path.display());
        }
        assert!(!words.contains("delete from reveal_grants") && !words.contains("merge into reveal_grants"), "{}", path.display());
    }
    assert_eq!(seen, 1, "hiding is the only change");
}

#[actix_web::test]
async fn s32_a_grants_row_stays_as_it_was_made() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        let grant = granted(&mut astrid, &device).await;
        let made = grants(&world).await;
        assert_eq!(made.len(), 1);
        astrid.get(&grant).await;
        world.clock.advance_seconds(100);
        let renewed = renew(&mut astrid, &grant).await.location().to_owned();
        let both = grants(&world).await;
        assert_eq!((both.len(), &both[0]), (2, &made[0]));
        astrid.get(&renewed).await;
        astrid.post(&format!("{renewed}/hide"), &[]).await;
        world.clock.advance_seconds(500);
        astrid.get(&grant).await;
        renew(&mut astrid, &renewed).await;
        assert_eq!(grants(&world).await, both);
    }
}

#[actix_web::test]
async fn s32_five_more_minutes_are_a_new_grant_and_cost_neither_quota_nor_step_up() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        let mut grant = granted(&mut astrid, &device).await;
        let units = units(&world).await;
        let mut addresses = vec![grant.clone()];
        // Long after a new reveal would ask for a step-up.
        for n in 0..10 {
            world.clock.advance_seconds(290);
            let answer = renew(&mut astrid, &grant).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "renewal {n}: {}", answer.text);
            let next = answer.location().to_owned();
            assert!(!addresses.contains(&next), "a new address each time");
            assert_eq!(astrid.get(&next).await.key().as_deref(), Some(KEY), "renewal {n}");
            addresses.push(next.clone());
            let row = rows(&world, EventKind::RevealRenewed).await.pop().unwrap().event;
            assert_eq!(row.grant.unwrap().to_string(), next.trim_start_matches("/reveals/"));
            assert_eq!(row.detail, format!("from {}", grant.trim_start_matches("/reveals/")));
            assert!(row.version.is_some() && row.device.is_some());
            grant = next;
        }
        assert_eq!(rows(&world, EventKind::RevealRenewed).await.len(), 10, "one row each");
        assert_eq!(units, self::units(&world).await, "no quota unit");
        let eleventh = renew(&mut astrid, &grant).await;
        assert_eq!(eleventh.status, StatusCode::CONFLICT);
        let row = world.last().await.event;
        assert_eq!((row.kind, row.detail.as_str()), (EventKind::RevealRefused, "renewals_used_up"));
        assert_eq!(grants(&world).await.len(), 11);
        assert!(!astrid.get(&grant).await.text.contains("/renew\""), "the last page offers no more");
        let anew = astrid.reveal(&device).await;
        assert_eq!(anew.status, StatusCode::OK, "a new reveal asks for a step-up");
        assert!(anew.text.contains(world.idp.issuer()));
    }
}

/// The sum of all quota counters.
async fn units(world: &World) -> i64 {
    let text = "SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT) FROM quotas";
    if world.fresh.url.starts_with("sqlite") {
        let mut conn = sqlx::SqliteConnection::connect(&world.fresh.url).await.unwrap();
        return sqlx::query_scalar(text).fetch_one(&mut conn).await.unwrap();
    }
    let mut conn = sqlx::PgConnection::connect(&world.fresh.url).await.unwrap();
    sqlx::query_scalar(text).fetch_one(&mut conn).await.unwrap()
}

#[actix_web::test]
async fn s32_the_desks_third_renewal_is_refused() {
    let world = World::new().await;
    let device = world.astrids_mac().await;
    let mut kim = world.signed_in("kim").await;
    let mut grant = kim.desk_reveal(&device, &[]).await.location().to_owned();
    for _ in 0..2 {
        grant = renew(&mut kim, &grant).await.location().to_owned();
        assert_eq!(kim.get(&grant).await.key().as_deref(), Some(KEY));
    }
    assert_eq!(renew(&mut kim, &grant).await.status, StatusCode::CONFLICT);
    assert_eq!(world.last().await.event.detail, "renewals_used_up");
    let none = World::with(|c| (c.reveal.max_renewals_owner, c.reveal.max_renewals_desk) = (0, 0)).await;
    let device = none.astrids_mac().await;
    let mut astrid = none.signed_in("astrid").await;
    let grant = granted(&mut astrid, &device).await;
    assert_eq!(renew(&mut astrid, &grant).await.status, StatusCode::CONFLICT);
}

#[actix_web::test]
async fn s32_nobody_else_and_no_other_session_line_renews_or_sees_a_grant() {
    let world = World::new().await;
    let device = world.astrids_mac().await;
    let mut astrid = world.signed_in("astrid").await;
    let grant = granted(&mut astrid, &device).await;
    for login in ["berit", "kim", "eva", "ola"] {
        let mut other = world.signed_in(login).await;
        assert_eq!(other.get(&grant).await.status, StatusCode::NOT_FOUND);
        assert_eq!(world.last().await.event.kind, EventKind::AccessRefused);
        assert_eq!(renew(&mut other, &grant).await.status, StatusCode::NOT_FOUND);
        let row = world.last().await.event;
        assert_eq!((row.kind, row.detail.as_str()), (EventKind::RevealRefused, "renewal"));
        assert_eq!(other.post(&format!("{grant}/hide"), &[]).await.status, StatusCode::NOT_FOUND);
    }
    // The same person in another browser: another session line.
    let mut second = world.signed_in("astrid").await;
    assert_eq!(second.get(&grant).await.key(), None);
    assert_eq!(renew(&mut second, &grant).await.location(), grant, "back to the page that says it is hidden");
    assert_eq!(world.last().await.event.detail, "renewal_over");
    assert_eq!(grants(&world).await.len(), 1);
    assert_eq!(astrid.get(&grant).await.key().as_deref(), Some(KEY), "and the first browser is not disturbed");
    // After a sign-out and a new sign-in in the same browser, too.
    astrid.post("/sign-out", &[]).await;
    astrid.sign_in(&world, "astrid").await;
    assert_eq!(astrid.get(&grant).await.key(), None);
    assert_eq!(renew(&mut astrid, &grant).await.location(), grant);
    assert_eq!(grants(&world).await.len(), 1);
}

#[actix_web::test]
async fn s32_what_is_over_or_hidden_cannot_be_renewed_and_two_presses_are_one() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        let grant = granted(&mut astrid, &device).await;
        let (first, second) = (renew(&mut astrid, &grant).await, renew(&mut astrid, &grant).await);
        assert_eq!((first.status, first.location()), (StatusCode::SEE_OTHER, second.location()));
        assert_eq!((grants(&world).await.len(), rows(&world, EventKind::RevealRenewed).await.len()), (2, 1));
        let renewed = first.location().to_owned();
        astrid.post(&format!("{renewed}/hide"), &[]).await;
        for hidden in [&renewed, &grant] {
            assert_eq!(renew(&mut astrid, hidden).await.location(), hidden);
            assert_eq!(astrid.get(hidden).await.key(), None);
        }
        let late = granted(&mut astrid, &device).await;
        world.clock.advance_seconds(300);
        assert_eq!(renew(&mut astrid, &late).await.location(), late);
        assert_eq!(world.last().await.event.detail, "renewal_over");
        assert_eq!(grants(&world).await.len(), 3);
        for odd in ["/reveals/x", "/reveals/00000000-0000-7000-8000-000000000000"] {
            assert_eq!(renew(&mut astrid, odd).await.status, StatusCode::NOT_FOUND);
        }
    }
}

#[actix_web::test]
async fn s32_an_extension_lasts_its_whole_time_from_the_press_in_a_tab_that_was_left_behind_too() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        let grant = granted(&mut astrid, &device).await;
        let page = astrid.get(&grant).await.text;
        assert!(page.contains(">Extend to five minutes<") && !page.contains("The time began anew"), "{page}");
        let mut pressed = vec![grant.clone()];
        // At once, and when the first one has four seconds left, which a renewal of before has had since long.
        for (wait, minute) in [(4, "07:30"), (292, "07:34")] {
            world.clock.advance_seconds(wait);
            pressed.push(renew(&mut astrid, &grant).await.location().to_owned());
            let page = astrid.get(pressed.last().unwrap()).await.text;
            assert!(page.contains(r#"data-ttl="300""#), "{wait}: {page}");
            let anew = page.split_once("The time began anew at ").unwrap().1;
            assert!(anew.split_once("</time>").unwrap().0.ends_with(minute), "{wait}: {anew}");
        }
        let rows = rows(&world, EventKind::RevealRenewed).await;
        let from: Vec<_> = rows.iter().map(|r| r.event.detail.as_str()).collect();
        let ids: Vec<_> = pressed.iter().map(|p| format!("from {}", p.rsplit('/').next().unwrap())).collect();
        assert_eq!(from, [ids[0].as_str(), ids[1].as_str()], "each has a row of its own");
        // The most that can be is no more in a tab that was left behind.
        let mut kim = world.signed_in("kim").await;
        let desk = kim.desk_reveal(&device, &[]).await.location().to_owned();
        let mut statuses = Vec::new();
        for _ in 0..3 {
            world.clock.advance_seconds(10);
            statuses.push(renew(&mut kim, &desk).await.status);
        }
        assert_eq!(statuses, [StatusCode::SEE_OTHER, StatusCode::SEE_OTHER, StatusCode::CONFLICT]);
    }
}

#[actix_web::test]
async fn s32_owner_role_and_macs_are_judged_again_at_each_renewal_and_view() {
    let world = World::new().await;
    let device = world.astrids_mac().await;
    let mut astrid = world.signed_in("astrid").await;
    let grant = granted(&mut astrid, &device).await;
    world.sql("DELETE FROM device_owners").await;
    assert_eq!(renew(&mut astrid, &grant).await.status, StatusCode::NOT_FOUND);
    assert_eq!(astrid.get(&grant).await.status, StatusCode::NOT_FOUND);
    world.own(crate::world::MAC, "astrid").await;
    assert_eq!(astrid.get(&grant).await.key().as_deref(), Some(KEY));
    world.sql("UPDATE reveal_grants SET valid_until = valid_until + 600000000").await;
    assert_eq!(astrid.get(&grant).await.status, StatusCode::NOT_FOUND, "a longer deadline does not verify");
    assert_eq!(renew(&mut astrid, &grant).await.status, StatusCode::NOT_FOUND);
    assert!(world.count(EventKind::IntegrityFailure).await >= 2);
    let mut kim = world.signed_in("kim").await;
    let desk = kim.desk_reveal(&device, &[]).await.location().to_owned();
    world.sql(&format!("UPDATE devices SET ownership = 'personal' WHERE serial = '{}'", crate::world::MAC)).await;
    assert_eq!(renew(&mut kim, &desk).await.status, StatusCode::NOT_FOUND);
    assert_eq!(kim.get(&desk).await.status, StatusCode::NOT_FOUND);
}
