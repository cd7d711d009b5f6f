//! Where the ways back lead: from a form that was refused, from a choice of language, from a sign-in.

use actix_web::http::StatusCode;

use crate::sweep::Scene;
use crate::world::{Answer, KEY, World, path_of};

/// Where the page's link to itself in another language comes back to.
fn language_returns(page: &Answer) -> String {
    let (_, rest) = page.text.split_once("/language/sv?return_to=").unwrap_or_else(|| panic!("no other language: {}", page.text));
    let coded = rest.split_once('"').unwrap().0;
    url::form_urlencoded::parse(format!("x={coded}").as_bytes()).next().unwrap().1.into_owned()
}

#[actix_web::test]
async fn a_desk_form_that_is_too_old_leads_back_to_the_device_at_the_desk() {
    let world = World::new().await;
    let device = world.astrids_mac().await;
    let page = format!("/desk/devices/{device}");
    let mut kim = world.signed_in("kim").await;
    let old = kim.get(&page).await.csrf().unwrap();
    // Signed in anew in another tab: the token is the earlier session's.
    kim.sign_in(&world, "kim").await;
    let body = format!("csrf={old}&ticket=INC001&reason=forgot_password&reason_text=&identity=called+back&version=&q=");
    let refused = kim.post_raw(&format!("{page}/reveal"), body.clone()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.text.contains(&format!(r#"href="{page}">Open the page again<"#)), "{}", refused.text);
    assert_eq!(language_returns(&refused), page);
    // The session is over: by way of a sign-in.
    kim.jar.remove("__Host-keyharbor");
    let over = kim.post_raw(&format!("{page}/reveal"), body).await;
    assert_eq!(over.status, StatusCode::UNAUTHORIZED);
    let link = format!("/sign-in?return_to=%2Fdesk%2Fdevices%2F{device}");
    assert!(over.text.contains(&format!(r#"href="{link}""#)), "{}", over.text);
    let left = kim.get(&link).await;
    let back = kim.get(path_of(&world.idp.authorize(left.location(), "kim"))).await;
    assert_eq!(back.location(), page);
    // An address that is no device's is not repeated.
    for odd in [KEY, "x", "../../etc"] {
        let answer = kim.post_raw(&format!("/desk/devices/{odd}/reveal"), "csrf=x".into()).await;
        assert!(!answer.text.contains(&format!("devices/{odd}")), "{odd}: {}", answer.text);
    }
}

#[actix_web::test]
async fn a_page_that_answers_a_form_comes_back_in_another_language_at_an_address_that_exists() {
    let mut scene = Scene::of(World::with(|c| (c.reveal.step_up_owner_seconds, c.reveal.step_up_desk_seconds) = (30, 60)).await).await;
    let (own, desk) = (format!("/devices/{}", scene.device), format!("/desk/devices/{}", scene.device));
    let wrong = scene.kim.desk_reveal(&scene.device, &[("identity", "")]).await;
    let unnamed = scene.ola.post("/admin/tokens", &[("id", "0123456789abcdef"), ("name", "")]).await;
    assert_eq!([wrong.status, unnamed.status], [StatusCode::UNPROCESSABLE_ENTITY; 2]);
    scene.world.clock.advance_seconds(60);
    let (step, desk_step) = (scene.astrid.reveal(&scene.device).await, scene.kim.desk_reveal(&scene.device, &[]).await);
    assert!(step.text.contains("Confirm it’s you") && desk_step.text.contains("Confirm it’s you"));
    let renewed = scene.astrid.post_raw(&format!("/reveals/{}/renew", scene.grant), "csrf=old".into()).await;
    let gone = scene.kim.get(&format!("/reveals/{}", scene.grant)).await;
    let by_address = scene.astrid.get(&format!("{own}/reveal")).await;
    assert_eq!(by_address.status, StatusCode::METHOD_NOT_ALLOWED);
    let grant = format!("/reveals/{}", scene.grant);
    let pages = [
        (wrong, desk.as_str()),
        (unnamed, "/admin/tokens/new"),
        (step, own.as_str()),
        (desk_step, desk.as_str()),
        (renewed, grant.as_str()),
        // Not there, or not his: one page for both, which names no address.
        (gone, "/"),
        (by_address, own.as_str()),
    ];
    for (page, to) in pages {
        assert_eq!(language_returns(&page), to);
    }
    // A query that may be no way back leaves the page.
    assert_eq!(language_returns(&scene.kim.get("/desk?q=%C3%85sa").await), "/desk");
    assert_eq!(language_returns(&scene.kim.get("/desk?q=C02").await), "/desk?q=C02");
}

#[actix_web::test]
async fn a_token_that_is_shown_once_is_not_taken_away_by_a_choice_of_language() {
    let world = World::new().await;
    let mut ola = world.signed_in("ola").await;
    let form = ola.get("/admin/tokens/new").await;
    let id = form.text.split_once(r#"name="id" value=""#).unwrap().1.split_once('"').unwrap().0.to_owned();
    let fields = [
        ("id", id.as_str()),
        ("way", ""),
        ("name", "MDM"),
        ("escrow_write", "on"),
        ("door", "header"),
        ("trust", "proven"),
        ("devices", ""),
    ];
    let made = ola.post("/admin/tokens", &[&fields[..], &[("expires", "90d")]].concat()).await;
    assert!(made.text.contains("kh_"), "{}", made.text);
    assert!(!made.text.contains("/language/"), "{}", made.text);
    assert!(ola.get("/admin/tokens").await.text.contains("/language/"));
}

#[actix_web::test]
async fn a_sign_in_leads_to_ones_mac_or_else_to_ones_work() {
    for employee_is_a_group in [false, true] {
        let world = World::with(|c| {
            if employee_is_a_group {
                c.oidc.roles.insert("employee".into(), vec!["staff".into()]);
            }
        })
        .await;
        for (login, work) in [("kim", "/desk"), ("eva", "/trail"), ("ola", "/admin")] {
            let mut browser = world.browser();
            assert_eq!(browser.sign_in(&world, login).await.location(), "/");
            assert_eq!(browser.get("/").await.location(), work, "{login}");
            assert_eq!(browser.get(work).await.status, StatusCode::OK, "{login}");
            // Nor does another page lead to a list that is empty.
            for path in ["/devices/x", "/help/sign-in"] {
                let page = browser.get(path).await.text;
                let main = page.split_once("<main").unwrap().1;
                assert!(main.contains(r#"href="/""#) && !main.contains(r#"href="/devices""#), "{login} {path}: {main}");
            }
            let left = browser.get("/sign-in?return_to=/status").await;
            let back = browser.get(path_of(&world.idp.authorize(left.location(), login))).await;
            assert_eq!(back.location(), "/status", "what was remembered comes first");
        }
    }
    let world = World::new().await;
    assert_eq!(world.signed_in("astrid").await.get("/").await.location(), "/devices", "who has no other work");
    for login in ["kim", "eva", "ola"] {
        let serial = format!("C02{}00001", login.to_uppercase());
        world.own(&serial, login).await;
        let device = world.device_id(&serial).await;
        assert_eq!(world.signed_in(login).await.get("/").await.location(), format!("/devices/{device}"), "{login}");
    }
}
