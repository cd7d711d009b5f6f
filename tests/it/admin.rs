//! Tokens made and revoked in the portal: shown once, made once, never for setting owners, with a fresh proof, on the trail.

use actix_web::http::{Method, StatusCode};
use keyharbor::config::StepUp;
use keyharbor::domain::EventKind;
use keyharbor::domain::audit::{Actor, Event, Outcome};

use crate::dump::{dump, holds};
use crate::world::{Answer, Browser, KEY, MAC, World, token_id};

pub const GOOD: [(&str, &str); 6] =
    [("name", "Jamf Pro"), ("escrow_write", "on"), ("door", "header"), ("trust", "proven"), ("devices", ""), ("expires", "90d")];

/// The value of a field on a page.
pub fn field(page: &Answer, name: &str) -> String {
    let (_, rest) = page.text.split_once(&format!(r#"name="{name}" value=""#)).unwrap_or_else(|| panic!("no {name}: {}", page.text));
    rest.split_once('"').unwrap().0.to_owned()
}

/// The token that a page shows, if any.
pub fn shown_token(page: &Answer) -> Option<String> {
    let (_, rest) = page.text.split_once("data-token>")?;
    Some(rest.split_once('<')?.0.to_owned())
}

/// Fills in the form; later fields replace the good ones.
pub async fn make(browser: &mut Browser, id: &str, more: &[(&str, &str)]) -> Answer {
    let mut fields = vec![("id", id)];
    fields.extend(GOOD.iter().filter(|(name, _)| !more.iter().any(|(n, _)| n == name)));
    fields.extend(more.iter().filter(|(_, value)| *value != "-"));
    browser.post("/admin/tokens", &fields).await
}

async fn fresh_id(browser: &mut Browser) -> String {
    let page = browser.get("/admin/tokens/new").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    field(&page, "id")
}

async fn of_kind(world: &World, kind: EventKind) -> Vec<Event> {
    world.trail().await.into_iter().map(|r| r.event).filter(|e| e.kind == kind).collect()
}

fn by(event: &Event, login: &str) -> bool {
    matches!(&event.actor, Actor::Person(who) if who.subject == format!("sub-{login}"))
}

async fn deposit(world: &World, token: &str) -> StatusCode {
    let body = serde_json::json!({ "serial": MAC, "recovery_key": KEY });
    world.api(Method::POST, "/api/v1/deposits", token, Some(body)).await.status
}

#[actix_web::test]
async fn s58_a_token_is_shown_on_the_answer_that_makes_it_and_nowhere_else() {
    for world in World::both().await {
        let mut ola = world.signed_in("ola").await;
        let id = fresh_id(&mut ola).await;
        let made = make(&mut ola, &id, &[("status_read", "on")]).await;
        assert_eq!((made.status, made.header("cache-control")), (StatusCode::OK, Some("no-store")), "{}", made.text);
        let token = shown_token(&made).unwrap();
        assert_eq!(token_id(&token), id);
        assert_eq!(deposit(&world, &token).await, StatusCode::CREATED);
        let secret = token.rsplit('_').next().unwrap();
        let title = made.text.split_once("<title>").unwrap().1.split_once("</title>").unwrap().0;
        assert!(!title.contains(secret) && !format!("{:?}", made.headers).contains(secret));
        assert!(made.text.split('"').skip(1).step_by(2).all(|attribute| !attribute.contains(secret)), "in no attribute");

        // Asked for again, as a reload does: no second token, and the first is not shown.
        let again = make(&mut ola, &id, &[("status_read", "on")]).await;
        assert_eq!((again.status, again.location()), (StatusCode::SEE_OTHER, "/admin/tokens?done=made-before"));
        for path in
            [again.location(), "/admin/tokens", &format!("/admin/connect/{id}"), &format!("/admin/tokens/{id}/revoke"), "/admin/sources"]
        {
            let page = ola.get(path).await;
            assert!(page.status == StatusCode::OK && page.text.contains(&id) && !page.text.contains(secret), "{path}");
        }
        assert!(!holds(&dump(&world).await, secret.as_bytes()), "stored in the clear");
        let rows = of_kind(&world, EventKind::TokenCreated).await;
        assert_eq!(rows.len(), 1);
        assert!(by(&rows[0], "ola") && rows[0].role == "employee admin" && rows[0].personal.address.is_some());
        assert_eq!(rows[0].detail, format!("{id} header proven escrow:write status:read"));
    }
}

#[actix_web::test]
async fn two_presses_at_once_make_one_token() {
    for world in World::both().await {
        let mut ola = world.signed_in("ola").await;
        let id = fresh_id(&mut ola).await;
        let mut other = world.browser();
        other.jar.clone_from(&ola.jar);
        other.get("/help").await;
        let (a, b) = tokio::join!(make(&mut ola, &id, &[]), make(&mut other, &id, &[]));
        let mut statuses = [a.status, b.status];
        statuses.sort();
        assert_eq!(statuses, [StatusCode::OK, StatusCode::SEE_OTHER]);
        assert_eq!(of_kind(&world, EventKind::TokenCreated).await.len(), 1);
        let (tokens, bad) = world.service.tokens().await.unwrap();
        assert_eq!((tokens.len(), bad), (1, 0));
    }
}

#[actix_web::test]
async fn s40_the_portal_makes_no_token_that_sets_owners() {
    let world = World::new().await;
    let mut ola = world.signed_in("ola").await;
    let page = ola.get("/admin/tokens/new").await;
    assert!(!page.text.contains("owners_write") && !page.text.contains("owners:write"));
    for more in [vec![("owners_write", "on")], vec![("owners_write", "on"), ("escrow_write", "-")]] {
        let id = fresh_id(&mut ola).await;
        let answer = make(&mut ola, &id, &more).await;
        assert_eq!((answer.status, shown_token(&answer)), (StatusCode::UNPROCESSABLE_ENTITY, None));
        let row = world.last().await.event;
        assert_eq!((row.kind, row.outcome, row.detail.as_str()), (EventKind::AccessRefused, Outcome::Refused, "owners_write"));
        assert!(by(&row, "ola"));
    }
    assert!(world.service.tokens().await.unwrap().0.is_empty());
}

#[actix_web::test]
async fn a_form_with_errors_says_which_and_keeps_what_was_written() {
    let world = World::new().await;
    let mut ola = world.signed_in("ola").await;
    let id = fresh_id(&mut ola).await;
    let wrong = [("name", " "), ("escrow_write", "-"), ("devices_read", "on"), ("devices", "C0*2"), ("expires", "9d"), ("trust", "blind")];
    let answer = make(&mut ola, &id, &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    for name in ["name", "trust", "devices", "expires"] {
        assert!(answer.text.contains(&format!("href=\"#{name}\"")) && answer.text.contains(&format!("id=\"{name}-error\"")), "{name}");
    }
    assert!(!answer.text.contains("scopes-error") && answer.text.contains(r#"name="devices_read" value="on" checked"#));
    assert_eq!((field(&answer, "devices"), field(&answer, "id")), ("C0*2".to_owned(), id.clone()));
    assert_eq!(world.last().await.event.detail, "required");
    // What looks like a key is not said again, and does not get into a row.
    for (field, key) in [("name", KEY.to_owned()), ("devices", KEY.to_owned()), ("devices", KEY.replace('-', ""))] {
        let answer = make(&mut ola, &id, &[(field, &key)]).await;
        assert!(answer.status == StatusCode::UNPROCESSABLE_ENTITY && !answer.text.contains(&key), "{field}");
    }
    for strange in ["../../x", "0123456789ABCDEF", ""] {
        assert_eq!(make(&mut ola, strange, &[]).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{strange}");
    }
    assert!(world.service.tokens().await.unwrap().0.is_empty());
    assert!(make(&mut ola, &id, &[]).await.text.contains("data-token"), "the same form, mended");
}

#[actix_web::test]
async fn s15_making_a_token_needs_a_fresh_proof_and_keeps_the_form() {
    for world in World::both().await {
        let mut ola = world.signed_in("ola").await;
        let id = fresh_id(&mut ola).await;
        world.clock.advance_seconds(800);
        ola.get("/admin").await;
        world.clock.advance_seconds(800);
        ola.get("/admin").await;
        world.clock.advance_seconds(199);
        assert!(shown_token(&make(&mut ola, &id, &[]).await).is_some(), "1799 seconds old");
        let id = fresh_id(&mut ola).await;
        world.clock.advance_seconds(1);
        let page = make(&mut ola, &id, &[("name", "Kept across")]).await;
        assert_eq!((page.status, shown_token(&page)), (StatusCode::OK, None), "1800 seconds old");
        assert!(!holds(&dump(&world).await, b"Kept across"), "sealed, not in the clear");
        let back = ola.step_up(&world, &page, "ola").await;
        assert!(back.location().starts_with("/admin/tokens/new?form="), "{}", back.location());
        assert_eq!(of_kind(&world, EventKind::TokenCreated).await.len(), 1, "the callback makes nothing");
        let form = ola.get(back.location()).await;
        assert_eq!((field(&form, "name"), field(&form, "id")), ("Kept across".to_owned(), id.clone()));
        assert_ne!(field(&ola.get(back.location()).await, "name"), "Kept across", "once");
        assert!(shown_token(&make(&mut ola, &id, &[]).await).is_some());
    }
}

#[actix_web::test]
async fn s16_another_person_back_from_an_admins_step_up_ends_the_session() {
    let world = World::new().await;
    let mut ola = world.signed_in("ola").await;
    let id = fresh_id(&mut ola).await;
    for _ in 0..3 {
        world.clock.advance_seconds(800);
        ola.get("/admin").await;
    }
    let page = make(&mut ola, &id, &[]).await;
    assert_eq!(ola.step_up(&world, &page, "eva").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(ola.get("/admin").await.status, StatusCode::UNAUTHORIZED);
    assert!(world.service.tokens().await.unwrap().0.is_empty());
}

#[actix_web::test]
async fn s15_without_auth_time_no_token_is_made_or_revoked_here() {
    for (setting, good) in [(StepUp::On, false), (StepUp::Off, true)] {
        let world = World::with(|c| c.oidc.danger_step_up = setting).await;
        world.idp.token_claim("auth_time", None);
        let mut ola = world.signed_in("ola").await;
        let id = fresh_id(&mut ola).await;
        let answer = make(&mut ola, &id, &[]).await;
        assert_eq!(shown_token(&answer).is_some(), good, "{}", answer.text);
        if !good {
            assert_eq!(answer.status, StatusCode::FORBIDDEN);
            assert_eq!(world.last().await.event.detail, "no_auth_time");
            let token = world
                .token(&[keyharbor::domain::Scope::EscrowWrite], keyharbor::domain::token::Door::Header, keyharbor::domain::Trust::Observed)
                .await;
            let revoked = ola.post(&format!("/admin/tokens/{}/revoke", token_id(&token)), &[]).await;
            assert_eq!(revoked.status, StatusCode::FORBIDDEN);
            assert_eq!(deposit(&world, &token).await, StatusCode::CREATED, "it lives");
        }
    }
}

#[actix_web::test]
async fn s42_a_revoked_token_is_refused_on_every_replica_and_revoking_twice_is_once() {
    for world in World::both().await {
        let mut ola = world.signed_in("ola").await;
        let id = fresh_id(&mut ola).await;
        let token = shown_token(&make(&mut ola, &id, &[]).await).unwrap();
        let path = format!("/admin/tokens/{id}/revoke");
        let asked = ola.get(&path).await;
        assert!(asked.status == StatusCode::OK && asked.text.contains("Jamf Pro"));
        assert_eq!(deposit(&world, &token).await, StatusCode::CREATED, "asking changes nothing");
        for done in ["revoked", "revoked-before"] {
            let answer = ola.post(&path, &[]).await;
            assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, format!("/admin/tokens?done={done}").as_str()));
        }
        let rows = of_kind(&world, EventKind::TokenRevoked).await;
        assert!(rows.len() == 1 && by(&rows[0], "ola") && rows[0].detail == id, "{rows:?}");
        assert_eq!(deposit(&world, &token).await, StatusCode::UNAUTHORIZED);
        let (service, _) = world.replica().await;
        let info = keyharbor::service::RequestInfo::none(&world.env);
        let door = keyharbor::domain::token::Door::Header;
        assert!(service.authenticate_token(Some(&token), door, &info).await.is_err(), "on the second replica");
        for unknown in ["/admin/tokens/0000000000000000/revoke", "/admin/tokens/x/revoke"] {
            assert_eq!(ola.get(unknown).await.status, StatusCode::NOT_FOUND);
            assert_eq!(ola.post(unknown, &[]).await.status, StatusCode::NOT_FOUND);
            let row = world.last().await.event;
            assert_eq!((row.kind, row.detail.as_str()), (EventKind::AccessRefused, "manage_tokens"));
        }
    }
}

#[actix_web::test]
async fn s15_revoking_needs_a_fresh_proof_and_comes_back_to_the_question() {
    let world = World::new().await;
    let mut ola = world.signed_in("ola").await;
    let id = fresh_id(&mut ola).await;
    let token = shown_token(&make(&mut ola, &id, &[]).await).unwrap();
    for _ in 0..3 {
        world.clock.advance_seconds(800);
        ola.get("/admin").await;
    }
    let path = format!("/admin/tokens/{id}/revoke");
    let page = ola.post(&path, &[]).await;
    assert_eq!(page.status, StatusCode::OK);
    let back = ola.step_up(&world, &page, "ola").await;
    assert_eq!((back.status, back.location()), (StatusCode::SEE_OTHER, path.as_str()));
    assert_eq!(deposit(&world, &token).await, StatusCode::CREATED, "the callback revokes nothing");
    assert_eq!(ola.post(&path, &[]).await.location(), "/admin/tokens?done=revoked");
    assert_eq!(deposit(&world, &token).await, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn s39_nobody_but_an_admin_does_or_sees_any_of_it() {
    let world = World::new().await;
    let mut ola = world.signed_in("ola").await;
    let token = shown_token(&{
        let id = fresh_id(&mut ola).await;
        make(&mut ola, &id, &[]).await
    })
    .unwrap();
    let id = token_id(&token);
    for login in ["astrid", "kim", "eva"] {
        let mut browser = world.signed_in(login).await;
        for path in [
            "/admin",
            "/admin/tokens",
            "/admin/tokens/new",
            "/admin/sources",
            "/admin/devices",
            "/admin/sessions",
            "/admin/sign-in",
            "/admin/sign-in/start",
            "/admin/connect",
            &format!("/admin/connect/{id}/status"),
        ] {
            let before = world.trail().await.len();
            let answer = browser.get(path).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{login} {path}");
            let rows = world.trail().await;
            assert!(rows.len() == before + 1 && by(&rows[before].event, login), "{login} {path}");
        }
        assert!(!browser.get("/help").await.text.contains("href=\"/admin\""), "no item in the menu");
        assert_eq!(make(&mut browser, "0123456789abcdef", &[]).await.status, StatusCode::FORBIDDEN);
        assert_eq!(browser.post(&format!("/admin/tokens/{id}/revoke"), &[]).await.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(deposit(&world, &token).await, StatusCode::CREATED);
    assert_eq!(world.service.tokens().await.unwrap().0.len(), 1);
    assert!(ola.get("/help").await.text.contains("href=\"/admin\""));
}
