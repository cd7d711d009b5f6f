//! A device that was bent towards another serial number, or from personal to corporate, counts as absent.

use actix_web::http::StatusCode;
use keyharbor::domain::EventKind;
use keyharbor::domain::escrow::Trust;

use crate::world::{KEY, MAC, OTHER_KEY, World};

#[actix_web::test]
async fn s52_a_device_that_took_anothers_serial_number_gets_no_key_of_his() {
    for world in World::both().await {
        let astrids = world.astrids_mac().await;
        world.own("C02BERIT0001", "berit").await;
        // Swapped, so that Berit's next key would land on Astrid's device.
        for (from, to) in [(MAC, "C02SWAP00001"), ("C02BERIT0001", MAC), ("C02SWAP00001", "C02BERIT0001")] {
            world.sql(&format!("UPDATE devices SET serial = '{to}' WHERE serial = '{from}'")).await;
        }
        let answer = world.deposit("C02BERIT0001", OTHER_KEY, Trust::Observed).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "nothing is acknowledged: {}", answer.text);
        let mut astrid = world.signed_in("astrid").await;
        assert_eq!(astrid.reveal(&astrids).await.status, StatusCode::NOT_FOUND);
        assert!(!astrid.get("/devices").await.text.contains(&astrids));
        assert!(world.count(EventKind::IntegrityFailure).await >= 1);
    }
}

#[actix_web::test]
async fn s52_a_personal_mac_that_was_made_corporate_stays_the_owners_affair() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let writer =
            world.token(&[keyharbor::domain::token::Scope::DevicesWrite], keyharbor::domain::token::Door::Header, Trust::Observed).await;
        let body = serde_json::json!({ "ownership": "personal" });
        world.api(actix_web::http::Method::PUT, &format!("/api/v1/devices/{MAC}"), &writer, Some(body)).await;
        world.sql("UPDATE devices SET ownership = 'corporate'").await;
        let mut kim = world.signed_in("kim").await;
        assert_eq!(kim.desk_reveal(&device, &[]).await.status, StatusCode::NOT_FOUND);
        assert!(!kim.get(&format!("/desk?q={MAC}")).await.text.contains(&device));
        assert_eq!(world.deposit(MAC, KEY, Trust::Observed).await.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(world.count(EventKind::IntegrityFailure).await >= 1);
    }
}

#[actix_web::test]
async fn one_persons_presses_do_not_take_the_room_of_others_sign_ins() {
    let world = World::new().await;
    let device = world.astrids_mac().await;
    let mut astrid = world.signed_in("astrid").await;
    world.clock.advance_seconds(301);
    let mut last = None;
    for _ in 0..30 {
        last = Some(astrid.reveal(&device).await);
    }
    let mut tx = world.fresh.store.read().await.unwrap();
    assert_eq!(tx.open_sign_ins().await.unwrap(), 0, "step-ups are no first sign-ins");
    drop(tx);
    let rows = world.sql("DELETE FROM sign_ins WHERE line IS NOT NULL AND created_at < 0").await;
    assert_eq!(rows, 0);
    let back = astrid.step_up(&world, &last.unwrap(), "astrid").await;
    assert_eq!(back.status, StatusCode::SEE_OTHER, "the newest still works");
    assert!(world.sql("DELETE FROM sign_ins").await <= 10, "the oldest made room");
}
