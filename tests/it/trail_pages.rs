//! What auditors see of the trail: filters, timelines, rows that were changed or erased, checkpoints.

use std::collections::BTreeSet;

use actix_web::http::{Method, StatusCode};
use keyharbor::domain::EventKind;
use keyharbor::domain::audit::Actor;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope, Scopes};
use keyharbor::service::custody::open_ring;
use keyharbor::service::tokens::NewToken;
use keyharbor::service::trail::{Verdict, verify};

use crate::world::{Answer, Browser, KEY, MAC, OTHER_KEY, World};

const OTHER_MAC: &str = "C02OTHER0001";

/// Astrid was shown her key, Kim showed it once more at the desk, Berit was refused; a second Mac.
async fn lived_in() -> [World; 2] {
    let worlds = World::both().await;
    for world in &worlds {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        let grant = astrid.reveal(&device).await.location().to_owned();
        astrid.get(&grant).await;
        world.clock.advance_seconds(60);
        let mut kim = world.signed_in("kim").await;
        kim.desk_reveal(&device, &[]).await;
        world.clock.advance_seconds(3600);
        world.signed_in("berit").await.get(&format!("/devices/{device}")).await;
        world.deposit(OTHER_MAC, OTHER_KEY, Trust::Observed).await;
    }
    worlds
}

/// Numbers of the rows that a page lists, in its order.
fn rows(answer: &Answer) -> Vec<i64> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.text.split(r#"<tr role="row" id="e"#).skip(1).map(|rest| rest.split('"').next().unwrap().parse().unwrap()).collect()
}

