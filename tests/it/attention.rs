//! What the admin's first page names: each thing once, with the list that says more, and no word of it while all is well.

use keyharbor::domain::audit::Actor;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::ids::Timestamp;
use keyharbor::domain::token::{Door, Scope, Scopes};
use keyharbor::domain::trail::CheckpointRow;
use keyharbor::service::break_glass::{BreakGlass, break_glass};
use keyharbor::service::tokens::NewToken;

use crate::races::ring;
use crate::world::{Browser, KEY, MAC, OTHER_KEY, World};

const DAY: i64 = 86_400;

async fn overview(ola: &mut Browser) -> String {
    let page = ola.get("/admin").await;
    assert_eq!(page.status.as_u16(), 200, "{}", page.text);
    page.text
}

/// What the page names, but for the root key, of which no world has a copy.
fn said(text: &str) -> Vec<&str> {
    let titles = text.split("\"><p><b>").skip(1).map(|rest| rest.split_once("</b>").unwrap().0);
    titles.filter(|t| *t != "Nobody has confirmed a copy of the root key.").collect()
}

fn quiet(text: &str) -> bool {
    said(text).is_empty()
}

/// A token that ends then: its text.
async fn ending(world: &World, expires_at: Option<Timestamp>) -> String {
    let scopes = Scopes::default().with(Scope::EscrowWrite);
    let new = NewToken { name: "test".into(), scopes, door: Door::Header, device_pattern: None, trust: Trust::Observed, expires_at };
    world.service.create_token(new, Actor::Operator).await.unwrap().1.as_str().to_owned()
}

/// How many tokens of the list bear each of these words.
async fn states(world: &World, words: [&str; 3]) -> [usize; 3] {
    let list = world.signed_in("ola").await.get("/admin/tokens").await.text;
    words.map(|word| list.matches(&format!("</span> {word}</span>")).count())
}

async fn reveal_at_the_host(world: &World, serial: &str) -> bool {
    let ask = BreakGlass::new(serial, None, "Ingrid", "the provider is down").unwrap();
    break_glass(&world.fresh.store, &ring(world).await, &world.env, &ask).await.is_ok()
}

/// On both engines, with a first page that names nothing.
async fn calm() -> [World; 2] {
    let worlds = World::both().await;
    for world in &worlds {
        let text = overview(&mut world.signed_in("ola").await).await;
        assert!(quiet(&text), "{text}");
    }
    worlds
}

#[actix_web::test]
async fn macs_without_owner_or_key_and_keys_that_alternate_are_counted_with_their_lists() {
    for world in calm().await {
        world.own("C02NOKEY0001", "astrid").await;
        world.deposit("C02NOOWNER01", KEY, Trust::Observed).await;
        world.deposit("C02NOOWNER02", KEY, Trust::Observed).await;
        world.own(MAC, "astrid").await;
        for key in [KEY, OTHER_KEY, KEY] {
            world.clock.advance_seconds(1);
            world.deposit(MAC, key, Trust::Observed).await;
        }
        let text = overview(&mut world.signed_in("ola").await).await;
        for (said, list) in
            [("One Mac has no key.", "no-key"), ("2 Macs have no owner.", "no-owner"), ("One Mac has keys that alternate.", "contested")]
        {
            assert!(text.contains(said) && text.contains(&format!("/admin/devices?list={list}\"")), "{said}: {text}");
        }
        assert_eq!(said(&text).len(), 3);
        let place = |said| text.find(said).unwrap();
        assert!(place("keys that alternate") < place("no owner"), "the worse comes first");
    }
}

