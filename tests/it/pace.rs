//! The limit of a token: told in each answer, kept by the minute, recorded without filling the trail.

use actix_web::http::{Method, StatusCode};
use keyharbor::domain::EventKind;
use keyharbor::domain::audit::Actor;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope};

use crate::world::{KEY, MAC, World};

async fn world() -> World {
    World::with(|c| (c.api.requests_per_minute, c.api.agent_requests_per_minute) = (3, 2)).await
}

#[actix_web::test]
async fn a_token_has_so_many_requests_a_minute_and_is_told() {
    let world = world().await;
    let token = world.token(&[Scope::StatusRead], Door::Header, Trust::Observed).await;
    let other = world.token(&[Scope::StatusRead], Door::Header, Trust::Observed).await;
    let path = format!("/api/v1/devices/{MAC}/escrow-status");
    let ask = async |token: &str| world.api(Method::GET, &path, token, None).await;
    world.clock.advance_seconds(-(world.env.now().seconds().rem_euclid(60)) + 20);
    for left in ["\"token\";r=2;t=40", "\"token\";r=1;t=40", "\"token\";r=0;t=40"] {
        let answer = ask(&token).await;
        assert_eq!((answer.status, answer.header("ratelimit")), (StatusCode::NOT_FOUND, Some(left)), "errors count and tell as well");
        assert_eq!(answer.header("ratelimit-policy"), Some("\"token\";q=3;w=60"));
    }
    for _ in 0..5 {
        let answer = ask(&token).await;
        assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, Some("40")));
        assert_eq!(
            (answer.json()["code"].as_str(), answer.header("content-type")),
            (Some("too_many_requests"), Some("application/problem+json"))
        );
    }
    assert_eq!(ask(&other).await.status, StatusCode::NOT_FOUND, "another token has its own");
    world.clock.advance_seconds(39);
    assert_eq!(ask(&token).await.header("retry-after"), Some("1"));
    world.clock.advance_seconds(1);
    assert_eq!(ask(&token).await.status, StatusCode::NOT_FOUND, "a new minute");
}

#[actix_web::test]
async fn s47_refusals_over_the_limit_are_one_row_and_one_with_their_number() {
    let world = world().await;
    let token = world.token(&[Scope::StatusRead], Door::Header, Trust::Observed).await;
    let id = token.split('_').nth(1).unwrap().to_owned();
    let path = format!("/api/v1/devices/{MAC}/escrow-status");
    for _ in 0..10 {
        world.api(Method::GET, &path, &token, None).await;
    }
    let over = async |kind| -> Vec<String> {
        let rows = world.trail().await.into_iter().filter(|r| r.event.kind == kind && r.event.detail.starts_with("rate_limit"));
        rows.map(|r| {
            assert_eq!(r.event.actor, Actor::Token(id.clone()));
            r.event.detail
        })
        .collect()
    };
    assert_eq!(over(EventKind::AccessRefused).await, ["rate_limit 3"]);
    world.service.sweep_throttle().await;
    assert!(over(EventKind::RefusedSummary).await.is_empty(), "the minute runs");
    world.clock.advance_seconds(60);
    world.service.sweep_throttle().await;
    assert_eq!(over(EventKind::RefusedSummary).await, ["rate_limit 3, 6 more refusals"]);
    world.service.sweep_throttle().await;
    assert_eq!(over(EventKind::RefusedSummary).await.len(), 1);
    for _ in 0..6 {
        world.api(Method::GET, &path, &token, None).await;
    }
    world.clock.advance_seconds(60);
    world.api(Method::GET, &path, &token, None).await;
    assert_eq!(over(EventKind::RefusedSummary).await, ["rate_limit 3, 6 more refusals", "rate_limit 3, 2 more refusals"]);
    world.service.finish_throttle().await;
    assert_eq!(over(EventKind::AccessRefused).await.len(), 2);
}

#[actix_web::test]
async fn an_agent_over_its_limit_is_told_in_plain_words_and_loses_nothing() {
    let world = world().await;
    let token = world.token(&[Scope::EscrowWrite], Door::CryptPath, Trust::Observed).await;
    for status in [200, 200, 429] {
        let answer = world.check_in(&token, MAC, KEY).await;
        assert_eq!(answer.status.as_u16(), status);
        if status == 429 {
            assert!(answer.header("content-type").unwrap().starts_with("text/plain") && answer.header("retry-after").is_some());
            assert!(answer.header("ratelimit").is_none() && !answer.text.contains('{'), "only 200 is JSON: {}", answer.text);
        }
    }
    world.clock.advance_seconds(60);
    assert_eq!(world.check_in(&token, MAC, KEY).await.status, StatusCode::OK, "the next try is taken");
}

#[actix_web::test]
async fn without_a_limit_nothing_is_counted_or_told() {
    let world = World::with(|c| c.api.requests_per_minute = 0).await;
    let token = world.token(&[Scope::DevicesRead], Door::Header, Trust::Observed).await;
    for _ in 0..5 {
        let answer = world.api(Method::GET, "/api/v1/devices", &token, None).await;
        assert!(answer.status == StatusCode::OK && answer.header("ratelimit").is_none() && answer.header("ratelimit-policy").is_none());
    }
}

#[actix_web::test]
async fn who_is_no_token_is_counted_for_nobody() {
    let world = world().await;
    for _ in 0..6 {
        let answer = world.api(Method::GET, "/api/v1/devices", "kh_nobody", None).await;
        assert!(answer.status == StatusCode::UNAUTHORIZED && answer.header("ratelimit").is_none());
    }
}
