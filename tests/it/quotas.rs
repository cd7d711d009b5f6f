//! Ten keys a minute, fifty an hour, a hundred a day, for one person: counted before anything else, over all replicas,
//! and counted also when the answer is no.

use actix_web::http::StatusCode;
use keyharbor::domain::EventKind;
use keyharbor::domain::escrow::Trust;

use crate::world::{Answer, Browser, KEY, MAC, World};

fn retry_after(answer: &Answer) -> i64 {
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{}", answer.text);
    answer.header("retry-after").unwrap().parse().unwrap()
}

async fn presses(browser: &mut Browser, device: &str, n: usize) {
    for _ in 0..n {
        assert_eq!(browser.reveal(device).await.status, StatusCode::SEE_OTHER);
    }
}

#[actix_web::test]
async fn s64_the_eleventh_in_a_minute_waits_for_the_next_one() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        world.clock.advance_seconds(17);
        presses(&mut astrid, &device, 10).await;
        let refused = astrid.reveal(&device).await;
        assert_eq!(retry_after(&refused), 43, "to the end of the minute, from now");
        assert!(refused.key().is_none() && !refused.text.contains(KEY));
        let last = world.last().await.event;
        assert_eq!(
            (last.kind, last.detail.as_str(), last.device.map(|d| d.to_string())),
            (EventKind::RevealRefused, "quota", Some(device.clone()))
        );
        assert_eq!(last.serial.as_deref(), Some(MAC), "the Mac is named");
        assert_eq!(world.sql("UPDATE quotas SET n = n WHERE window_kind = 'minute' AND n = 11").await, 1, "the refusal counts");
        assert_eq!(world.count(EventKind::RevealGranted).await, 10);
        // Another person has his own; the next minute is a new one.
        let mut kim = world.signed_in("kim").await;
        assert_eq!(kim.desk_reveal(&device, &[]).await.status, StatusCode::SEE_OTHER);
        world.clock.advance_seconds(42);
        assert_eq!(retry_after(&astrid.reveal(&device).await), 1);
        world.clock.advance_seconds(1);
        assert_eq!(astrid.reveal(&device).await.status, StatusCode::SEE_OTHER);
    }
}

#[actix_web::test]
async fn s64_the_hour_and_the_day_have_their_own_ends() {
    let world = World::with(|c| c.reveal.per_minute = 1000).await;
    let device = world.astrids_mac().await;
    let mut astrid = world.signed_in("astrid").await;
    world.clock.advance_seconds(17);
    presses(&mut astrid, &device, 50).await;
    assert_eq!(retry_after(&astrid.reveal(&device).await), 30 * 60 - 17, "07:30:17, until eight");
    // The day is nearly full, the hour is fresh.
    world.sql("UPDATE quotas SET n = 99 WHERE window_kind = 'day'").await;
    world.sql("UPDATE quotas SET n = 1 WHERE window_kind = 'hour'").await;
    presses(&mut astrid, &device, 1).await;
    assert_eq!(retry_after(&astrid.reveal(&device).await), 16 * 3600 + 30 * 60 - 17, "until midnight, UTC");
}

#[actix_web::test]
async fn s64_replicas_share_the_count_and_a_restart_keeps_it() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        presses(&mut astrid, &device, 6).await;
        let (_, other) = world.replica().await;
        astrid.app = other;
        presses(&mut astrid, &device, 4).await;
        assert_eq!(astrid.reveal(&device).await.status, StatusCode::TOO_MANY_REQUESTS);
        astrid.app = world.app.clone();
        assert_eq!(astrid.reveal(&device).await.status, StatusCode::TOO_MANY_REQUESTS);
    }
}

#[actix_web::test]
async fn s64_the_desk_counts_alike_and_a_renewal_costs_nothing() {
    let world = World::with(|c| c.reveal.per_minute = 2).await;
    let device = world.astrids_mac().await;
    world.deposit(MAC, KEY, Trust::Observed).await;
    let mut kim = world.signed_in("kim").await;
    assert_eq!(kim.desk_reveal(&device, &[]).await.status, StatusCode::SEE_OTHER);
    let grant = kim.desk_reveal(&device, &[]).await.location().to_owned();
    assert_eq!(kim.desk_reveal(&device, &[]).await.status, StatusCode::TOO_MANY_REQUESTS);
    let renewed = kim.post(&format!("{grant}/renew"), &[]).await;
    assert_eq!(renewed.status, StatusCode::SEE_OTHER);
    assert_eq!(kim.get(renewed.location()).await.key().as_deref(), Some(KEY));
    assert_eq!(world.sql("UPDATE quotas SET n = n WHERE n = 3").await, 1, "the minute: three presses");
    assert_eq!(world.sql("UPDATE quotas SET n = n WHERE n = 2").await, 2, "hour and day: what the minute refused costs them nothing");
}

#[actix_web::test]
async fn s64_what_is_refused_before_it_is_counted_costs_nothing() {
    let world = World::new().await;
    let device = world.astrids_mac().await;
    let mut berit = world.signed_in("berit").await;
    for _ in 0..12 {
        assert_eq!(berit.reveal(&device).await.status, StatusCode::NOT_FOUND, "a stranger learns nothing from a quota");
    }
    assert_eq!(world.sql("UPDATE quotas SET n = n").await, 0);
}