#[actix_web::test]
async fn tokens_that_end_soon_or_have_ended_in_use_are_counted() {
    for world in calm().await {
        let now = world.env.clock.now();
        let in_days = |days: i64| Some(now.plus_seconds(days * DAY));
        ending(&world, in_days(14)).await;
        ending(&world, Some(now.plus_seconds(14 * DAY + 1))).await;
        ending(&world, None).await;
        let revoked = ending(&world, in_days(3)).await;
        assert!(world.service.revoke_token(crate::world::token_id(&revoked), Actor::Operator).await.unwrap());
        let used = ending(&world, in_days(1)).await;
        ending(&world, in_days(1)).await;
        let text = overview(&mut world.signed_in("ola").await).await;
        assert!(text.contains("3 tokens end within 14 days.") && text.contains(r#"href="/admin/tokens""#), "{text}");
        assert!(!text.contains("have ended") && !text.contains("has ended"));
        assert_eq!(states(&world, ["Ends soon", "Live", "Ended"]).await, [3, 2, 0]);
        let body = serde_json::json!({ "serial": MAC, "recovery_key": KEY });
        assert_eq!(world.api(actix_web::http::Method::POST, "/api/v1/deposits", &used, Some(body)).await.status.as_u16(), 201);
        world.clock.advance_seconds(DAY);
        let text = overview(&mut world.signed_in("ola").await).await;
        assert!(text.contains("One token that was in use has ended."), "the other was never used: {text}");
        assert!(text.contains("2 tokens end within 14 days."), "14 days and a second are within them now: {text}");
        assert_eq!(states(&world, ["Ends soon", "Live", "Ended"]).await, [2, 1, 2]);
        world.clock.advance_seconds(13 * DAY);
        let text = overview(&mut world.signed_in("ola").await).await;
        assert!(!text.contains("that was in use has ended"), "nobody has used it for 14 days: {text}");
    }
}

#[actix_web::test]
async fn keys_shown_at_the_host_are_named_for_seven_days_and_refusals_are_not() {
    for world in calm().await {
        world.own(MAC, "astrid").await;
        world.deposit(MAC, KEY, Trust::Observed).await;
        assert!(!reveal_at_the_host(&world, "C02UNKNOWN01").await);
        let text = overview(&mut world.signed_in("ola").await).await;
        assert!(quiet(&text), "a refusal showed nothing: {text}");
        assert!(reveal_at_the_host(&world, MAC).await);
        world.idp.person("odd", &["mac-admin", "mac-auditor"]);
        for seconds in [0, 7 * DAY - 1] {
            world.clock.advance_seconds(seconds);
            let text = overview(&mut world.signed_in("ola").await).await;
            assert!(text.contains("In the last seven days a key was shown at the server."), "{text}");
            assert!(!text.contains(r#"href="/trail"#), "an admin does not read the audit log");
            assert!(!text.contains(KEY) && !text.contains("Ingrid"));
        }
        let text = overview(&mut world.signed_in("odd").await).await;
        assert!(text.contains(r#"href="/trail?event=reveal.break_glass""#), "an auditor does: {text}");
        world.clock.advance_seconds(2);
        assert!(quiet(&overview(&mut world.signed_in("ola").await).await));
    }
}

#[actix_web::test]
async fn s48_a_trail_that_was_changed_or_cut_off_is_said_on_the_first_page() {
    const SAID: &str = "The audit log does not pass its check.";
    for change in [
        "UPDATE audit_events SET detail = 'nothing' WHERE seq = 2",
        "UPDATE audit_events SET kind = 'nonsense' WHERE seq = 2",
        "DELETE FROM audit_events WHERE seq = (SELECT MAX(seq) FROM audit_events)",
    ] {
        for world in calm().await {
            let mut ola = world.signed_in("ola").await;
            assert_eq!(world.sql(change).await, 1);
            assert!(overview(&mut ola).await.contains(SAID), "{change}");
        }
    }
    for world in calm().await {
        let mut ola = world.signed_in("ola").await;
        let mut tx = world.fresh.store.write().await.unwrap();
        let (seq, mac) = tx.head().await.unwrap();
        let logged_at = world.env.clock.now();
        tx.add_checkpoint(&CheckpointRow { seq, mac: mac.clone(), logged_at, fits: true }).await.unwrap();
        tx.commit_unrecorded().await.unwrap();
        assert!(quiet(&overview(&mut ola).await), "the row is there");
        let mut tx = world.fresh.store.write().await.unwrap();
        tx.add_checkpoint(&CheckpointRow { seq: seq + 1000, mac, logged_at, fits: true }).await.unwrap();
        tx.commit_unrecorded().await.unwrap();
        assert!(overview(&mut ola).await.contains(SAID), "a checkpoint of a row that is gone");
    }
}
