//! The test sign-in: what it says of what came, and that it changes nothing.

use actix_web::http::StatusCode;
use keyharbor::config::Config;
use keyharbor::domain::EventKind;
use keyharbor::domain::audit::Outcome;
use serde_json::json;

use crate::dump::{dump, holds};
use crate::idp::Idp;
use crate::world::{Answer, Browser, World, path_of};

const SESSION: &str = "__Host-keyharbor";

/// To the provider as that person, and back to the page.
async fn try_out(world: &World, browser: &mut Browser, login: &str) -> (Answer, String) {
    let leave = browser.get("/admin/sign-in/start").await;
    assert_eq!(leave.status, StatusCode::SEE_OTHER, "{}", leave.text);
    let back = world.idp.authorize(leave.location(), login);
    let answer = browser.get(path_of(&back)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let to = answer.location().to_owned();
    assert!(to.starts_with("/admin/sign-in?report="), "{to}");
    (browser.get(&to).await, to)
}

async fn report(setting: impl FnOnce(&mut Config), provider: impl FnOnce(&Idp)) -> (World, Answer) {
    let world = World::with(setting).await;
    let mut ola = world.signed_in("ola").await;
    provider(&world.idp);
    let (page, _) = try_out(&world, &mut ola, "ola").await;
    (world, page)
}

#[actix_web::test]
async fn it_says_what_came_once_and_to_nobody_else() {
    for world in World::both().await {
        let mut ola = world.signed_in("ola").await;
        let (page, to) = try_out(&world, &mut ola, "ola").await;
        for text in ["auth_time came", "The login came: ola", "Administrator, by mac-admin", "list of texts (1)", "preferred_username"] {
            assert!(page.text.contains(text), "{text}: {}", page.text);
        }
        let row = world.last().await.event;
        assert_eq!((row.kind, row.outcome, row.detail.as_str()), (EventKind::SignInTested, Outcome::Ok, ""));
        let again = ola.get(&to).await;
        assert!(again.text.contains("was shown before") && !again.text.contains("Administrator, by"), "once");
        let (_, to) = {
            let leave = ola.get("/admin/sign-in/start").await;
            let back = world.idp.authorize(leave.location(), "ola");
            ((), ola.get(path_of(&back)).await.location().to_owned())
        };
        let mut second = world.signed_in("ola").await;
        assert!(!second.get(&to).await.text.contains("Administrator, by"), "another session line");
        assert!(!ola.get(&to).await.text.contains("Administrator, by"), "and it is gone then");
    }
}

#[actix_web::test]
async fn it_changes_neither_session_nor_roles_nor_bindings_and_keeps_no_token() {
    for world in World::both().await {
        let mut ola = world.signed_in("ola").await;
        let cookie = ola.jar[SESSION].clone();
        let sessions = async || {
            world.fresh.store.read().await.unwrap().sessions().await.unwrap().iter().map(|s| s.parts().0.clone()).collect::<Vec<_>>()
        };
        let before = sessions().await;
        // Another account, which never signed in, with other groups.
        let issued = world.idp.issued().len();
        let (page, _) = try_out(&world, &mut ola, "kim").await;
        assert!(page.text.contains("another account") && page.text.contains("Helpdesk, by mac-helpdesk"), "{}", page.text);
        assert_eq!((ola.jar[SESSION].clone(), sessions().await), (cookie, before));
        let mut tx = world.fresh.store.read().await.unwrap();
        let kim = keyharbor::domain::person::Login::parse("kim").unwrap();
        assert!(tx.binding_by_login(world.idp.issuer(), &kim).await.unwrap().is_none(), "nobody is bound");
        drop(tx);
        assert_eq!(ola.get("/admin").await.status, StatusCode::OK);
        assert_eq!(ola.get("/desk").await.status, StatusCode::FORBIDDEN, "no role is gained");
        let bytes = dump(&world).await;
        let tokens = world.idp.issued().split_off(issued);
        assert!(!tokens.is_empty());
        for token in tokens {
            assert!(!page.text.contains(&token) && !holds(&bytes, token.as_bytes()));
        }
        assert!(!page.text.contains("sub-kim"), "values stay unsaid, but those of the settings");
        for kind in [EventKind::SignIn, EventKind::SessionEnded, EventKind::LoginBound, EventKind::StepUp] {
            let of_kim =
                world.trail().await.into_iter().filter(|r| r.event.kind == kind && r.event.personal.login.as_deref() == Some("kim"));
            assert_eq!(of_kim.count(), 0, "{kind:?}");
        }
    }
}

#[actix_web::test]
async fn each_thing_that_is_missing_is_said_with_what_it_breaks() {
    let none = |_: &mut Config| {};
    let (world, page) = report(none, |idp| idp.token_claim("auth_time", None)).await;
    assert!(page.text.contains("Without auth_time nobody can show a key"), "{}", page.text);
    assert_eq!(world.last().await.event.detail, "auth-time-missing");
    let old = |idp: &Idp| idp.token_claim("auth_time", Some(json!(1_700_000_000)));
    assert!(report(none, old).await.1.text.contains("the provider did not ask again"));
    let (_, page) = report(none, |idp| idp.claim("ola", "groups", json!("mac-admin"))).await;
    assert!(page.text.contains("groups is no list of texts") && page.text.contains("even of one group"));
    let (_, page) = report(|c| c.oidc.owner_claim = Some("upn".into()), |idp| idp.claim("ola", "upn", json!(["ola"]))).await;
    assert!(page.text.contains("no text that can be a login"));
    let (_, page) = report(|c| c.oidc.owner_claim = None, |_| {}).await;
    assert!(page.text.contains("Set oidc.owner_claim"));
    let (_, page) = report(|c| c.oidc.owner_claim = Some("upn".into()), |_| {}).await;
    assert!(page.text.contains("The claim upn did not come"));
    let overage = |idp: &Idp| {
        idp.token_claim("groups", None);
        idp.token_claim("_claim_names", Some(json!({"groups": "src1"})));
    };
    assert!(report(none, overage).await.1.text.contains("There are too many groups"));
    let strong = |c: &mut Config| (c.oidc.acr_values, c.oidc.require_acr) = (vec!["phr".into()], true);
    let (_, page) = report(strong, |idp| idp.token_claim("acr", None)).await;
    assert!(page.text.contains("acr did not come as any of: phr"));
}

#[actix_web::test]
async fn a_test_that_fails_is_a_page_and_the_session_lives() {
    let refused = |idp: &Idp| idp.set(|b| b.error = Some(("access_denied".into(), "secret words".into())));
    let (world, page) = report(|_| {}, refused).await;
    assert!(page.text.contains("The provider said no: access_denied") && !page.text.contains("secret words"), "{}", page.text);
    let row = world.last().await.event;
    assert_eq!((row.kind, row.outcome, row.detail.as_str()), (EventKind::SignInTested, Outcome::Failed, "provider_said_no"));
    let (_, page) = report(|_| {}, |idp| idp.token_claim("aud", Some(json!("somebody")))).await;
    assert!(page.text.contains("The ID token was refused: aud"));
}

#[actix_web::test]
async fn a_test_that_comes_back_elsewhere_is_nobodys() {
    let world = World::new().await;
    let mut ola = world.signed_in("ola").await;
    let leave = ola.get("/admin/sign-in/start").await;
    let back = world.idp.authorize(leave.location(), "ola");
    // Another signed-in person with the same transaction cookie: not the session line that asked.
    let mut astrid = world.signed_in("astrid").await;
    astrid.jar.insert("__Host-keyharbor-signin".into(), ola.jar["__Host-keyharbor-signin"].clone());
    assert_eq!(astrid.get(path_of(&back)).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(ola.get(path_of(&back)).await.status, StatusCode::BAD_REQUEST, "and it is used");
    assert_eq!(world.count(EventKind::SignInTested).await, 0);
    assert_eq!(ola.get("/admin").await.status, StatusCode::OK);
}
