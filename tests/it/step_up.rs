//! Step-up through the whole application: S15 and S16. How fresh a proof must be, what comes back from the provider, and
//! that a callback reveals nothing.

use actix_web::http::StatusCode;
use keyharbor::config::StepUp;
use keyharbor::domain::EventKind;
use keyharbor::domain::audit::{Actor, Outcome};
use serde_json::json;
use url::Url;

use crate::world::{Answer, Browser, KEY, World, link_to_provider, path_of};

const SESSION: &str = "__Host-keyharbor";

async fn rows(world: &World, table: &str) -> u64 {
    world.sql(&format!("UPDATE {table} SET id = id")).await
}

fn parameter(url: &str, name: &str) -> Option<String> {
    Url::parse(url).unwrap().query_pairs().find(|(n, _)| n == name).map(|(_, v)| v.into_owned())
}

/// "Confirm it's you", with nothing granted.
async fn assert_due(world: &World, page: &Answer) -> String {
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("Showing a key needs a fresh sign-in") && page.key().is_none(), "{}", page.text);
    assert_eq!(world.count(EventKind::RevealGranted).await, 0);
    link_to_provider(page, world.idp.issuer())
}

/// A callback that did not renew the proof: the session goes on, a press still needs a step-up.
async fn assert_not_renewed(world: &World, browser: &mut Browser, answer: &Answer, device: &str) {
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    assert!(answer.header("set-cookie").is_none());
    assert_eq!(world.count(EventKind::StepUp).await, 0);
    let row = world.last().await.event;
    assert_eq!((row.kind, row.outcome), (EventKind::SignInFailed, Outcome::Refused));
    assert!(matches!(row.actor, Actor::Person(_)), "a known person's refusal is a row of that person's");
    let page = browser.reveal(device).await;
    assert_due(world, &page).await;
}

async fn stale(world: &World, who: &str) -> (String, Browser) {
    let device = world.astrids_mac().await;
    let browser = world.signed_in(who).await;
    world.clock.advance_seconds(300);
    (device, browser)
}

#[actix_web::test]
async fn s15_a_fresh_person_is_not_asked_twice() {
    let world = World::new().await;
    let device = world.astrids_mac().await;
    let mut astrid = world.browser();
    let left = astrid.get("/sign-in").await;
    assert_eq!(parameter(left.location(), "max_age").as_deref(), Some("300"), "as fresh as a reveal will want it");
    assert_eq!(parameter(left.location(), "prompt"), None);
    let back = world.idp.authorize(left.location(), "astrid");
    astrid.get(path_of(&back)).await;
    world.clock.advance_seconds(299);
    let granted = astrid.reveal(&device).await;
    assert_eq!(granted.status, StatusCode::SEE_OTHER);
    assert_eq!(astrid.get(granted.location()).await.key().as_deref(), Some(KEY));
}

#[actix_web::test]
async fn s15_an_owner_whose_proof_is_five_minutes_old_gives_a_new_one_and_presses_again() {
    for world in World::both().await {
        let (device, mut astrid) = stale(&world, "astrid").await;
        let page = astrid.reveal(&device).await;
        let url = assert_due(&world, &page).await;
        assert_eq!(parameter(&url, "prompt").as_deref(), Some("login"));
        assert!(parameter(&url, "max_age").unwrap().parse::<i64>().unwrap() >= 1);
        assert_eq!(rows(&world, "sign_ins").await, 1);
        let back = astrid.step_up(&world, &page, "astrid").await;
        assert_eq!((back.status, back.location()), (StatusCode::SEE_OTHER, format!("/devices/{device}").as_str()));
        assert!(back.key().is_none() && astrid.get(back.location()).await.key().is_none());
        assert_eq!((world.count(EventKind::StepUp).await, world.count(EventKind::RevealGranted).await), (1, 0));
        let granted = astrid.reveal(&device).await;
        assert_eq!(astrid.get(granted.location()).await.key().as_deref(), Some(KEY));
    }
}

