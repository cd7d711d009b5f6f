//! Where the ways back lead: from a form that was refused, from a choice of language, from a sign-in.

use actix_web::http::StatusCode;

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
