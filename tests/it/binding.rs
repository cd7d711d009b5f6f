//! Logins and the people behind them: S77. A login is bound once to one (issuer, subject); a name that changes at the
//! provider brings nobody another's Macs.

use actix_web::http::StatusCode;
use keyharbor::domain::audit::{Actor, Event, Outcome};
use keyharbor::domain::ids::RowId;
use keyharbor::domain::person::{Binding, Login};
use keyharbor::domain::{Attested, EventKind, Subject};
use keyharbor::service::custody::open_ring;
use keyharbor::store::Engine;
use proptest::prelude::*;
use serde_json::json;

use crate::locks::commit_when_awaited;
use crate::world::{Browser, MAC, World, path_of};

const BERITS: &str = "C02TEST00002";

fn login(text: &str) -> Login {
    Login::parse(text).unwrap()
}

async fn events(world: &World, kind: EventKind) -> Vec<Event> {
    world.trail().await.into_iter().map(|r| r.event).filter(|e| e.kind == kind).collect()
}

/// Signs in afresh; the list of own Macs, and whether each page opens, must agree.
async fn sees(world: &World, who: &str, serials: &[&str]) -> Browser {
    let mut browser = world.browser();
    browser.sign_in(world, who).await;
    assert_sees(world, &mut browser, serials).await;
    browser
}

async fn assert_sees(world: &World, browser: &mut Browser, serials: &[&str]) {
    let list = browser.get("/devices").await;
    assert_eq!(list.status, StatusCode::OK);
    for serial in [MAC, BERITS] {
        let own = serials.contains(&serial);
        assert_eq!(list.text.contains(serial), own, "{serial}");
        let id = world.device_id(serial).await;
        let page = browser.get(&format!("/devices/{id}")).await;
        assert_eq!(page.status, if own { StatusCode::OK } else { StatusCode::NOT_FOUND }, "{serial}");
        if !own {
            assert_eq!(browser.reveal(&id).await.status, StatusCode::NOT_FOUND, "{serial}");
        }
    }
}

async fn two_macs(world: &World) {
    world.own(MAC, "astrid").await;
    world.own(BERITS, "berit").await;
}

async fn assert_conflict(world: &World, count: usize, detail: &str, subject: &str, claimed: &str) {
    let all = events(world, EventKind::LoginConflict).await;
    assert_eq!(all.len(), count);
    let last = all.last().unwrap();
    assert_eq!((last.detail.as_str(), last.outcome), (detail, Outcome::Refused));
    assert_eq!(last.actor, Actor::Person(Subject { issuer: world.idp.issuer().into(), subject: subject.into() }));
    assert_eq!(last.personal.login.as_deref(), Some(claimed));
}

#[actix_web::test]
async fn s77_a_renamed_account_sees_nothing_of_the_colleague_before_or_after_she_signs_in() {
    for world in World::both().await {
        two_macs(&world).await;
        sees(&world, "astrid", &[MAC]).await;
        let bound = events(&world, EventKind::LoginBound).await;
        assert_eq!((bound.len(), bound[0].personal.login.as_deref()), (1, Some("astrid")));

        world.idp.claim("astrid", "preferred_username", json!("berit"));
        sees(&world, "astrid", &[MAC]).await;
        assert_conflict(&world, 1, "second_login", "sub-astrid", "berit").await;
        assert!(world.service.binding_of(&login("berit")).await.unwrap().is_none(), "a second login never binds by itself");

        sees(&world, "berit", &[BERITS]).await;
        assert_eq!(world.service.binding_of(&login("berit")).await.unwrap().unwrap().who.subject, "sub-berit");
        sees(&world, "astrid", &[MAC]).await;
        assert_conflict(&world, 2, "second_login", "sub-astrid", "berit").await;
        sees(&world, "berit", &[BERITS]).await;
        assert_eq!(events(&world, EventKind::LoginBound).await.len(), 2);
    }
}

#[actix_web::test]
async fn s77_another_subject_with_a_bound_login_sees_nothing_and_is_told() {
    for world in World::both().await {
        two_macs(&world).await;
        sees(&world, "astrid", &[MAC]).await;
        world.idp.person("mallory", &[]);
        for name in ["astrid", "ASTRID", "Ａstrid ", "ast\u{ad}rid"] {
            world.idp.claim("mallory", "preferred_username", json!(name));
            let mut mallory = world.browser();
            let answer = mallory.sign_in(&world, "mallory").await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}");
            assert!(answer.text.contains("This login belongs to another account"), "{}", answer.text);
            assert_sees(&world, &mut mallory, &[]).await;
        }
        assert_conflict(&world, 4, "login_of_another", "sub-mallory", "astrid").await;
        assert_eq!(world.service.binding_of(&login("astrid")).await.unwrap().unwrap().who.subject, "sub-astrid");
        assert_eq!(world.sql("UPDATE login_bindings SET id = id").await, 1);
        sees(&world, "astrid", &[MAC]).await;
    }
}

