//! The rest of the administration: sources, what is missing, sessions, connecting a source, and the first page.

use actix_web::http::{Method, StatusCode};
use keyharbor::config::StepUp;
use keyharbor::domain::EventKind;
use keyharbor::domain::audit::Actor;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope};
use keyharbor::store::Engine;

use crate::races::whole;
use crate::world::{KEY, MAC, ORIGIN, OTHER_KEY, World, token_id};

const SESSION: &str = "__Host-keyharbor";

/// The line that the form beside a person's name ends.
async fn line_of(world: &World, subject: &str) -> String {
    let all = world.fresh.store.read().await.unwrap().sessions().await.unwrap();
    all.iter().map(|s| s.parts().0).find(|s| s.who.subject == subject).unwrap().line.to_string()
}

#[actix_web::test]
async fn s42_an_admin_ends_a_session_and_its_key_on_every_replica() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        let grant = astrid.reveal(&device).await.location().to_owned();
        assert!(astrid.get(&grant).await.key().is_some());
        let mut ola = world.signed_in("ola").await;
        let list = ola.get("/admin/sessions").await;
        assert!(
            list.status == StatusCode::OK && list.text.contains("astrid") && list.text.contains("You, in this browser"),
            "{}",
            list.text
        );
        let line = line_of(&world, "sub-astrid").await;
        let (_, replica) = world.replica().await;
        for done in ["ended", "ended-before"] {
            let answer = ola.post(&format!("/admin/sessions/{line}/end"), &[]).await;
            assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, format!("/admin/sessions?done={done}").as_str()));
        }
        astrid.app = replica;
        for path in [grant.as_str(), "/devices"] {
            let answer = astrid.get(path).await;
            assert_eq!((answer.status, answer.key()), (StatusCode::UNAUTHORIZED, None), "{path}");
        }
        assert_eq!(astrid.post(&format!("{grant}/renew"), &[]).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(astrid.reveal(&device).await.status, StatusCode::UNAUTHORIZED);
        // Signed in again, the page of the grant stays hidden: it belonged to the line that ended.
        astrid.sign_in(&world, "astrid").await;
        assert_eq!(astrid.get(&grant).await.key(), None);
        let rows: Vec<_> = world.trail().await.into_iter().map(|r| r.event).filter(|e| e.kind == EventKind::SessionEnded).collect();
        assert_eq!(rows.len(), 1, "ended once");
        assert!(matches!(&rows[0].actor, Actor::Person(who) if who.subject == "sub-ola"));
        assert_eq!(rows[0].detail, format!("line {line} subject sub-astrid"));
        whole(&world).await;
    }
}

