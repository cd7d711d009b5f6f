//! The main job, once through, on both engines: sign in, hand a key in, show it, renew, hide, prove the trail; and small
//! promises of the pages beside it.

use actix_web::http::StatusCode;
use keyharbor::domain::EventKind;
use keyharbor::domain::escrow::Trust;
use keyharbor::service::trail::{Verdict, verify};

use crate::world::{KEY, MAC, World};

#[actix_web::test]
async fn the_main_job_on_both_engines() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        let start = astrid.get("/").await;
        assert_eq!(start.location(), format!("/devices/{device}"));
        assert!(astrid.get("/devices").await.text.contains(MAC));
        let granted = astrid.reveal(&device).await;
        assert_eq!(granted.status, StatusCode::SEE_OTHER, "{}", granted.text);
        let grant = granted.location().to_owned();
        let page = astrid.get(&grant).await;
        assert_eq!(page.key().as_deref(), Some(KEY));
        let renewed = astrid.post(&format!("{grant}/renew"), &[]).await.location().to_owned();
        assert_ne!(renewed, grant);
        assert_eq!(astrid.get(&renewed).await.key().as_deref(), Some(KEY));
        assert_eq!(astrid.post(&format!("{renewed}/hide"), &[]).await.location(), renewed);
        assert_eq!(astrid.get(&renewed).await.key(), None);
        assert_eq!(astrid.get(&grant).await.key(), None, "hiding ends the grants before it too");

        let mut kim = world.signed_in("kim").await;
        assert!(kim.get(&format!("/desk?q={MAC}")).await.text.contains(&device));
        let shown = kim.desk_reveal(&device, &[]).await;
        assert_eq!(shown.status, StatusCode::SEE_OTHER, "{}", shown.text);
        assert_eq!(kim.get(shown.location()).await.key().as_deref(), Some(KEY));
        assert!(astrid.get(&format!("/devices/{device}")).await.text.contains("kim"), "the owner sees who has seen the key");

        assert_eq!(world.deposit(MAC, KEY, Trust::Observed).await.json()["status"], "same");
        let mut eva = world.signed_in("eva").await;
        assert_eq!(eva.get("/trail").await.status, StatusCode::OK);
        assert_eq!(world.count(EventKind::RevealGranted).await, 2);
        let ring = keyharbor::service::custody::open_ring(&world.fresh.store, &world.root, false).await.unwrap();
        assert!(matches!(verify(&world.fresh.store, &ring, None).await.unwrap(), Verdict::Whole { .. }));
    }
}

#[actix_web::test]
async fn hiding_an_older_grant_ends_what_renewed_it() {
    let world = World::new().await;
    let device = world.astrids_mac().await;
    let mut astrid = world.signed_in("astrid").await;
    let grant = astrid.reveal(&device).await.location().to_owned();
    let renewed = astrid.post(&format!("{grant}/renew"), &[]).await.location().to_owned();
    astrid.post(&format!("{grant}/hide"), &[]).await;
    assert_eq!(astrid.get(&renewed).await.key(), None);
}

#[actix_web::test]
async fn a_key_pasted_into_the_search_box_leaves_the_address() {
    let world = World::new().await;
    let mut kim = world.signed_in("kim").await;
    let answer = kim.get(&format!("/desk?q={KEY}")).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/desk?refused=key"));
    let told = kim.get(answer.location()).await;
    assert!(told.text.contains("This looked like a recovery key") && !told.text.contains("AAAA"), "{}", told.text);
}

#[actix_web::test]
async fn a_browser_in_another_language_gets_the_portals_own() {
    let world = World::with(|c| c.portal.default_language = "sv".into()).await;
    let mut browser = world.browser();
    browser.headers = vec![("accept-language".into(), "de-DE,de;q=0.9".into())];
    assert!(browser.get("/").await.text.contains(r#"<html lang="sv""#));
    browser.headers = vec![("accept-language".into(), "de, en;q=0.5".into())];
    assert!(browser.get("/").await.text.contains(r#"<html lang="en""#));
}

#[actix_web::test]
async fn status_and_help_answer_while_the_database_is_away() {
    let world = World::new().await;
    let mut astrid = world.signed_in("astrid").await;
    world.fresh.store.close().await;
    for path in ["/status", "/help", "/help/sign-in", "/help/not-listed"] {
        assert_eq!(astrid.get(path).await.status, StatusCode::OK, "{path}");
    }
    assert_eq!(astrid.get("/devices").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[actix_web::test]
async fn a_large_batch_goes_in_parts_and_every_item_has_its_answer() {
    let world = World::new().await;
    let token = world.token(&[keyharbor::domain::token::Scope::EscrowWrite], keyharbor::domain::token::Door::Header, Trust::Observed).await;
    let items: Vec<_> = (0..250).map(|n| serde_json::json!({ "serial": format!("C02BULK{n:05}"), "recovery_key": KEY })).collect();
    let answer = world.api(actix_web::http::Method::POST, "/api/v1/deposits", &token, Some(items.into())).await;
    let results = answer.json()["results"].as_array().unwrap().clone();
    assert_eq!(results.len(), 250);
    for (n, result) in results.iter().enumerate() {
        assert_eq!((result["serial"].as_str(), result["status"].as_str()), (Some(format!("C02BULK{n:05}").as_str()), Some("new")));
    }
}
