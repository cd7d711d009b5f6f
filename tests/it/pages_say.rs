//! What the pages say and where they lead, when it depends on what happened before.

use actix_web::http::{Method, StatusCode};
use keyharbor::domain::EventKind;
use keyharbor::domain::escrow::Trust;
use keyharbor::service::custody::Custody;

use crate::world::{KEY, MAC, OTHER_KEY, World};

/// Astrid's Mac with a key that leads and another one, handed in later by a source of less trust.
async fn two_keys(world: &World) -> String {
    world.own(MAC, "astrid").await;
    world.deposit(MAC, KEY, Trust::Proven).await;
    world.clock.advance_seconds(10);
    world.deposit(MAC, OTHER_KEY, Trust::Observed).await;
    world.device_id(MAC).await
}

#[actix_web::test]
async fn the_other_key_is_still_the_other_one_after_a_step_up() {
    for world in World::both().await {
        let device = two_keys(&world).await;
        let mut astrid = world.signed_in("astrid").await;
        let shown = astrid.reveal(&device).await.location().to_owned();
        let first = astrid.get(&shown).await;
        assert_eq!(first.key().as_deref(), Some(KEY));
        assert!(first.text.contains(r#"name="which" value="other""#), "{}", first.text);
        world.clock.advance_seconds(300);
        let press = format!("/devices/{device}/reveal");
        let page = astrid.post(&press, &[("which", "other")]).await;
        let back = astrid.step_up(&world, &page, "astrid").await;
        assert!(back.location().starts_with(&format!("/devices/{device}?form=")), "{}", back.location());
        assert_eq!(world.count(EventKind::RevealGranted).await, 1, "the callback reveals nothing");
        let asked = astrid.get(back.location()).await;
        assert!(asked.text.contains(r#"name="which" value="other""#) && asked.text.contains("Show the other one"), "{}", asked.text);
        assert!(!asked.text.contains(">Get recovery key<"));
        let other = astrid.post(&press, &[("which", "other")]).await;
        assert_eq!(astrid.get(other.location()).await.key().as_deref(), Some(OTHER_KEY));
        // Kept for one look; and an address made by hand asks for nothing.
        for again in [back.location().to_owned(), format!("/devices/{device}?form=x")] {
            assert!(astrid.get(&again).await.text.contains(">Get recovery key<"));
        }
    }
}

#[actix_web::test]
async fn viewings_and_changes_of_owner_do_not_push_each_other_out() {
    let world = World::with(|c| (c.reveal.per_minute, c.reveal.per_hour) = (1000, 1000)).await;
    let device = world.astrids_mac().await;
    let mut astrid = world.signed_in("astrid").await;
    assert!(astrid.get(&format!("/devices/{device}")).await.text.contains("Nobody has seen this key."));
    let mut grant = astrid.reveal(&device).await.location().to_owned();
    for _ in 0..10 {
        grant = astrid.post(&format!("{grant}/renew"), &[]).await.location().to_owned();
    }
    let page = astrid.get(&format!("/devices/{device}")).await;
    assert!(page.text.contains("(1)"), "a renewal is no viewing of its own: {}", page.text);
    assert!(page.text.contains("You became the owner"));
    for _ in 0..19 {
        astrid.reveal(&device).await;
    }
    let page = astrid.get(&format!("/devices/{device}")).await.text;
    assert!(page.contains("(20)") && !page.contains("There are older ones"), "{page}");
    astrid.reveal(&device).await;
    let page = astrid.get(&format!("/devices/{device}")).await.text;
    assert!(page.contains("The latest 20. There are older ones.") && !page.contains("(20)"), "{page}");
    assert!(page.contains("You became the owner"), "an old change still stands");
    // The version knows that it was shown, whatever the trail still holds.
    world.sql("DELETE FROM audit_events WHERE kind = 'reveal.granted'").await;
    let page = astrid.get(&format!("/devices/{device}")).await.text;
    assert!(page.contains("The key has been shown before") && !page.contains("Nobody has seen"), "{page}");
    let desk = world.signed_in("kim").await.get(&format!("/desk/devices/{device}")).await.text;
    assert!(!desk.contains("<dt>Last shown</dt><dd>never"), "{desk}");
}

#[actix_web::test]
async fn done_pressed_late_changes_nothing_and_the_page_says_when_the_key_was_shown() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        let grant = astrid.reveal(&device).await.location().to_owned();
        world.clock.advance_seconds(200);
        // Another sign-in of hers: it is open, and she may not see it here.
        let elsewhere = world.signed_in("astrid").await.get(&grant).await;
        assert!(elsewhere.key().is_none() && elsewhere.text.contains("07:30</time> in another sign-in"), "{}", elsewhere.text);
        world.clock.advance_seconds(600);
        astrid.post(&format!("{grant}/hide"), &[]).await;
        let page = astrid.get(&grant).await;
        assert!(page.text.split("<time").nth(2).is_some_and(|t| t.contains(">07:35<")), "{}", page.text);
        assert_eq!(world.count(EventKind::RevealHidden).await, 0);
        // In time it is hidden, once.
        let grant = {
            astrid.sign_in(&world, "astrid").await;
            astrid.reveal(&device).await.location().to_owned()
        };
        world.clock.advance_seconds(60);
        for _ in 0..2 {
            astrid.post(&format!("{grant}/hide"), &[]).await;
        }
        assert!(astrid.get(&grant).await.text.split("<time").nth(2).is_some_and(|t| t.contains(">07:44<")));
        assert_eq!(world.count(EventKind::RevealHidden).await, 1);
    }
}

#[actix_web::test]
async fn the_desks_form_keeps_what_was_typed_and_names_what_is_wrong() {
    let world =
        World::with(|c| (c.reveal.ticket_pattern, c.reveal.ticket_example) = (Some("CHG[0-9]+".into()), Some("CHG42".into()))).await;
    let device = two_keys(&world).await;
    let mut kim = world.signed_in("kim").await;
    let page = kim.get(&format!("/desk/devices/{device}")).await.text;
    assert!(page.contains("For example CHG42") && page.contains("(optional)") && !page.contains("INC0012345"), "{page}");
    let wrong = kim.desk_reveal(&device, &[("ticket", "42")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains(r##"<a href="#ticket">Ticket number: The ticket number does not look right</a>"##), "{}", wrong.text);
    let gone = [("ticket", "CHG7"), ("identity", "called back 4711"), ("version", "0197a1b2-0000-7000-8000-000000000012")];
    let refused = kim.desk_reveal(&device, &gone).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    for part in ["Choose a key that this Mac has", "called back 4711", "CHG7", r##"href="#version""##] {
        assert!(refused.text.contains(part), "{part}: {}", refused.text);
    }
    let shown = kim.desk_reveal(&device, &[("ticket", "CHG7")]).await;
    let key = kim.get(shown.location()).await;
    assert!(key.text.contains(&format!(r#"href="/desk/devices/{device}#version""#)), "{}", key.text);
    // A version that does not verify is told, and is in no list.
    world.sql("UPDATE key_versions SET source = 'x' WHERE version = 1").await;
    let page = kim.get(&format!("/desk/devices/{device}")).await.text;
    assert!(page.contains("One stored key of this Mac does not pass its check"), "{page}");
    world.sql("UPDATE key_versions SET source = 'x'").await;
    let page = kim.get(&format!("/desk/devices/{device}")).await.text;
    assert!(page.contains("2 stored keys of this Mac") && !page.contains("Other versions"), "{page}");
    assert_eq!(kim.desk_reveal(&device, &gone).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let own = world.signed_in("astrid").await.get(&format!("/devices/{device}")).await.text;
    assert!(own.contains("The key for this Mac cannot be shown") && own.contains(r#"class="back" href="/devices""#), "{own}");
}

#[actix_web::test]
async fn each_key_to_choose_from_says_its_version_and_when_it_came() {
    let world = World::new().await;
    let device = two_keys(&world).await;
    let mut kim = world.signed_in("kim").await;
    kim.headers.push(("accept-language".into(), "en".into()));
    let page = kim.get(&format!("/desk/devices/{device}")).await.text;
    let choices = page.split_once("<fieldset").unwrap().1.split_once("</fieldset>").unwrap().0;
    let [_, offered, other] = choices.split("<label").collect::<Vec<_>>()[..] else { panic!("{choices}") };
    assert!(offered.contains("The one the portal offers"), "{offered}");
    let (mut came, first) = (Vec::new(), world.trail().await.into_iter().find(|r| r.event.kind == EventKind::DepositNew).unwrap().event.at);
    for (choice, number, after) in [(offered, 1, 0), (other, 2, 10)] {
        assert!(choice.contains(&format!("Version {number}")), "{choice}");
        let (_, time) = choice.split_once(r#"<time datetime=""#).unwrap_or_else(|| panic!("no time: {choice}"));
        let (machine, human) = time.split_once(r#"">"#).map(|(m, rest)| (m, rest.split_once("</time>").unwrap().0)).unwrap();
        assert_eq!(chrono::DateTime::parse_from_rfc3339(machine).unwrap().timestamp(), first.seconds() + after, "{choice}");
        came.push(human.to_owned());
    }
    assert!(came.iter().all(|human| human.contains("2026, ") && human.contains(':')), "{came:?}");
}

#[actix_web::test]
async fn the_way_back_from_the_desk_leads_to_the_search() {
    let world = World::new().await;
    let device = world.astrids_mac().await;
    let mut kim = world.signed_in("kim").await;
    let found = kim.get("/desk?q=C02+te").await.text;
    let link = format!("/desk/devices/{device}?q=C02+te");
    assert!(found.contains(&format!(r#"href="{link}""#)), "{found}");
    assert!(kim.get(&link).await.text.contains(r#"class="back" href="/desk?q=C02+te""#));
    let wrong = kim.desk_reveal(&device, &[("identity", ""), ("q", "C02 te")]).await;
    assert!(wrong.text.contains(r#"class="back" href="/desk?q=C02+te""#), "{}", wrong.text);
    assert!(kim.get(&format!("/desk/devices/{device}")).await.text.contains(r#"class="back" href="/desk""#));
    // Not a key, though.
    let page = kim.get(&format!("/desk/devices/{device}?q={KEY}")).await.text;
    assert!(page.contains(r#"class="back" href="/desk""#), "{page}");
}

#[actix_web::test]
async fn a_search_for_nothing_says_so_and_a_long_one_is_not_repeated_in_full() {
    let world = World::new().await;
    let mut kim = world.signed_in("kim").await;
    let asks = "Nothing was searched for.";
    assert!(!kim.get("/desk").await.text.contains(asks), "before any search");
    for path in ["/desk?q=", "/desk?q=+++"] {
        let page = kim.get(path).await;
        assert!(page.status.is_success() && page.text.contains(asks) && !page.text.contains("Nothing matches"), "{path}");
    }
    let page = kim.get(&format!("/desk?q={}", "x".repeat(300))).await.text;
    assert!(page.contains(&format!("Nothing matches “{}…”.", "x".repeat(40))), "{page}");
    let main = page.split_once("<main").unwrap().1.split_once("</main>").unwrap().0;
    assert!(!main.contains(&"x".repeat(201)), "the box holds what was looked for: {main}");
    assert!(kim.get(&format!("/desk?q={}", "%C3%A5".repeat(40))).await.text.contains(&format!("“{}”", "å".repeat(40))));
}

#[actix_web::test]
async fn try_again_leads_to_the_page_that_was_asked_for_or_the_one_above_when_its_address_holds_something() {
    let world = World::new().await;
    let device = world.astrids_mac().await;
    let since = world.env.now();
    let world = world.restarted(|_| {}, Custody::sealed(since));
    let again = |text: &str| text.split_once(r#"<a class="btn sec" href=""#).unwrap().1.split_once('"').unwrap().0.to_owned();
    let own = format!("/devices/{device}");
    for (path, to) in [
        (own.as_str(), own.as_str()),
        ("/devices", "/devices"),
        ("/trail?before=7", "/trail"),
        ("/devices/AAAA-BBBB-CCCC-DDDD-EEEE-FFF2", "/"),
        ("/devices/x", "/devices"),
        ("/desk?q=C02", "/desk"),
        ("/nowhere", "/"),
        ("/auth/callback", "/"),
    ] {
        let answer = world.raw(Method::GET, path, &[], "").await;
        assert_eq!(again(&answer.text), to, "{path}");
        assert!(!answer.text.contains("/language/"), "no other language can be chosen now");
    }
}

#[actix_web::test]
async fn the_trail_says_who_from_where_and_what() {
    let world = World::new().await;
    let device = two_keys(&world).await;
    let mut kim = world.signed_in("kim").await;
    let page = kim.get(&format!("/desk/devices/{device}")).await.text;
    let version = page.split_once(r#"name="version" value="0"#).unwrap().1.split_once('"').unwrap().0.to_owned();
    kim.desk_reveal(&device, &[("version", &format!("0{version}"))]).await;
    let mut eva = world.signed_in("eva").await;
    let page = eva.get("/trail").await.text;
    let seq = world.trail().await.iter().find(|r| r.event.kind == EventKind::RevealGranted).unwrap().seq;
    let (_, row) = page.split_once(&format!(r#"id="e{seq}""#)).unwrap();
    let row = row.split_once("</tr>").unwrap().0;
    for part in [format!("No.\u{a0}{seq}").as_str(), "192.0.2.10", "INC001", "Version "] {
        assert!(row.contains(part), "{part}: {row}");
    }
    assert!(page.contains(r#"Owner: <a class="jump" href="/trail?who=astrid">astrid</a>"#) && page.contains("Times in UTC"), "{page}");
    kim.post("/desk/devices/x/reveal", &[]).await;
    eva.headers.push(("accept-language".into(), "sv".into()));
    let page = eva.get("/trail").await.text;
    assert!(page.contains("visning av nyckel hos helpdesk") && !page.contains("desk_reveal"), "{page}");
}

#[actix_web::test]
async fn a_day_that_is_full_names_the_day() {
    let world = World::with(|c| c.reveal.per_day = 1).await;
    let device = world.astrids_mac().await;
    let mut kim = world.signed_in("kim").await;
    kim.desk_reveal(&device, &[]).await;
    let full = kim.desk_reveal(&device, &[]).await;
    assert_eq!(full.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(full.text.contains("Too many viewings") && full.text.contains("2026, 00:00"), "{}", full.text);
}

#[actix_web::test]
async fn a_shorter_window_is_said_as_it_is() {
    let world = World::with(|c| c.reveal.window_seconds = 60).await;
    let device = world.astrids_mac().await;
    let mut astrid = world.signed_in("astrid").await;
    assert!(astrid.get(&format!("/devices/{device}")).await.text.contains("The key is shown for one minute."));
    let shown = astrid.reveal(&device).await;
    assert!(astrid.get(shown.location()).await.text.contains(">Extend to one minute<"));
    assert!(world.browser().get("/help").await.text.contains("hidden after one minute?"));
}