#[actix_web::test]
async fn s42_all_sessions_of_a_person_end_together_and_nobody_elses() {
    for world in World::both().await {
        let (mut first, mut second) = (world.signed_in("astrid").await, world.signed_in("astrid").await);
        let (mut berit, mut ola) = (world.signed_in("berit").await, world.signed_in("ola").await);
        let line = line_of(&world, "sub-astrid").await;
        assert!(ola.get("/admin/sessions").await.text.contains(r#"name="all" value="yes""#));
        ola.post(&format!("/admin/sessions/{line}/end"), &[("all", "yes")]).await;
        for (browser, status) in [(&mut first, 401), (&mut second, 401), (&mut berit, 200), (&mut ola, 200)] {
            assert_eq!(browser.get("/devices").await.status.as_u16(), status);
        }
        let rows: Vec<_> = world.trail().await.into_iter().map(|r| r.event).filter(|e| e.kind == EventKind::SessionEnded).collect();
        let [row] = rows.as_slice() else { panic!("one row for both: {rows:?}") };
        assert!(row.detail.starts_with(&format!("line {line} ")) && row.detail.ends_with(" subject sub-astrid"), "{}", row.detail);
        assert_eq!(row.detail.split(' ').count(), 5, "both lines are named");
        whole(&world).await;
    }
}

#[actix_web::test]
async fn s42_ending_all_of_ones_own_leaves_the_session_that_asks() {
    for world in World::both().await {
        let mut third = world.signed_in("ola").await;
        world.clock.advance_seconds(1);
        let (mut other, mut ola) = (world.signed_in("ola").await, world.signed_in("ola").await);
        let page = ola.get("/admin/sessions").await.text;
        // Which is which: the one that looks, and to the second when each began.
        assert_eq!((page.matches("You, in this browser").count(), page.matches("You, somewhere else").count()), (1, 2), "{page}");
        for began in ["07:30:00", "07:30:01"] {
            let said = format!(", Signed in 22\u{a0}Nov {began}</span></button>");
            assert_eq!(page.matches(&said).count(), 1, "{began}: {page}");
        }
        assert!(page.contains("End all my others") && !page.contains("End all of theirs"), "{page}");
        let (_, rest) = page.split_once(r#"action="/admin/sessions/"#).unwrap();
        let line = rest.split_once('/').unwrap().0.to_owned();
        ola.post(&format!("/admin/sessions/{line}/end"), &[("all", "yes")]).await;
        for (browser, status) in [(&mut ola, 200), (&mut other, 401), (&mut third, 401)] {
            assert_eq!(browser.get("/devices").await.status.as_u16(), status);
        }
        // Nothing is left but the one that asks: there is nothing to end, and it stays.
        let own = line_of(&world, "sub-ola").await;
        let answer = ola.post(&format!("/admin/sessions/{own}/end"), &[("all", "yes")]).await;
        assert_eq!(answer.location(), "/admin/sessions?done=ended-before");
        assert_eq!(ola.get("/devices").await.status, StatusCode::OK);
        assert_eq!(world.count(EventKind::SessionEnded).await, 1);
        whole(&world).await;
    }
}

#[actix_web::test]
async fn s42_nobody_but_an_admin_ends_a_session() {
    let world = World::new().await;
    let mut berit = world.signed_in("berit").await;
    let line = line_of(&world, "sub-berit").await;
    for login in ["astrid", "kim", "eva"] {
        let answer = world.signed_in(login).await.post(&format!("/admin/sessions/{line}/end"), &[]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{login}");
        assert_eq!(world.last().await.event.detail, "end_sessions");
    }
    assert_eq!(berit.get("/devices").await.status, StatusCode::OK);
    let mut ola = world.signed_in("ola").await;
    assert_eq!(ola.post("/admin/sessions/x/end", &[]).await.status, StatusCode::NOT_FOUND);
    // A cookie is no line, and no page names one.
    assert!(!ola.get("/admin/sessions").await.text.contains(&berit.jar[SESSION]));
}

async fn personal(world: &World, serial: &str) {
    let writer = world.token(&[Scope::DevicesWrite], Door::Header, Trust::Observed).await;
    let body = serde_json::json!({ "ownership": "personal" });
    let answer = world.api(Method::PUT, &format!("/api/v1/devices/{serial}"), &writer, Some(body)).await;
    assert!(answer.status.is_success(), "{}", answer.text);
}

#[actix_web::test]
async fn what_is_missing_is_listed_and_personal_macs_are_only_counted() {
    for world in World::both().await {
        world.own("C02NOKEY0001", "astrid").await;
        world.own("C02NOKEYPERS", "berit").await;
        personal(&world, "C02NOKEYPERS").await;
        for serial in ["C02NOOWNER01", "C02NOOWNPERS", MAC] {
            world.deposit(serial, KEY, Trust::Observed).await;
        }
        personal(&world, "C02NOOWNPERS").await;
        world.own(MAC, "astrid").await;
        world.signed_in("astrid").await;
        world.signed_in("eva").await;
        let mut ola = world.signed_in("ola").await;
        for (list, named, unnamed) in [
            ("no-owner", vec!["C02NOOWNER01"], vec!["C02NOOWNPERS", MAC]),
            ("no-key", vec!["C02NOKEY0001"], vec!["C02NOKEYPERS", MAC]),
            ("never-signed-in", vec!["berit"], vec!["astrid"]),
            ("no-device", vec!["eva", "ola"], vec!["astrid", "berit"]),
        ] {
            let page = ola.get(&format!("/admin/devices?list={list}")).await;
            assert_eq!(page.status, StatusCode::OK, "{}", page.text);
            assert!(named.iter().all(|n| page.text.contains(n)), "{list}: {}", page.text);
            assert!(unnamed.iter().all(|n| !page.text.contains(n)), "{list}: {}", page.text);
            assert_eq!(page.text.contains("One personal Mac is not listed"), list.starts_with("no-o") || list == "no-key", "{list}");
        }
        let first = ola.get("/admin").await.text;
        assert!(first.contains("One Mac has no owner.") && first.contains("One Mac has no key."), "without the personal: {first}");
        assert_eq!(ola.get("/admin/devices?list=everything").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[actix_web::test]
async fn lists_go_on_where_the_page_before_ended() {
    let world = World::new().await;
    for n in 0..61 {
        world.own(&format!("C02PAGE{n:05}"), &format!("login{n:02}")).await;
    }
    let mut ola = world.signed_in("ola").await;
    for (list, stem) in [("no-key", "C02PAGE"), ("never-signed-in", "login")] {
        let (mut seen, mut next, mut pages) = (Vec::new(), format!("/admin/devices?list={list}"), 0);
        loop {
            let page = ola.get(&next).await;
            pages += 1;
            let body = page.text.split_once("<tbody").unwrap().1;
            let rows = body.split("class=\"lead\"").skip(1).map(|r| r.split_once(stem).unwrap().1);
            seen.extend(rows.map(|r| r.split_once('<').unwrap().0.to_owned()));
            let Some((rest, _)) = page.text.split_once("\" rel=\"next\"") else { break };
            next = rest.rsplit_once("href=\"").unwrap().1.replace("&#38;", "&");
        }
        let width = if stem == "login" { 2 } else { 5 };
        assert_eq!(seen, (0..61).map(|n| format!("{n:0width$}")).collect::<Vec<_>>(), "{list}: each once, in order");
        assert_eq!(pages, 2);
    }
}

#[actix_web::test]
async fn contested_macs_are_named_with_their_sources_and_a_personal_one_is_not() {
    for world in World::both().await {
        for serial in [MAC, "C02CONTPERS1"] {
            for key in [KEY, OTHER_KEY, KEY] {
                world.clock.advance_seconds(1);
                world.deposit(serial, key, Trust::Observed).await;
            }
        }
        personal(&world, "C02CONTPERS1").await;
        world.deposit("C02QUIET0001", KEY, Trust::Observed).await;
        let mut ola = world.signed_in("ola").await;
        let page = ola.get("/admin/devices?list=contested").await.text;
        assert!(page.contains(MAC) && page.contains("One personal Mac is not listed"), "{page}");
        assert!(!page.contains("C02CONTPERS1") && !page.contains("C02QUIET0001"));
        assert!(ola.get("/admin").await.text.contains("One Mac has keys that alternate."));
        for text in [KEY, OTHER_KEY] {
            assert!(!page.contains(text));
        }
    }
}

/// The statement of the migration that counts what already happened.
fn counting(engine: Engine) -> String {
    let text = match engine {
        Engine::Sqlite => include_str!("../../migrations/sqlite/0003_sources.sql"),
        Engine::Postgres => include_str!("../../migrations/postgres/0003_sources.sql"),
    };
    let (_, rest) = text.split_once("\nINSERT INTO sources").unwrap();
    format!("INSERT INTO sources{}", rest.split_once(';').unwrap().0)
}

#[actix_web::test]
async fn counts_of_sources_are_kept_and_an_upgrade_counts_what_was() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let world = World::on(engine, |_| {}).await;
        let crypt = world.token(&[Scope::EscrowWrite], Door::CryptPath, Trust::Observed).await;
        let idle = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Proven).await;
        world.token(&[Scope::DevicesRead], Door::Header, Trust::Observed).await;
        for (serial, key) in [(MAC, KEY), (MAC, KEY), ("C02SECOND001", KEY), ("é", KEY), (MAC, "no key")] {
            world.clock.advance_seconds(60);
            world.check_in(&crypt, serial, key).await;
        }
        let all =
            async || world.fresh.store.read().await.unwrap().sources_page(keyharbor::domain::Timestamp(i64::MAX), "", 9).await.unwrap();
        let kept = all().await;
        assert_eq!(kept.len(), 2, "a token that cannot hand keys in is no source");
        let of = |text: &str| kept.iter().find(|s| s.token == token_id(text)).unwrap();
        assert_eq!((of(&crypt).deposits, of(&crypt).refused), (3, 2));
        assert_eq!(of(&crypt).last_device.as_ref().unwrap().0.as_str(), "C02SECOND001");
        assert_eq!((of(&idle).deposits, of(&idle).first_seen), (0, None));
        world.sql("DELETE FROM sources").await;
        world.sql(&counting(engine)).await;
        let counted = all().await;
        assert_eq!(counted, kept, "the trail says the same");
        let page = world.signed_in("ola").await.get("/admin/sources").await.text;
        assert!(page.contains("C02SECOND001") && page.contains(token_id(&idle)) && page.contains("none yet"), "{page}");
        personal(&world, "C02SECOND001").await;
        let page = world.signed_in("ola").await.get("/admin/sources").await.text;
        assert!(!page.contains("C02SECOND001") && page.contains("a personal Mac"));
    }
}

#[actix_web::test]
async fn connecting_a_source_shows_lines_and_waits_for_its_first_key() {
    for world in World::both().await {
        let mut ola = world.signed_in("ola").await;
        let page = ola.get("/admin/connect").await.text;
        for line in [format!("{ORIGIN}/compat/crypt/YOUR_TOKEN"), format!("POST {ORIGIN}/api/v1/deposits")] {
            assert!(page.contains(&line), "{line}");
        }
        let form = ola.get("/admin/tokens/new?way=crypt").await;
        assert!(form.text.contains(r#"value="crypt-path" checked"#) && form.text.contains(r#"name="escrow_write" value="on" checked"#));
        let id = crate::admin::field(&form, "id");
        let made = crate::admin::make(&mut ola, &id, &[("door", "crypt-path"), ("way", "crypt")]).await;
        let token = crate::admin::shown_token(&made).unwrap();
        assert!(made.text.contains(&format!("{ORIGIN}/compat/crypt/{token}")), "{}", made.text);
        let (wait, status) = (format!("/admin/connect/{id}"), format!("/admin/connect/{id}/status"));
        assert!(ola.get(&wait).await.text.contains("No key has come with this token yet"));
        let state = ola.get(&status).await;
        assert_eq!((state.json()["received"].as_bool(), state.header("cache-control")), (Some(false), Some("no-store")));
        world.check_in(&token, MAC, "no key").await;
        let refused = ola.get(&status).await.json();
        assert!(refused["received"] == false && refused["text"].as_str().unwrap().starts_with("One hand-in was refused"), "{refused}");
        assert_eq!(world.check_in(&token, MAC, KEY).await.status, StatusCode::OK);
        let received = ola.get(&status).await.json();
        assert!(received["received"] == true && received["text"].as_str().unwrap().contains(MAC), "{received}");
        assert!(ola.get(&wait).await.text.contains(MAC));
        personal(&world, MAC).await;
        assert!(!ola.get(&status).await.text.contains(MAC) && !ola.get(&wait).await.text.contains(MAC));
        for unknown in ["/admin/connect/0000000000000000", "/admin/connect/x/status"] {
            assert_eq!(ola.get(unknown).await.status, StatusCode::NOT_FOUND);
        }
    }
}

#[actix_web::test]
async fn the_first_page_warns_of_what_is_dangerous() {
    let world = World::with(|c| (c.oidc.danger_step_up, c.oidc.owner_claim) = (StepUp::Off, None)).await;
    let page = world.signed_in("ola").await.get("/admin").await.text;
    for text in ["oidc.danger_step_up is off", "oidc.owner_claim", "keyharbor init --confirm"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    // Whatever warns at start has words here.
    let config = keyharbor::config::Config::default();
    for warning in config.warnings() {
        let key = format!("warning-{}", warning.split_whitespace().next().unwrap().replace('.', "-"));
        for lang in keyharbor::i18n::Language::ALL {
            assert_ne!(keyharbor::i18n::text(lang, &key), key, "{warning}");
        }
    }
}