#[actix_web::test]
async fn s77_a_second_login_never_binds_by_itself() {
    let world = World::new().await;
    two_macs(&world).await;
    sees(&world, "astrid", &[MAC]).await;
    // Her new name is nobody's, and a Mac is assigned to it: still nothing but the operator's word joins the two.
    world.own(BERITS, "astrid.new").await;
    world.idp.claim("astrid", "preferred_username", json!("astrid.new"));
    sees(&world, "astrid", &[MAC]).await;
    assert_conflict(&world, 1, "second_login", "sub-astrid", "astrid.new").await;
    assert!(world.service.binding_of(&login("astrid.new")).await.unwrap().is_none());
    // Nor does it when the claim is gone for a while.
    world.idp.claim("astrid", "preferred_username", json!(null));
    sees(&world, "astrid", &[MAC]).await;
}

#[actix_web::test]
async fn s77_variants_fold_to_one_login_and_domains_stay_apart() {
    let world = World::new().await;
    world.own(MAC, "ＡSTRID@Corp.Example").await;
    world.own(BERITS, "astrid@other.example").await;
    world.idp.claim("astrid", "preferred_username", json!(" Astrid@CORP.example"));
    world.idp.claim("berit", "preferred_username", json!("astrid@OTHER.example"));
    sees(&world, "astrid", &[MAC]).await;
    sees(&world, "berit", &[BERITS]).await;
    assert_eq!(world.sql("UPDATE login_bindings SET id = id").await, 2);
    // Written otherwise the next time it is the same login, and no conflict.
    world.idp.claim("astrid", "preferred_username", json!("ａｓｔｒｉｄ@corp.example"));
    sees(&world, "astrid", &[MAC]).await;
    assert_eq!(world.count(EventKind::LoginConflict).await, 0);
    for name in ["astrid", "astrid@corp.example.evil.example", "аstrid@corp.example"] {
        world.idp.person("mallory", &[]);
        world.idp.claim("mallory", "sub", json!(format!("sub of {name}")));
        world.idp.claim("mallory", "preferred_username", json!(name));
        sees(&world, "mallory", &[]).await;
    }
}

#[actix_web::test]
async fn s77_only_a_rebind_changes_a_binding() {
    for world in World::both().await {
        two_macs(&world).await;
        let mut old = sees(&world, "astrid", &[MAC]).await;
        // Her account was made anew: the same login, another subject.
        world.idp.person("again", &[]);
        world.idp.claim("again", "preferred_username", json!("astrid"));
        sees(&world, "again", &[]).await;
        let who = Subject { issuer: world.idp.issuer().into(), subject: "sub-again".into() };
        world.service.rebind(&login("astrid"), who).await.unwrap();
        let row = world.last().await.event;
        assert_eq!((row.kind, row.actor), (EventKind::LoginRebound, Actor::Operator));
        assert_eq!(row.personal.login.as_deref(), Some("astrid"));
        assert!(row.detail.ends_with(" subject sub-again"), "who got it stands in the chain: {}", row.detail);
        assert_eq!(row.serial.as_deref(), Some(MAC), "the last of two rows is about her Mac");
        assert_eq!(world.count(EventKind::LoginRebound).await, 2);
        assert_sees(&world, &mut old, &[]).await;
        sees(&world, "again", &[MAC]).await;
        let mut astrid = world.browser();
        assert_eq!(astrid.sign_in(&world, "astrid").await.status, StatusCode::FORBIDDEN);
        assert_sees(&world, &mut astrid, &[]).await;
        assert_conflict(&world, 2, "login_of_another", "sub-astrid", "astrid").await;
    }
}

#[actix_web::test]
async fn s77_without_an_owner_claim_nobody_owns_by_guess() {
    let world = World::with(|c| c.oidc.owner_claim = None).await;
    two_macs(&world).await;
    for who in ["astrid", "berit", "kim"] {
        sees(&world, who, &[]).await;
    }
    assert_eq!(world.sql("UPDATE login_bindings SET id = id").await, 0);
    let warnings = world.service.rules().config.warnings();
    assert!(warnings.iter().any(|w| w.contains("oidc.owner_claim is not set")), "{warnings:?}");
    assert!(!World::new().await.service.rules().config.warnings().iter().any(|w| w.contains("owner_claim")));
}

#[actix_web::test]
async fn s77_a_person_who_signs_in_twice_at_once_is_in_no_conflict_with_herself() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    two_macs(&world).await;
    let ring = open_ring(&world.fresh.store, &world.root, false).await.unwrap();
    let who = Subject { issuer: world.idp.issuer().into(), subject: "sub-astrid".into() };
    let mut faster = world.fresh.store.write().await.unwrap();
    let binding = Binding { id: RowId::new(&world.env), login: login("astrid"), who, bound_at: world.env.now() };
    assert!(faster.insert_binding(&Attested::sign(binding, &ring)).await.unwrap());
    let mut browser = world.browser();
    let left = browser.get("/sign-in").await;
    let back = world.idp.authorize(left.location(), "astrid");
    let (answer, ()) = tokio::join!(browser.get(path_of(&back)), commit_when_awaited(&world, faster));
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert_sees(&world, &mut browser, &[MAC]).await;
    assert_eq!(world.count(EventKind::LoginConflict).await, 0);
}

proptest! {
    /// A login that is stored folded must read back as itself, or its person could never sign in again.
    #[test]
    fn s77_folding_twice_is_folding_once(text in "\\PC{1,40}") {
        if let Ok(once) = Login::parse(&text) {
            prop_assert_eq!(Login::parse(once.as_str()), Ok(once.clone()));
        }
    }
}
