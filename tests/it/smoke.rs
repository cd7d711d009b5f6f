//! The main job, once through, on both engines: sign in, hand a key in, show it, renew, hide, prove the trail.

use actix_web::http::StatusCode;
use keyharbor::domain::EventKind;
use keyharbor::domain::escrow::Trust;
use keyharbor::service::trail::{Verdict, verify};

use crate::world::{KEY, MAC, World};

#[actix_web::test]
async fn the_main_job_on_both_engines() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        let start = astrid.get("/").await;
        assert_eq!(start.location(), format!("/devices/{device}"));
        assert!(astrid.get("/devices").await.text.contains(MAC));
        let granted = astrid.reveal(&device).await;
        assert_eq!(granted.status, StatusCode::SEE_OTHER, "{}", granted.text);
        let grant = granted.location().to_owned();
        let page = astrid.get(&grant).await;
        assert_eq!(page.key().as_deref(), Some(KEY));
        let renewed = astrid.post(&format!("{grant}/renew"), &[]).await.location().to_owned();
        assert_ne!(renewed, grant);
        assert_eq!(astrid.get(&renewed).await.key().as_deref(), Some(KEY));
        assert_eq!(astrid.post(&format!("{renewed}/hide"), &[]).await.location(), renewed);
        assert_eq!(astrid.get(&renewed).await.key(), None);
        assert_eq!(astrid.get(&grant).await.key(), None, "hiding ends the grants before it too");

        let mut kim = world.signed_in("kim").await;
        assert!(kim.get(&format!("/desk?q={MAC}")).await.text.contains(&device));
        let shown = kim.desk_reveal(&device, &[]).await;
        assert_eq!(shown.status, StatusCode::SEE_OTHER, "{}", shown.text);
        assert_eq!(kim.get(shown.location()).await.key().as_deref(), Some(KEY));
        assert!(astrid.get(&format!("/devices/{device}")).await.text.contains("kim"), "the owner sees who has seen the key");

        assert_eq!(world.deposit(MAC, KEY, Trust::Observed).await.json()["status"], "same");
        let mut eva = world.signed_in("eva").await;
        assert_eq!(eva.get("/trail").await.status, StatusCode::OK);
        assert_eq!(world.count(EventKind::RevealGranted).await, 2);
        let ring = keyharbor::service::custody::open_ring(&world.fresh.store, &world.root, false).await.unwrap();
        assert!(matches!(verify(&world.fresh.store, &ring, None).await.unwrap(), Verdict::Whole { .. }));
    }
}