#[actix_web::test]
async fn s15_the_desk_has_half_an_hour_and_gets_its_form_back_once() {
    let typed = [("ticket", "INC0077"), ("reason", "other"), ("reason_text", "moved house <b>"), ("identity", "called back 4711")];
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut kim = world.signed_in("kim").await;
        for seconds in [800, 800, 200] {
            world.clock.advance_seconds(seconds);
            kim.get("/desk").await;
        }
        let page = kim.desk_reveal(&device, &[&typed[..], &[("q", "astrid t")]].concat()).await;
        assert_due(&world, &page).await;
        assert!(page.text.contains(&format!(r#"href="/desk/devices/{device}?q=astrid+t""#)), "{}", page.text);
        let back = kim.step_up(&world, &page, "kim").await;
        assert_eq!(back.status, StatusCode::SEE_OTHER);
        assert!(back.location().starts_with(&format!("/desk/devices/{device}?form=")), "{}", back.location());
        assert_eq!(world.count(EventKind::RevealGranted).await, 0, "the callback reveals nothing");
        let filled = kim.get(back.location()).await;
        for text in ["INC0077", "moved house &#60;b&#62;", "called back 4711", r#"value="other" selected"#] {
            assert!(filled.text.contains(text), "{text}: {}", filled.text);
        }
        assert!(filled.key().is_none());
        assert!(filled.text.contains(r#"href="/desk?q=astrid+t""#), "the way back to what was searched for: {}", filled.text);
        assert!(filled.text.contains(r#"name="q" value="astrid t""#), "and it stays with the form");
        assert_eq!(world.count(EventKind::RevealGranted).await, 0);
        let again = kim.get(back.location()).await;
        assert_eq!(again.status, StatusCode::OK);
        assert!(!again.text.contains("INC0077"), "once");
        let granted = kim.desk_reveal(&device, &typed).await;
        assert_eq!(kim.get(granted.location()).await.key().as_deref(), Some(KEY));
    }
    let world = World::new().await;
    let device = world.astrids_mac().await;
    let mut kim = world.signed_in("kim").await;
    for seconds in [800, 800, 199] {
        world.clock.advance_seconds(seconds);
        kim.get("/desk").await;
    }
    assert_eq!(kim.desk_reveal(&device, &typed).await.status, StatusCode::SEE_OTHER, "29:59");
}

#[actix_web::test]
async fn s15_a_kept_form_is_for_the_session_line_that_typed_it() {
    let world = World::new().await;
    world.idp.person("lars", &["mac-helpdesk"]);
    let (device, mut kim) = desk_stale(&world).await;
    let page = kim.desk_reveal(&device, &[("ticket", "INC0078")]).await;
    let back = kim.step_up(&world, &page, "kim").await;
    let mut lars = world.signed_in("lars").await;
    let seen = lars.get(back.location()).await;
    assert_eq!(seen.status, StatusCode::OK);
    assert!(!seen.text.contains("INC0078"));
}

#[actix_web::test]
async fn s15_a_kept_form_waits_for_ten_minutes() {
    for (seconds, kept) in [(599, true), (600, false)] {
        let world = World::new().await;
        let (device, mut kim) = desk_stale(&world).await;
        let page = kim.desk_reveal(&device, &[("ticket", "INC0079")]).await;
        let back = kim.step_up(&world, &page, "kim").await;
        world.clock.advance_seconds(seconds);
        let form = kim.get(back.location()).await;
        assert_eq!((form.status, form.text.contains("INC0079")), (StatusCode::OK, kept), "{seconds} s");
        assert!(form.text.contains(&format!("/desk/devices/{device}/reveal")), "the form is there, filled in or blank");
    }
}

#[actix_web::test]
async fn s16_a_form_that_comes_back_with_somebody_else_is_lost() {
    let words = ["INC0080QX", "Zwischenablage", "Rueckruf4711"];
    for world in World::both().await {
        let (device, mut kim) = desk_stale(&world).await;
        let page =
            kim.desk_reveal(&device, &[("ticket", words[0]), ("reason", "other"), ("reason_text", words[1]), ("identity", words[2])]).await;
        assert_eq!(rows(&world, "sign_ins").await, 1);
        let answer = kim.step_up(&world, &page, "eva").await;
        assert_eq!((answer.status, rows(&world, "sign_ins").await), (StatusCode::BAD_REQUEST, 0));
        // Kim signs in again: the desk's form is blank.
        assert_eq!(kim.sign_in(&world, "kim").await.status, StatusCode::SEE_OTHER);
        let form = kim.get(&format!("/desk/devices/{device}")).await;
        let bytes = crate::probe::stolen(&world);
        assert!(crate::probe::holds(&bytes, "step_up_other_person"), "the search finds what is there");
        for word in words {
            assert!(!answer.text.contains(word) && !form.text.contains(word), "{word}");
            assert!(!crate::probe::holds(&bytes, word), "{word} is in the database");
        }
    }
}

/// Kim, whose proof is over half an hour old.
async fn desk_stale(world: &World) -> (String, Browser) {
    let device = world.astrids_mac().await;
    let mut kim = world.signed_in("kim").await;
    for _ in 0..3 {
        world.clock.advance_seconds(800);
        kim.get("/desk").await;
    }
    (device, kim)
}

#[actix_web::test]
async fn s15_the_address_of_a_kept_form_is_no_transaction() {
    let world = World::new().await;
    let (device, mut kim) = desk_stale(&world).await;
    let page = kim.desk_reveal(&device, &[]).await;
    let back = kim.step_up(&world, &page, "kim").await;
    let key = back.location().split_once("?form=").unwrap().1.to_owned();
    let fetched = world.idp.fetches("/token");
    kim.jar.insert("__Host-keyharbor-signin".into(), key.clone());
    let iss: String = url::form_urlencoded::byte_serialize(world.idp.issuer().as_bytes()).collect();
    let answer = kim.get(&format!("/auth/callback?state={key}&code=code-0&iss={iss}")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.last().await.event.detail, "no_transaction");
    assert_eq!(world.idp.fetches("/token"), fetched, "nothing is redeemed without nonce and verifier");
}

#[actix_web::test]
async fn s15_a_reason_with_a_key_in_it_is_never_kept() {
    let world = World::new().await;
    let (device, mut kim) = desk_stale(&world).await;
    for field in ["ticket", "reason_text", "identity"] {
        for text in [format!("he read {KEY}"), KEY.replace('-', " ").to_lowercase(), KEY.replace('-', "")] {
            let answer = kim.desk_reveal(&device, &[(field, &text)]).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
            assert!(!answer.text.contains(&text), "{field}");
            assert_eq!(rows(&world, "sign_ins").await, 0, "{field}");
        }
    }
    for row in world.trail().await {
        let text = format!("{:?}", row.event).to_uppercase();
        assert!(!text.contains("AAAA-BBBB") && !text.contains("AAAABBBB") && !text.contains("AAAA BBBB"), "{text}");
    }
}

#[actix_web::test]
async fn s15_a_provider_that_does_not_ask_again_gets_no_reveal() {
    let world = World::new().await;
    let (device, mut astrid) = stale(&world, "astrid").await;
    let now = world.env.now().seconds();
    for (age, detail) in [(300, "stale_proof"), (86_400, "stale_proof"), (-3600, "token_refused")] {
        world.idp.token_claim("auth_time", Some(json!(now - age)));
        let page = astrid.reveal(&device).await;
        let answer = astrid.step_up(&world, &page, "astrid").await;
        assert_eq!(world.last().await.event.detail, detail, "{age}");
        assert_not_renewed(&world, &mut astrid, &answer, &device).await;
    }
    world.idp.token_claim("auth_time", Some(json!(now)));
    let page = astrid.reveal(&device).await;
    assert_eq!(astrid.step_up(&world, &page, "astrid").await.status, StatusCode::SEE_OTHER);
    assert_eq!(astrid.reveal(&device).await.status, StatusCode::SEE_OTHER);
}

#[actix_web::test]
async fn s15_an_old_proof_at_the_first_sign_in_signs_in_and_reveals_nothing() {
    let world = World::new().await;
    let device = world.astrids_mac().await;
    world.idp.token_claim("auth_time", Some(json!(world.env.now().seconds() - 301)));
    let mut astrid = world.signed_in("astrid").await;
    let page = astrid.reveal(&device).await;
    assert_due(&world, &page).await;
}

#[actix_web::test]
async fn s15_without_auth_time_no_key_unless_the_setting_says_so() {
    let world = World::new().await;
    let device = world.astrids_mac().await;
    world.idp.token_claim("auth_time", None);
    let mut astrid = world.signed_in("astrid").await;
    let answer = astrid.reveal(&device).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.text.contains("does not say when you proved who you are"), "{}", answer.text);
    let row = world.last().await.event;
    assert_eq!((row.kind, row.detail.as_str()), (EventKind::RevealRefused, "no_auth_time"));
    let mut kim = world.signed_in("kim").await;
    assert_eq!(kim.desk_reveal(&device, &[]).await.status, StatusCode::FORBIDDEN);
    assert_eq!((world.count(EventKind::RevealGranted).await, rows(&world, "sign_ins").await), (0, 0));
    assert!(!world.service.rules().config.warnings().iter().any(|w| w.contains("danger_step_up")));

    let world = World::with(|c| c.oidc.danger_step_up = StepUp::Off).await;
    let device = world.astrids_mac().await;
    world.idp.token_claim("auth_time", None);
    let mut astrid = world.signed_in("astrid").await;
    let granted = astrid.reveal(&device).await;
    assert_eq!(astrid.get(granted.location()).await.key().as_deref(), Some(KEY));
    assert!(world.service.rules().config.warnings().iter().any(|w| w.contains("danger_step_up is off")));
}

#[actix_web::test]
async fn s15_an_auth_time_that_goes_missing_at_the_step_up_is_refused() {
    let world = World::new().await;
    let (device, mut astrid) = stale(&world, "astrid").await;
    let page = astrid.reveal(&device).await;
    world.idp.token_claim("auth_time", None);
    let answer = astrid.step_up(&world, &page, "astrid").await;
    assert_not_renewed(&world, &mut astrid, &answer, &device).await;
}

#[actix_web::test]
async fn s16_another_person_of_a_lower_level_ends_the_session_too() {
    let world = World::with(|c| (c.oidc.acr_values, c.oidc.require_acr) = (vec!["phr".into()], true)).await;
    let device = world.astrids_mac().await;
    let mut astrid = world.signed_in("astrid").await;
    let page = astrid.reveal(&device).await;
    // Somebody else, who proved it in a weaker way, and whose userinfo would not answer either.
    world.idp.token_claim("acr", Some(json!("1")));
    let answer = astrid.step_up(&world, &page, "berit").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    assert_eq!(rows(&world, "sessions").await, 0, "the session that asked has ended");
    assert!(!astrid.jar.contains_key(SESSION), "its cookie goes too");
    assert_eq!(world.count(EventKind::SessionEnded).await, 1);
    assert_eq!(astrid.reveal(&device).await.status, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn s15_a_missing_acr_is_a_low_one_whatever_else_is_off() {
    for danger in [StepUp::On, StepUp::Off] {
        let world = World::with(|c| {
            (c.oidc.acr_values, c.oidc.require_acr) = (vec!["phr".into(), "phrh".into()], true);
            c.oidc.danger_step_up = danger;
        })
        .await;
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        for acr in [None, Some(json!("1")), Some(json!("PHR")), Some(json!(""))] {
            let page = astrid.reveal(&device).await;
            let url = assert_due(&world, &page).await;
            assert_eq!(parameter(&url, "acr_values").as_deref(), Some("phr phrh"));
            world.idp.token_claim("acr", acr);
            let answer = astrid.step_up(&world, &page, "astrid").await;
            assert_not_renewed(&world, &mut astrid, &answer, &device).await;
        }
        world.idp.token_claim("acr", Some(json!("phrh")));
        let page = astrid.reveal(&device).await;
        assert_eq!(astrid.step_up(&world, &page, "astrid").await.status, StatusCode::SEE_OTHER);
        let granted = astrid.reveal(&device).await;
        assert_eq!(astrid.get(granted.location()).await.key().as_deref(), Some(KEY), "{danger:?}");
    }
}

#[actix_web::test]
async fn s15_a_step_up_ends_in_the_session_that_began_it() {
    let world = World::new().await;
    let (device, mut astrid) = stale(&world, "astrid").await;
    let page = astrid.reveal(&device).await;
    let back = world.idp.authorize(&link_to_provider(&page, world.idp.issuer()), "astrid");
    // The same person, another browser with its own session; it even has the other's transaction cookie.
    let mut elsewhere = world.signed_in("astrid").await;
    let own = elsewhere.jar[SESSION].clone();
    elsewhere.jar.insert("__Host-keyharbor-signin".into(), astrid.jar["__Host-keyharbor-signin"].clone());
    let answer = elsewhere.get(path_of(&back)).await;
    assert_eq!((answer.status, elsewhere.jar[SESSION].clone()), (StatusCode::BAD_REQUEST, own));
    assert_eq!(world.count(EventKind::StepUp).await, 0);

    // Signed out, and signed in again, meanwhile.
    for again in [false, true] {
        let mut astrid = world.signed_in("astrid").await;
        world.clock.advance_seconds(300);
        let page = astrid.reveal(&device).await;
        if again {
            drop(astrid.sign_in(&world, "astrid").await)
        } else {
            drop(astrid.post("/sign-out", &[]).await)
        }
        let answer = astrid.step_up(&world, &page, "astrid").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(world.count(EventKind::StepUp).await, 0);
        assert_eq!(astrid.jar.contains_key(SESSION), again);
    }
}

#[actix_web::test]
async fn s16_a_step_up_that_comes_back_as_somebody_else_ends_the_session() {
    for world in World::both().await {
        let (device, mut astrid) = stale(&world, "astrid").await;
        let page = astrid.reveal(&device).await;
        let old = astrid.jar[SESSION].clone();
        let answer = astrid.step_up(&world, &page, "berit").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.key().is_none());
        assert!(!answer.text.contains("astrid Test") && !answer.text.contains("berit Test"), "{}", answer.text);
        assert!(!astrid.jar.contains_key(SESSION), "its cookie goes too");
        assert_eq!((rows(&world, "sessions").await, rows(&world, "sign_ins").await), (0, 0));
        astrid.jar.insert(SESSION.into(), old);
        assert_eq!(astrid.get(&format!("/devices/{device}")).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!((world.count(EventKind::RevealGranted).await, world.count(EventKind::StepUp).await), (0, 0));
        let ended = world.trail().await.into_iter().map(|r| r.event).find(|e| e.kind == EventKind::SessionEnded).unwrap();
        assert!(ended.detail.starts_with("step_up_other_person line "));
        assert_eq!(ended.outcome, Outcome::Refused);
        assert_eq!(ended.personal.login.as_deref(), Some("astrid"));
    }
}
