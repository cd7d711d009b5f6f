//! A grant of the desk is judged again by what its holder may do now: by role, and by whose affair the Mac is.

use actix_web::http::{Method, StatusCode};
use keyharbor::domain::EventKind;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope};
use serde_json::json;

use crate::world::{Browser, KEY, MAC, World};

/// Neither shown nor renewed, and nothing that says it was.
async fn assert_refused(world: &World, kim: &mut Browser, grant: &str, page: StatusCode) {
    let viewed = world.count(EventKind::RevealViewed).await;
    let renewed = kim.post(&format!("{grant}/renew"), &[]).await;
    let seen = kim.get(grant).await;
    for (answer, status) in [(renewed, StatusCode::NOT_FOUND), (seen, page)] {
        assert_eq!((answer.status, answer.key()), (status, None), "{}", answer.text);
        assert!(!answer.text.contains("AAAA"), "{}", answer.text);
    }
    assert_eq!((world.count(EventKind::RevealRenewed).await, world.count(EventKind::RevealViewed).await), (0, viewed));
}

#[actix_web::test]
async fn s32_a_role_that_is_gone_ends_the_grants_it_gave() {
    let world = World::with(|c| c.reveal.step_up_desk_seconds = 60).await;
    let device = world.astrids_mac().await;
    let mut kim = world.signed_in("kim").await;
    let grant = kim.desk_reveal(&device, &[]).await.location().to_owned();
    assert_eq!(kim.get(&grant).await.key().as_deref(), Some(KEY));
    world.clock.advance_seconds(61);
    let page = kim.desk_reveal(&device, &[]).await;
    assert_eq!((page.status, page.key()), (StatusCode::OK, None), "a step-up is due");
    // The same line, still in its five minutes: with the role it would be shown and renewed.
    assert_eq!(kim.get(&grant).await.key().as_deref(), Some(KEY));
    world.idp.claim("kim", "groups", json!([]));
    assert_eq!(kim.step_up(&world, &page, "kim").await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.count(EventKind::StepUp).await, 1);
    assert_refused(&world, &mut kim, &grant, StatusCode::FORBIDDEN).await;
}

#[actix_web::test]
async fn s32_a_mac_that_became_personal_ends_the_desks_grants() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut kim = world.signed_in("kim").await;
        let grant = kim.desk_reveal(&device, &[]).await.location().to_owned();
        assert_eq!(kim.get(&grant).await.key().as_deref(), Some(KEY));
        let writer = world.token(&[Scope::DevicesWrite], Door::Header, Trust::Observed).await;
        let body = json!({ "ownership": "personal" });
        let put = world.api(Method::PUT, &format!("/api/v1/devices/{MAC}"), &writer, Some(body)).await;
        assert_eq!(put.status, StatusCode::OK, "{}", put.text);
        assert_refused(&world, &mut kim, &grant, StatusCode::NOT_FOUND).await;
        assert_eq!(world.count(EventKind::IntegrityFailure).await, 0, "an honest change, not a bent row");
    }
}
