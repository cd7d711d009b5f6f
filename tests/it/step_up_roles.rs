//! What else a step-up brings from the provider: roles only go, the provider's own session may be another, and a session
//! that ended meanwhile stays ended. And where the form waits.

use actix_web::http::StatusCode;
use keyharbor::crypto::Purpose;
use keyharbor::domain::{Attested, EventKind};
use keyharbor::service::custody::open_ring;
use keyharbor::store::Engine;
use serde_json::json;

use crate::dump::{dump, holds};
use crate::locks::commit_when_awaited;
use crate::world::{World, link_to_provider, path_of};

#[actix_web::test]
async fn s15_a_role_that_the_provider_took_away_is_gone_at_the_step_up() {
    let world = World::new().await;
    let device = world.astrids_mac().await;
    let mut kim = world.signed_in("kim").await;
    for _ in 0..3 {
        world.clock.advance_seconds(800);
        assert_eq!(kim.get("/desk").await.status, StatusCode::OK);
    }
    let page = kim.desk_reveal(&device, &[]).await;
    world.idp.claim("kim", "groups", json!([]));
    assert_eq!(kim.step_up(&world, &page, "kim").await.status, StatusCode::SEE_OTHER);
    assert_eq!(kim.get("/desk").await.status, StatusCode::FORBIDDEN);
    assert_eq!(kim.desk_reveal(&device, &[]).await.status, StatusCode::FORBIDDEN);
    let reduced = world.trail().await.into_iter().map(|r| r.event).find(|e| e.kind == EventKind::RolesReduced).unwrap();
    assert_eq!(reduced.detail, "helpdesk");
    assert_eq!(world.count(EventKind::RevealGranted).await, 0);
}

#[actix_web::test]
async fn s15_nobody_gains_a_role_by_a_step_up() {
    let world = World::new().await;
    let device = world.astrids_mac().await;
    let mut astrid = world.signed_in("astrid").await;
    world.clock.advance_seconds(300);
    let page = astrid.reveal(&device).await;
    world.idp.claim("astrid", "groups", json!(["mac-helpdesk", "mac-admin", "mac-auditor"]));
    assert_eq!(astrid.step_up(&world, &page, "astrid").await.status, StatusCode::SEE_OTHER);
    assert_eq!(astrid.get("/desk").await.status, StatusCode::FORBIDDEN);
    assert_eq!(astrid.get("/trail").await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.count(EventKind::RolesReduced).await, 0);
    assert_eq!(astrid.reveal(&device).await.status, StatusCode::SEE_OTHER);
}

#[actix_web::test]
async fn s15_the_providers_new_session_is_the_one_a_logout_will_name() {
    let world = World::new().await;
    let device = world.astrids_mac().await;
    let mut astrid = world.signed_in("astrid").await;
    let with = async |sid: &str| world.sql(&format!("UPDATE sessions SET sid = sid WHERE sid = '{sid}'")).await;
    assert_eq!(with("sid-astrid").await, 1);
    for (claim, kept) in [(json!("sid-2"), "sid-2"), (json!(null), "sid-2")] {
        world.clock.advance_seconds(300);
        let page = astrid.reveal(&device).await;
        world.idp.claim("astrid", "sid", claim);
        assert_eq!(astrid.step_up(&world, &page, "astrid").await.status, StatusCode::SEE_OTHER);
        assert_eq!(with(kept).await, 1);
    }
}

#[actix_web::test]
async fn s52_a_session_that_moves_while_it_is_renewed_is_read_again() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    let device = world.astrids_mac().await;
    let mut astrid = world.signed_in("astrid").await;
    world.clock.advance_seconds(300);
    let page = astrid.reveal(&device).await;
    let back = world.idp.authorize(&link_to_provider(&page, world.idp.issuer()), "astrid");
    // Another replica writes the same row, and is faster by a moment.
    let ring = open_ring(&world.fresh.store, &world.root, false).await.unwrap();
    let hash = ring.token_hash(Purpose::Session, astrid.jar["__Host-keyharbor"].as_bytes());
    let mut other = world.fresh.store.write().await.unwrap();
    let row = other.session_by_hash(&hash).await.unwrap().unwrap();
    let old_mac = row.mac().to_vec();
    let mut moved = row.check(&ring).unwrap();
    moved.sid = Some("moved".into());
    assert!(other.replace_session(moved.id, &old_mac, &Attested::sign(moved, &ring)).await.unwrap());
    world.idp.claim("astrid", "sid", json!(null));
    let (answer, ()) = tokio::join!(astrid.get(path_of(&back)), commit_when_awaited(&world, other));
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert_eq!(world.sql("UPDATE sessions SET sid = sid WHERE sid = 'moved'").await, 1, "no change is lost");
    assert_eq!(astrid.reveal(&device).await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.count(EventKind::IntegrityFailure).await, 0);
}

#[actix_web::test]
async fn s16_a_session_that_ended_while_the_provider_was_asked_is_not_renewed() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        world.clock.advance_seconds(300);
        let page = astrid.reveal(&device).await;
        let back = world.idp.authorize(&link_to_provider(&page, world.idp.issuer()), "astrid");
        assert_eq!(world.sql("DELETE FROM sessions").await, 1);
        let answer = astrid.get(path_of(&back)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(world.sql("DELETE FROM sessions").await, 0);
        assert_eq!(world.count(EventKind::StepUp).await, 0);
    }
}

#[actix_web::test]
async fn s15_the_form_waits_sealed() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut kim = world.signed_in("kim").await;
        for _ in 0..3 {
            world.clock.advance_seconds(800);
            kim.get("/desk").await;
        }
        let typed = [("reason_text", "zebra crossing"), ("identity", "knows the giraffe")];
        let words = ["zebra crossing", "knows the giraffe"].map(str::as_bytes);
        let page = kim.desk_reveal(&device, &typed).await;
        assert_eq!(world.sql("UPDATE sign_ins SET id = id").await, 1);
        let first = dump(&world).await;
        let back = kim.step_up(&world, &page, "kim").await;
        assert_eq!(world.sql("UPDATE sign_ins SET id = id").await, 1);
        let second = dump(&world).await;
        for word in words {
            assert!(!holds(&first, word) && !holds(&second, word), "sealed while it waits");
        }
        assert!(kim.get(back.location()).await.text.contains("zebra crossing"));
        assert_eq!(world.sql("UPDATE sign_ins SET id = id").await, 0);
        assert_eq!(kim.desk_reveal(&device, &typed).await.status, StatusCode::SEE_OTHER);
        let revealed = dump(&world).await;
        for word in words {
            assert!(holds(&revealed, word), "the trail has it after the reveal, or this looks in vain");
        }
    }
}
