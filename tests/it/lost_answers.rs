//! A commit that is done and whose answer is lost: the act is done once, and who asked for it is told so.

use actix_web::http::StatusCode;
use keyharbor::domain::audit::Actor;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::person::Login;
use keyharbor::domain::token::{Door, Scope, Scopes};
use keyharbor::domain::{EventKind, Serial};
use keyharbor::formats::owners::Line;
use keyharbor::service::Keyharbor;
use keyharbor::service::tokens::NewToken;
use keyharbor::store::Engine;

use crate::link::{COMMIT, Link};
use crate::probe::rows;
use crate::races::whole;
use crate::world::{Browser, KEY, MAC, World};

/// A world, a replica of it that is reached by a link, and a browser at that replica.
async fn linked() -> (World, Link, Keyharbor, Browser) {
    let world = World::on(Engine::Postgres, |_| {}).await;
    let link = Link::to(&world.fresh.url).await;
    let (service, app) = world.replica_at(&link.url).await;
    let mut browser = world.browser();
    browser.app = app;
    (world, link, service, browser)
}

#[actix_web::test]
async fn s64_a_reveal_whose_commit_was_not_answered_is_granted_shown_renewed_and_hidden_once() {
    let (world, link, _, mut astrid) = linked().await;
    let device = world.astrids_mac().await;
    assert_eq!(astrid.sign_in(&world, "astrid").await.status, StatusCode::SEE_OTHER);
    astrid.get("/help").await;

    link.cut_after(&[COMMIT]);
    let granted = astrid.reveal(&device).await;
    assert_eq!((granted.status, link.cuts()), (StatusCode::SEE_OTHER, 1), "{}", granted.text);
    assert_eq!((rows(&world, "reveal_grants").await, world.count(EventKind::RevealGranted).await), (1, 1));
    assert_eq!(world.sql("UPDATE quotas SET n = n WHERE n = 1").await, 3, "it was counted once");

    link.cut_after(&[COMMIT]);
    let grant = granted.location().to_owned();
    assert_eq!(astrid.get(&grant).await.key().as_deref(), Some(KEY));
    assert_eq!((link.cuts(), world.count(EventKind::RevealViewed).await), (2, 1));

    link.cut_after(&[COMMIT]);
    let renewed = astrid.post(&format!("{grant}/renew"), &[]).await;
    assert!(renewed.status == StatusCode::SEE_OTHER && renewed.location() != grant, "{}", renewed.text);
    assert_eq!((link.cuts(), rows(&world, "reveal_grants").await, world.count(EventKind::RevealRenewed).await), (3, 2, 1));

    link.cut_after(&[COMMIT]);
    let hidden = astrid.post(&format!("{}/hide", renewed.location()), &[]).await;
    assert_eq!((hidden.status, link.cuts()), (StatusCode::SEE_OTHER, 4), "{}", hidden.text);
    assert_eq!(world.count(EventKind::RevealHidden).await, 1);
    whole(&world).await;
}

#[actix_web::test]
async fn a_sign_in_whose_commit_was_not_answered_is_one_session() {
    let (world, link, _, mut astrid) = linked().await;
    let leave = astrid.get("/sign-in").await;
    let back = world.idp.authorize(leave.location(), "astrid");
    // The first commit takes the open sign-in out, the second makes the session.
    link.cut_after_more(COMMIT, 1);
    let answer = astrid.get(crate::world::path_of(&back)).await;
    assert_eq!((answer.status, link.cuts()), (StatusCode::SEE_OTHER, 1), "{}", answer.text);
    assert_eq!((rows(&world, "sessions").await, world.count(EventKind::SignIn).await), (1, 1));
    assert_eq!(astrid.get("/devices").await.status, StatusCode::OK);
    // One that is begun stays as it was begun.
    link.cut_after(&[COMMIT]);
    assert_eq!(world.browser().get("/sign-in").await.status, StatusCode::SEE_OTHER);
    let mut berit = world.browser();
    berit.app = astrid.app.clone();
    assert_eq!((berit.sign_in(&world, "berit").await.status, link.cuts()), (StatusCode::SEE_OTHER, 2));
    whole(&world).await;
}

#[actix_web::test]
async fn a_token_and_an_owner_whose_commit_was_not_answered_are_made_once() {
    let (world, link, service, _) = linked().await;
    link.cut_after(&[COMMIT]);
    let scopes = Scopes::default().with(Scope::EscrowWrite);
    let new = NewToken { name: "t".into(), scopes, door: Door::Header, device_pattern: None, trust: Trust::Observed, expires_at: None };
    let (_, text) = service.create_token(new, Actor::Operator).await.unwrap();
    assert_eq!((link.cuts(), rows(&world, "api_tokens").await, world.count(EventKind::TokenCreated).await), (1, 1, 1));
    let answer = world
        .api(
            actix_web::http::Method::POST,
            "/api/v1/deposits",
            &text,
            Some(serde_json::json!({ "serial": "C02TEST00002", "recovery_key": KEY })),
        )
        .await;
    assert_eq!(answer.status, StatusCode::CREATED, "the token that was told works");

    link.cut_after(&[COMMIT]);
    let line = Line { number: 2, serial: Serial::parse(MAC).unwrap(), login: Login::parse("astrid").unwrap() };
    let report = service.import_owners(&[line], true, false).await.unwrap();
    assert_eq!((report.set, report.new_devices, report.same), (1, 1, 0), "told as what it was");
    assert_eq!((link.cuts(), rows(&world, "device_owners").await, world.count(EventKind::OwnerSet).await), (2, 1, 1));
    whole(&world).await;
}
