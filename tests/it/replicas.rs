//! What one replica does while another is half-way: hiding against renewing, a session that ends, an import beside a check-in.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web;
use keyharbor::domain::integrity::Attested;
use keyharbor::domain::{Device, EventKind, Serial};
use keyharbor::formats::owners::read;
use keyharbor::oidc::Oidc;
use keyharbor::service::custody::{Custody, open_ring};
use keyharbor::service::{Keyharbor, Rules};
use keyharbor::store::Engine;
use keyharbor::web::App;

use crate::engines;
use crate::races::{aside, ring, until_it_waits, whole};
use crate::sqltrace::Capture;
use crate::world::{MAC, ORIGIN, World};

impl World {
    /// A second replica on the same database: its own pool, ring and application.
    pub async fn replica(&self) -> (Keyharbor, web::Data<App>) {
        self.replica_at(&self.fresh.url).await
    }

    /// The same by another way to the database.
    pub async fn replica_at(&self, url: &str) -> (Keyharbor, web::Data<App>) {
        let store = engines::connect(url).await;
        let ring = open_ring(&store, &self.root, false).await.unwrap();
        let config = self.service.rules().config.clone();
        let oidc = Oidc::new(&config.oidc, &config.outbound, ORIGIN, self.env.clone()).unwrap();
        let service = Keyharbor::new(store, self.env.clone(), Rules::new(config).unwrap(), oidc, Custody::open(ring));
        let app = web::Data::new(App::new(service.clone()).unwrap());
        (service, app)
    }
}

#[actix_web::test]
async fn s32_hiding_and_renewing_wait_for_each_other() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    let device = world.astrids_mac().await;
    let mut astrid = world.signed_in("astrid").await;
    let grant = astrid.reveal(&device).await.location().to_owned();
    // "I'm done", half-way: the grant is hidden, and not yet committed.
    let id = keyharbor::domain::ids::GrantId::parse(grant.rsplit('/').next().unwrap()).unwrap();
    let mut hide = world.fresh.store.write().await.unwrap();
    assert!(hide.hide_grant(id, world.env.now()).await.unwrap());
    let address = grant.clone();
    let renew = aside(async move { astrid.post(&format!("{address}/renew"), &[]).await });
    until_it_waits(&world, &renew).await;
    hide.commit_unrecorded().await.unwrap();
    let answer = renew.await.unwrap();
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, grant.as_str()), "back to the hidden page");
    assert_eq!(world.count(EventKind::RevealRenewed).await, 0, "a hidden grant is not renewed");
}

#[actix_web::test]
async fn s43_a_session_that_ends_between_the_door_and_the_grant_gets_none() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        astrid.get("/help").await;
        // Signed out elsewhere, not yet committed: the door still let the press in.
        let mut out = world.fresh.store.write().await.unwrap();
        for session in out.sessions().await.unwrap() {
            out.delete_line(session.parts().0.line).await.unwrap();
        }
        astrid.app = world.replica().await.1;
        let capture = Arc::new(Capture::new());
        let (running, id) = (capture.clone(), device.clone());
        let press = aside(async move { running.of(astrid.reveal(&id)).await });
        while capture.count("FROM login_bindings") == 0 && !press.is_finished() {
            tokio::task::yield_now().await;
        }
        if !world.fresh.url.starts_with("sqlite") {
            until_it_waits(&world, &press).await;
        }
        out.commit_unrecorded().await.unwrap();
        let answer = press.await.unwrap();
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.location());
        assert_eq!(world.count(EventKind::RevealGranted).await, 0);
    }
}

#[actix_web::test]
async fn an_import_that_meets_a_check_in_of_the_same_new_mac_reads_again() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    let ring = ring(&world).await;
    // A check-in that has made the device, and is not committed.
    let mut check_in = world.fresh.store.write().await.unwrap();
    let id = keyharbor::domain::ids::DeviceId::new(&world.env);
    let made = Device::new(id, Serial::parse(MAC).unwrap(), world.env.now()).signed(&ring);
    assert!(check_in.insert_device(&made).await.unwrap());
    let service = world.service.clone();
    let import = aside(async move {
        let (lines, _) = read(format!("serial,login\n{MAC},astrid\n").as_bytes()).unwrap();
        service.import_owners(&lines, true, false).await
    });
    until_it_waits(&world, &import).await;
    check_in.commit_unrecorded().await.unwrap();
    let report = import.await.unwrap().unwrap();
    assert_eq!((report.set, report.new_devices), (1, 0));
    let owners = world.fresh.store.read().await.unwrap().owners(id).await.unwrap();
    assert_eq!(owners.len(), 1, "on the device that is there");
    whole(&world).await;
}

#[actix_web::test]
async fn two_imports_of_one_list_leave_one_owner_and_a_whole_trail() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    world.own(MAC, "berit").await;
    let ring = ring(&world).await;
    // The other import, half-way: it has set the owner, and is not committed.
    let mut other = world.fresh.store.write().await.unwrap();
    let device = other.device_by_serial_locked(&Serial::parse(MAC).unwrap()).await.unwrap().unwrap();
    let owner = other.owners(device.id).await.unwrap().remove(0).check(&ring).unwrap();
    let mut second = owner.clone();
    second.id = keyharbor::domain::ids::RowId::new(&world.env);
    second.login = keyharbor::domain::person::Login::parse("astrid").unwrap();
    assert!(other.insert_owner(&Attested::sign(second.clone(), &ring)).await.unwrap());
    let mut event = world.last().await.event;
    event.id = keyharbor::domain::ids::EventId::new(&world.env);
    (event.kind, event.detail) = (EventKind::OwnerSet, format!("row {}", second.id));
    let service = world.service.clone();
    let import = aside(async move {
        let (lines, _) = read(format!("serial,login\n{MAC},astrid\n").as_bytes()).unwrap();
        service.import_owners(&lines, true, false).await
    });
    until_it_waits(&world, &import).await;
    let pending = other.audit_append(&[event], &ring).await.unwrap();
    other.commit(pending).await.unwrap();
    assert_eq!(import.await.unwrap().unwrap().same, 1, "it read again, and had nothing to set");
    whole(&world).await;
}
