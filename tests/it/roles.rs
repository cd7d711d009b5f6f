//! Which of the provider's roles count at sign-in: exclusive ones, wrong shapes, too many, and "employee" as a group.

use actix_web::http::StatusCode;
use keyharbor::domain::audit::{Event, Outcome};
use keyharbor::domain::{EventKind, Role};
use serde_json::json;

use crate::world::{MAC, World};

async fn only(world: &World, kind: EventKind) -> Event {
    let mut found: Vec<Event> = world.trail().await.into_iter().map(|r| r.event).filter(|e| e.kind == kind).collect();
    assert_eq!(found.len(), 1, "{kind:?}");
    found.remove(0)
}

#[actix_web::test]
async fn s39_exclusive_roles_keep_the_one_that_sees_no_keys_and_leave_a_row() {
    let groups = ["mac-admin", "mac-auditor", "mac-helpdesk"];
    for (held, kept) in [(vec![0, 2], "employee admin"), (vec![1, 2], "employee auditor"), (vec![0, 1, 2], "employee auditor admin")] {
        let world = World::new().await;
        let device = world.astrids_mac().await;
        world.idp.person("per", &held.iter().map(|i| groups[*i]).collect::<Vec<_>>());
        let mut per = world.signed_in("per").await;
        assert_eq!(per.get("/desk").await.status, StatusCode::FORBIDDEN, "{kept}");
        assert_eq!(per.desk_reveal(&device, &[]).await.status, StatusCode::FORBIDDEN, "{kept}");
        let reduced = only(&world, EventKind::RolesReduced).await;
        assert_eq!((reduced.detail.as_str(), reduced.outcome, reduced.role.as_str()), ("helpdesk", Outcome::Refused, kept));
        assert_eq!(only(&world, EventKind::SignIn).await.role, kept);
    }
    let world = World::with(|c| c.sessions.exclusive_roles = vec![]).await;
    world.idp.person("per", &groups);
    assert_eq!(world.signed_in("per").await.get("/desk").await.status, StatusCode::OK, "a setting");
    assert_eq!(world.count(EventKind::RolesReduced).await, 0);
}

#[actix_web::test]
async fn s11_a_claim_of_the_wrong_shape_gives_no_role_and_leaves_a_row_that_says_what_came() {
    for (groups, shape) in [(json!("mac-helpdesk"), "string"), (json!({"mac-helpdesk": 1}), "object"), (json!(7), "number")] {
        let world = World::new().await;
        world.idp.claim("kim", "groups", groups);
        let mut kim = world.signed_in("kim").await;
        assert_eq!(kim.get("/desk").await.status, StatusCode::FORBIDDEN);
        let row = only(&world, EventKind::RolesIgnored).await;
        assert_eq!((row.detail.as_str(), row.outcome, row.role.as_str()), (shape, Outcome::Refused, "employee"));
    }
    let world = World::new().await;
    world.signed_in("kim").await;
    assert_eq!(world.count(EventKind::RolesIgnored).await, 0);
}

#[actix_web::test]
async fn s11_too_many_groups_are_a_page_and_the_person_is_signed_in_without_roles() {
    let world = World::new().await;
    world.own(MAC, "kim").await;
    world.idp.token_claim("groups", None);
    world.idp.token_claim("_claim_names", Some(json!({"groups": "src1"})));
    world.idp.token_claim("_claim_sources", Some(json!({"src1": {"endpoint": format!("{}/evil/groups", world.idp.issuer())}})));
    let mut kim = world.browser();
    let answer = kim.sign_in(&world, "kim").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.text.contains("Your account is in too many groups"), "{}", answer.text);
    assert!(kim.jar.contains_key("__Host-keyharbor"), "the session's cookie came with the page");
    assert!(kim.get("/devices").await.text.contains(MAC));
    assert_eq!(kim.get("/desk").await.status, StatusCode::FORBIDDEN);
    assert_eq!(only(&world, EventKind::RolesIgnored).await.detail, "overage");
    assert_eq!(world.idp.fetches("/evil/groups"), 0);
}

#[actix_web::test]
async fn s11_the_page_of_too_many_groups_does_not_show_who_was_signed_in_before() {
    let world = World::new().await;
    let mut browser = world.signed_in("astrid").await;
    assert!(browser.get("/help").await.text.contains("astrid Test"));
    world.idp.token_claim("groups", None);
    world.idp.token_claim("_claim_names", Some(json!({"groups": "src1"})));
    let answer = browser.sign_in(&world, "kim").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(!answer.text.contains("astrid Test"), "{}", answer.text);
    let page = browser.get("/help").await;
    assert!(page.text.contains("kim Test") && !page.text.contains("astrid Test"));
}

#[actix_web::test]
async fn s39_employee_may_be_a_group_of_its_own() {
    let world = World::with(|c| drop(c.oidc.roles.insert(Role::Employee.code().into(), vec!["staff".into()]))).await;
    let device = world.astrids_mac().await;
    let mut astrid = world.signed_in("astrid").await;
    assert_eq!(astrid.get("/").await.location(), "/help");
    assert_eq!(astrid.get("/devices").await.status, StatusCode::FORBIDDEN);
    assert_eq!(astrid.get(&format!("/devices/{device}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(astrid.reveal(&device).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.signed_in("kim").await.get("/").await.location(), "/desk", "helpdesk alone");

    world.idp.claim("astrid", "groups", json!(["staff"]));
    let mut astrid = world.signed_in("astrid").await;
    assert_eq!(astrid.get("/").await.location(), format!("/devices/{device}"));
    assert_eq!(astrid.reveal(&device).await.status, StatusCode::SEE_OTHER);
}