fn link(answer: &Answer, rel: &str) -> Option<String> {
    let (before, _) = answer.text.split_once(&format!(r#"" rel="{rel}""#))?;
    before.rsplit_once("href=\"").map(|(_, href)| href.replace("&amp;", "&").replace("&#38;", "&"))
}

/// Every row of a list, page by page, and back again.
async fn walk(browser: &mut Browser, address: &str) -> Vec<i64> {
    let (mut all, mut pages) = (Vec::new(), Vec::new());
    let mut page = browser.get(address).await;
    loop {
        let here = rows(&page);
        all.extend(here.iter().copied());
        pages.push(here);
        match link(&page, "next") {
            Some(next) => page = browser.get(&next).await,
            None => break,
        }
    }
    while let Some(last) = pages.pop() {
        assert_eq!(rows(&page), last, "{address}");
        match link(&page, "prev") {
            Some(newer) if !pages.is_empty() => page = browser.get(&newer).await,
            _ => break,
        }
    }
    assert!(pages.is_empty(), "{address}: the way back ends early");
    all
}

#[actix_web::test]
async fn filters_combine_stand_in_the_address_and_survive_paging() {
    for world in lived_in().await {
        let astrid = world.trail().await.iter().find(|r| r.event.kind == EventKind::RevealGranted).unwrap().event.clone();
        let Actor::Person(who) = astrid.actor else { panic!() };
        for _ in 0..60 {
            world.deposit(OTHER_MAC, OTHER_KEY, Trust::Observed).await;
        }
        let mut eva = world.signed_in("eva").await;
        let known = world.trail().await;
        let day = world.env.now().to_utc().format("%Y-%m-%d").to_string();
        let minute =
            known.iter().find(|r| r.event.role.contains("helpdesk")).unwrap().event.at.to_utc().format("%Y-%m-%dT%H:%M").to_string();
        for (query, fits) in [
            ("event=deposit.same".to_owned(), 60),
            (format!("event=deposit.same&serial={}", OTHER_MAC.to_lowercase()), 60),
            (format!("event=deposit.same&serial={MAC}"), 0),
            (format!("event=deposit.new&from={day}&to={day}"), 2),
            ("event=deposit.new&to=2020-01-01".to_owned(), 0),
            ("event=reveal.granted&who=KIM".to_owned(), 1),
            (format!("event=reveal.granted&who={}", who.subject), 1),
            (format!("who={}&serial={MAC}&event=reveal.viewed", who.subject), 1),
            (format!("event=reveal.granted&from={minute}&to={minute}"), 1),
            ("who=nobody".to_owned(), 0),
        ] {
            let found = walk(&mut eva, &format!("/trail?{query}")).await;
            assert_eq!(found.len(), fits, "{query}: {found:?}");
        }
        let page = eva.get(&format!("/trail?event=deposit.same&serial={OTHER_MAC}")).await;
        assert_eq!(rows(&page).len(), 50);
        let next = link(&page, "next").unwrap();
        assert!(next.contains("event=deposit.same") && next.contains(&format!("serial={OTHER_MAC}")) && next.contains("before="), "{next}");
        assert!(page.text.contains(r#"<option value="deposit.same" selected>"#) && page.text.contains(&format!(r#"value="{OTHER_MAC}""#)));
        // The unfiltered list, from end to end, is the whole trail.
        let all = walk(&mut eva, "/trail").await;
        let numbers: BTreeSet<_> = all.iter().copied().collect();
        assert_eq!((numbers.len(), numbers.first()), (all.len(), Some(&1)));
        assert!(numbers.is_superset(&known.iter().map(|r| r.seq).collect()));
    }
}

#[actix_web::test]
async fn tokens_are_called_by_their_names_and_details_said_in_words_while_exports_keep_the_machines() {
    for world in World::both().await {
        let scopes = Scopes::default().with(Scope::EscrowWrite);
        let (name, door, trust) = ("Jamf Pro".into(), Door::Header, Trust::Proven);
        let new = NewToken { name, scopes, door, trust, device_pattern: None, expires_at: None };
        let (token, text) = world.service.create_token(new, Actor::Operator).await.unwrap();
        let id = token.id.as_str();
        world.api(Method::POST, "/api/v1/deposits", &text, Some(serde_json::json!({ "serial": MAC, "recovery_key": "none" }))).await;
        let mut eva = world.signed_in("eva").await;
        let row = |page: &Answer, kind: &str| {
            let (_, row) = page.text.split_once(r#"<tr role="row" id="e"#).unwrap_or_else(|| panic!("{kind}: {}", page.text));
            row.split_once("</tr>").unwrap().0.replace("&#38;", "&")
        };
        let refused = row(&eva.get("/trail?event=deposit.refused").await, "refused");
        let by = format!(r#"<a class="jump" href="/trail?who={id}">Jamf Pro</a><br><span class="muted small">{id} · token</span>"#);
        assert!(refused.contains(&by) && refused.contains("no valid recovery key") && !refused.contains("recovery_key"), "{refused}");
        let made = row(&eva.get("/trail?event=token.created").await, "made");
        assert!(made.contains(&format!("Jamf Pro · {id} · In a header · Proven")), "{made}");
        // The files say what stands in the chain.
        let file = eva.post("/trail/export", &[("format", "csv"), ("event", "deposit.refused")]).await.text;
        assert!(file.contains(id) && file.contains("recovery_key") && !file.contains("Jamf Pro"), "{file}");
        // A row that was changed has no name to give.
        world.sql("UPDATE api_tokens SET name = 'Somebody else'").await;
        let page = eva.get("/trail?event=deposit.refused").await;
        assert!(!page.text.contains("Somebody else") && row(&page, "changed").contains(&format!(">{id}</a>")), "{}", page.text);
    }
}

#[actix_web::test]
async fn what_was_read_is_a_row_that_names_nobody_in_the_chain() {
    for world in lived_in().await {
        let mut eva = world.signed_in("eva").await;
        rows(&eva.get(&format!("/trail?who=astrid&event=reveal.granted&serial={MAC}&from=2020-01-01")).await);
        let row = world.last().await;
        assert_eq!(row.event.kind, EventKind::TrailRead);
        assert_eq!(row.event.detail, format!("from=2020-01-01T00:00:00.000000Z event=reveal.granted serial={MAC}"));
        assert_eq!(row.event.personal.person.as_deref(), Some("astrid"));
        let page = eva.get("/trail?event=trail.read").await.text.replace('\u{a0}', " ");
        assert!(page.contains("Who: astrid") && page.contains("from 1 Jan 2020 00:00:00 · Viewing granted"), "{page}");
    }
}

#[actix_web::test]
async fn wrong_values_are_named_kept_and_looked_up_nowhere() {
    for world in lived_in().await {
        let mut eva = world.signed_in("eva").await;
        let before = world.count(EventKind::TrailRead).await;
        for (query, field, kept) in [
            ("from=yesterday%3Cb%3E", "from", "yesterday&"),
            ("to=2026-02-30", "to", "2026-02-30"),
            ("from=2026-02-02&to=2026-02-01", "to", "2026-02-01"),
            ("event=reveal.sold", "event", ""),
            ("who=a%00b", "who", ""),
            ("serial=%C3%A5&who=astrid", "serial", "astrid"),
        ] {
            let page = eva.get(&format!("/trail?{query}")).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
            assert!(
                page.text.contains(&format!("<a href=\"#{field}\">")) && page.text.contains(&format!("id=\"{field}-error\"")),
                "{query}"
            );
            assert!(page.text.contains(kept) && !page.text.contains("<b>") || query.contains("event"), "{query}");
            assert!(
                !page.text.contains("<tr role=\"row\" id=") && !page.text.contains("/trail/export"),
                "{query}: something was looked up"
            );
        }
        assert_eq!(world.count(EventKind::TrailRead).await, before);
        for query in [format!("who={KEY}"), format!("serial={KEY}"), format!("from={}", KEY.to_lowercase())] {
            let away = eva.get(&format!("/trail?{query}")).await;
            assert_eq!((away.status, away.location()), (StatusCode::SEE_OTHER, "/trail?refused=key"), "{query}");
        }
        let page = eva.get("/trail?refused=key").await;
        assert!(page.text.contains("looked like a recovery key") && !page.text.contains(KEY));
        for query in ["before=x", "before=1", "after=1.-2", "before=99999999999999999999.1"] {
            assert_eq!(eva.get(&format!("/trail?{query}")).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        }
    }
}

#[actix_web::test]
async fn a_devices_timeline_is_every_row_about_it_and_the_lists() {
    for world in lived_in().await {
        let device = world.device_id(MAC).await;
        world.sql("UPDATE devices SET ownership = 'personal' WHERE serial = 'C02TEST00001'").await;
        // Rows of a failed check name the device by its id only.
        world.signed_in("kim").await.get(&format!("/desk/devices/{device}")).await;
        let mut eva = world.signed_in("eva").await;
        let wanted: BTreeSet<i64> = world
            .trail()
            .await
            .iter()
            .filter(|r| r.event.device.is_some_and(|d| d.to_string() == device) || r.event.serial.as_deref() == Some(MAC))
            .map(|r| r.seq)
            .collect();
        let kinds: BTreeSet<_> = world.trail().await.iter().filter(|r| wanted.contains(&r.seq)).map(|r| r.event.kind.code()).collect();
        assert!(
            ["integrity_failure", "owner.set", "deposit.new", "reveal.granted", "access.refused"].iter().all(|k| kinds.contains(k)),
            "{kinds:?}"
        );
        for address in
            [format!("/trail/devices/{device}"), format!("/trail/devices/{}", MAC.to_lowercase()), format!("/trail?serial={MAC}")]
        {
            let found = walk(&mut eva, &address).await;
            assert!(found.is_sorted_by(|a, b| a > b), "{address}");
            assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), wanted, "{address}");
        }
        let list = eva.get("/trail").await.text;
        assert!(list.contains(&format!("href=\"/trail/devices/{device}\"")));
        let page = eva.get(&format!("/trail/devices/{device}")).await;
        assert!(page.text.contains(MAC) && !page.text.contains(KEY) && page.key().is_none());
        // A number that no device has, in a refused deposit, has a timeline too.
        let refused = world.deposit("C02 odd/1", "no key at all", Trust::Observed).await;
        assert!(refused.status.is_client_error());
        if world.trail().await.iter().any(|r| r.event.serial.as_deref() == Some("C02 ODD/1")) {
            assert_eq!(rows(&eva.get("/trail/devices/C02%20odd%2F1").await).len(), 1);
        }
    }
}

#[actix_web::test]
async fn a_persons_timeline_is_what_they_did_and_what_was_done_to_their_login() {
    for world in lived_in().await {
        world.own(OTHER_MAC, "astrid").await;
        let trail = world.trail().await;
        let row = trail.iter().find(|r| r.event.kind == EventKind::RevealGranted).unwrap();
        let Actor::Person(who) = &row.event.actor else { panic!() };
        let wanted: BTreeSet<i64> = trail
            .iter()
            .filter(|r| r.event.actor == row.event.actor || r.event.personal.login.as_deref() == Some("astrid"))
            .map(|r| r.seq)
            .collect();
        assert!(
            trail
                .iter()
                .any(|r| wanted.contains(&r.seq) && r.event.kind == EventKind::OwnerSet && r.event.serial.as_deref() == Some(OTHER_MAC))
        );
        let mut eva = world.signed_in("eva").await;
        let address = format!("/trail/people?subject={}", who.subject);
        assert_eq!(walk(&mut eva, &address).await.into_iter().collect::<BTreeSet<_>>(), wanted);
        assert!(eva.get("/trail?event=reveal.granted").await.text.contains(&format!("href=\"{address}\"")));
        let page = eva.get(&address).await.text;
        assert!(page.contains("Everything about a person") && page.contains(r#"href="/trail?who=astrid""#), "{page}");
        // The same subject of another provider is somebody else.
        let other = eva.get(&format!("{address}&issuer=https%3A%2F%2Fother.example")).await;
        assert!(other.status == StatusCode::NOT_FOUND || !rows(&other).contains(&row.seq), "{}", other.text);
    }
}

#[actix_web::test]
async fn nothing_recorded_is_the_one_404_and_others_have_no_trail() {
    for world in lived_in().await {
        let device = world.device_id(MAC).await;
        let mut eva = world.signed_in("eva").await;
        let unknown = ["/trail/devices/0197a1b2-0000-7000-8000-000000000012", "/trail/devices/C02NOSUCH", "/trail/devices/%C3%A5"];
        let key = format!("/trail/devices/{KEY}");
        for address in
            unknown.into_iter().chain([key.as_str(), "/trail/people", "/trail/people?subject=nobody", "/trail/people?subject=%00"])
        {
            let answer = eva.get(address).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{address}");
            assert!(answer.text.contains("Nothing found here") && !answer.text.contains(KEY), "{address}");
        }
        for login in ["astrid", "kim", "ola"] {
            let mut other = world.signed_in(login).await;
            for address in
                ["/trail", "/trail?from=x", "/trail?before=x", &format!("/trail/devices/{device}"), "/trail/devices/x", "/trail/people"]
            {
                let before = world.count(EventKind::AccessRefused).await;
                assert_eq!(other.get(address).await.status, StatusCode::FORBIDDEN, "{login} {address}");
                assert_eq!(world.count(EventKind::AccessRefused).await, before + 1, "{login} {address}");
            }
        }
    }
}

#[actix_web::test]
async fn s48_a_row_that_was_changed_is_shown_as_such_and_its_neighbours_are_not() {
    for world in lived_in().await {
        let seq = world.trail().await.iter().find(|r| r.event.kind == EventKind::RevealGranted).unwrap().seq;
        let mut eva = world.signed_in("eva").await;
        assert!(!eva.get("/trail").await.text.contains("Changed afterwards"));
        for change in ["serial = 'C02HIDDEN'", "kind = 'deposit.same'", "happened_at = 1", "actor_subject = 'x'"] {
            world.sql("CREATE TABLE kept AS SELECT * FROM audit_events").await;
            assert_eq!(world.sql(&format!("UPDATE audit_events SET {change} WHERE seq = {seq}")).await, 1);
            let before = world.count(EventKind::IntegrityFailure).await;
            let page = eva.get("/trail").await;
            assert_eq!(page.text.matches("Changed afterwards").count(), 1, "{change}");
            let row = page.text.split_once(&format!(r#"id="e{seq}""#)).unwrap().1.split_once("</tr>").unwrap().0;
            assert!(row.contains("Changed afterwards"), "{change}");
            assert_eq!(world.count(EventKind::IntegrityFailure).await, before + 1);
            let ring = open_ring(&world.fresh.store, &world.root, false).await.unwrap();
            let found = verify(&world.fresh.store, &ring, None).await.unwrap();
            assert!(matches!(found, Verdict::Broken { seq: first, .. } if first == seq), "{change}: {found:?}");
            let column = change.split(' ').next().unwrap();
            world.sql(&format!("UPDATE audit_events SET {column} = (SELECT {column} FROM kept WHERE seq = {seq}) WHERE seq = {seq}")).await;
            world.sql("DROP TABLE kept").await;
        }
        assert!(!eva.get("/trail").await.text.contains("Changed afterwards"));
    }
}

#[actix_web::test]
async fn s48_erased_fields_are_shown_as_erased_and_found_no_more() {
    for world in lived_in().await {
        let row = world.trail().await.into_iter().find(|r| r.event.kind == EventKind::RevealGranted).unwrap();
        let Actor::Person(who) = &row.event.actor else { panic!() };
        let mut eva = world.signed_in("eva").await;
        assert!(walk(&mut eva, "/trail?who=astrid").await.contains(&row.seq));
        world.sql(&format!("UPDATE audit_events SET personal = NULL, salt = NULL WHERE seq = {}", row.seq)).await;
        assert!(!walk(&mut eva, "/trail?who=astrid").await.contains(&row.seq));
        let page = eva.get(&format!("/trail?who={}&event=reveal.granted", who.subject)).await;
        assert_eq!(rows(&page), [row.seq]);
        assert!(page.text.contains("personal details erased") && !page.text.contains("Changed afterwards"), "{}", page.text);
        let ring = open_ring(&world.fresh.store, &world.root, false).await.unwrap();
        assert!(matches!(verify(&world.fresh.store, &ring, None).await.unwrap(), Verdict::Whole { erased: (1, Some(_)), .. }));
    }
}

#[actix_web::test]
async fn s48_checkpoints_of_every_server_are_shown_and_notice_a_cut_tail() {
    for world in lived_in().await {
        let mut eva = world.signed_in("eva").await;
        assert!(eva.get("/trail").await.text.contains("No checkpoint has been logged yet"));
        let (other, _) = world.replica().await;
        world.service.checkpoint_tick().await;
        let last = world.last().await;
        let checkpoint = format!("{}:{}", last.seq, keyharbor::domain::hex(&last.mac));
        let page = other_page(&world, &mut eva).await;
        assert!(page.contains(&checkpoint) && !page.contains("no longer has this row"), "{page}");
        // The head is the row about this very reading.
        let head = world.last().await;
        assert!(page.contains(&format!("--at-least {}:{}", head.seq, keyharbor::domain::hex(&head.mac))), "{page}");
        // Only what the other server has done itself makes it log one.
        other.checkpoint_tick().await;
        assert_eq!(world.fresh.store.read().await.unwrap().checkpoints_before(i64::MAX, 9).await.unwrap().len(), 1);
        let kept = world.trail().await;
        let before = kept.iter().rfind(|r| r.seq < last.seq).unwrap();
        let hex = keyharbor::domain::hex(&before.mac);
        let literal = if world.fresh.url.starts_with("sqlite") { format!("x'{hex}'") } else { format!("'\\x{hex}'") };
        world.sql(&format!("DELETE FROM audit_events WHERE seq > {}", before.seq)).await;
        world.sql(&format!("UPDATE audit_head SET seq = {}, mac = {literal}", before.seq)).await;
        let ring = open_ring(&world.fresh.store, &world.root, false).await.unwrap();
        let found = verify(&world.fresh.store, &ring, None).await.unwrap();
        assert!(matches!(found, Verdict::Short { seq, .. } if seq == last.seq), "{found:?}");
    }
}

async fn other_page(world: &World, eva: &mut Browser) -> String {
    let (_, app) = world.replica().await;
    let mut there = world.browser();
    there.app = app;
    there.jar.clone_from(&eva.jar);
    there.get("/trail").await.text
}
