//! A logout token that comes while a sign-in or a step-up is open: the provider's answer to that may be of before, so it makes
//! no session. S17, and its part of S42.

use actix_web::http::StatusCode;
use keyharbor::domain::{EventKind, Subject};
use keyharbor::store::Engine;
use serde_json::json;

use crate::logout::{post, row};
use crate::races::{aside, until_it_waits, whole};
use crate::world::{World, link_to_provider, path_of};

#[actix_web::test]
async fn s17_s42_a_sign_in_that_was_open_when_the_person_was_signed_out_makes_no_session() {
    for world in World::both().await {
        let (_, other) = world.replica().await;
        for left_out in ["", "sub", "sid"] {
            let (mut astrid, mut berit) = (world.browser(), world.browser());
            let back = world.idp.authorize(astrid.get("/sign-in").await.location(), "astrid");
            let beside = world.idp.authorize(berit.get("/sign-in").await.location(), "berit");
            world.clock.advance_seconds(1);
            // The provider has answered, and that answer is still under way.
            let token = world.idp.logout_token("astrid", |claims, _| drop(claims.remove(left_out)));
            assert_eq!(post(&other, &token).await.status, StatusCode::OK);
            let answer = astrid.get(path_of(&back)).await;
            assert_eq!((answer.status, answer.text.contains("<h1>")), (StatusCode::BAD_REQUEST, true), "without {left_out:?}");
            let row = world.last().await.event;
            assert_eq!((row.kind, row.detail.as_str()), (EventKind::SignInFailed, "signed_out"));
            assert_eq!(astrid.get("/devices").await.status, StatusCode::UNAUTHORIZED);
            assert_eq!(berit.get(path_of(&beside)).await.status, StatusCode::SEE_OTHER, "nobody else's sign-in fails");
            world.clock.advance_seconds(60);
            assert_eq!(astrid.sign_in(&world, "astrid").await.status, StatusCode::SEE_OTHER, "one that begins now has its session");
            assert_eq!(astrid.get("/devices").await.status, StatusCode::OK);
        }
        let mut astrid = world.browser();
        let back = world.idp.authorize(astrid.get("/sign-in").await.location(), "astrid");
        let token = world.idp.logout_token("astrid", |claims, _| drop(claims.insert("sid".into(), json!("another"))));
        assert_eq!(post(&world.app, &token).await.status, StatusCode::OK);
        assert_eq!(astrid.get(path_of(&back)).await.status, StatusCode::SEE_OTHER, "another session of the same person ended");
        whole(&world).await;
    }
}

#[actix_web::test]
async fn s17_s42_a_step_up_that_was_open_renews_nothing() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        world.clock.advance_seconds(300);
        let page = astrid.reveal(&device).await;
        // The provider began a session of its own anew, and ended it.
        world.idp.claim("astrid", "sid", json!("second"));
        let back = world.idp.authorize(&link_to_provider(&page, world.idp.issuer()), "astrid");
        let token = world.idp.logout_token("astrid", |claims, _| drop(claims.insert("sid".into(), json!("second"))));
        assert_eq!(post(&world.app, &token).await.status, StatusCode::OK);
        assert_eq!(astrid.get(path_of(&back)).await.status, StatusCode::BAD_REQUEST);
        let row = world.last().await.event;
        assert_eq!((row.kind, row.detail.as_str()), (EventKind::SignInFailed, "signed_out"), "as of a sign-in");
        assert_eq!((world.count(EventKind::StepUp).await, astrid.reveal(&device).await.key()), (0, None));
        assert_eq!(world.count(EventKind::RevealGranted).await, 0);
    }
}

#[actix_web::test]
async fn s17_a_sign_in_and_a_logout_token_at_once_wait_for_each_other() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    let mut astrid = world.browser();
    let back = world.idp.authorize(astrid.get("/sign-in").await.location(), "astrid");
    let mut held = world.fresh.store.write().await.unwrap();
    assert!(held.insert_logout(&row(&world, "held", None, Some("sub-astrid"))).await.unwrap());
    let signing = aside(async move { astrid.get(path_of(&back)).await });
    until_it_waits(&world, &signing).await;
    held.commit_unrecorded().await.unwrap();
    assert_eq!(signing.await.unwrap().status, StatusCode::BAD_REQUEST, "it sees the token that was obeyed first");
    // The other way round: what a sign-in has not seen by now will see its session.
    world.clock.advance_seconds(1);
    let who = Subject { issuer: world.idp.issuer().to_owned(), subject: "sub-astrid".to_owned() };
    let mut held = world.fresh.store.write().await.unwrap();
    assert!(!held.signed_out_since(&who, None, world.env.now()).await.unwrap());
    let (app, token) = (world.app.clone(), world.idp.logout_token("astrid", |_, _| {}));
    let obeying = aside(async move { post(&app, &token).await });
    until_it_waits(&world, &obeying).await;
    assert!(!obeying.is_finished(), "it waits");
    held.commit_unrecorded().await.unwrap();
    assert_eq!(obeying.await.unwrap().status, StatusCode::OK);
}
