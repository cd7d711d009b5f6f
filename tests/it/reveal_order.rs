//! The order of a reveal: reason, owner, grant and trail row in one transaction, committed, and only then the key.

use actix_web::http::StatusCode;
use keyharbor::domain::audit::{Actor, AuditReceipt};
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::ids::{EventId, VersionId};
use keyharbor::domain::{EventKind, SecretKind};
use keyharbor::service::ServiceError;
use keyharbor::store::{Engine, StoreError};
use keyharbor::web::WebError;

use crate::sqltrace::traced;
use crate::world::{Answer, KEY, MAC, OTHER_KEY, World};

/// From now on the database takes no trail row of that kind.
pub async fn refuse_rows(world: &World, kind: &str, how: &str) {
    if world.fresh.url.starts_with("sqlite") {
        let body = format!("BEFORE INSERT ON audit_events WHEN NEW.kind = '{kind}' BEGIN SELECT RAISE(ABORT, 'no'); END");
        world.sql(&format!("CREATE TRIGGER no_rows {body}")).await;
    } else {
        let body = format!("BEGIN IF NEW.kind = '{kind}' THEN {how}; END IF; RETURN NEW; END");
        world.sql(&format!("CREATE FUNCTION no_rows() RETURNS trigger LANGUAGE plpgsql AS $f$ {body} $f$")).await;
        world.sql("CREATE TRIGGER no_rows BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION no_rows()").await;
    }
}

const RAISE: &str = "RAISE EXCEPTION 'no'";

/// 503, nothing of a key, and no sealed bytes were read: nothing could be opened.
pub fn nothing_opened(answer: &Answer, statements: &[String], times: &str) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text);
    assert!(answer.header("retry-after").is_some());
    assert!(answer.key().is_none() && !answer.text.contains("AAAA") && answer.location().is_empty());
    assert!(statements.iter().any(|s| s.contains("audit_head")), "the trail was tried: {times}");
    assert!(!statements.iter().any(|s| s.contains(", sealed FROM")), "{statements:?}");
}

#[actix_web::test]
async fn s44_no_trail_row_no_grant() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let (mut astrid, mut kim) = (world.signed_in("astrid").await, world.signed_in("kim").await);
        astrid.get("/help").await;
        kim.get("/help").await;
        refuse_rows(&world, "reveal.granted", RAISE).await;
        let (answer, statements) = traced(astrid.reveal(&device)).await;
        nothing_opened(&answer, &statements, "owner");
        let (answer, statements) = traced(kim.desk_reveal(&device, &[])).await;
        nothing_opened(&answer, &statements, "desk");
        assert_eq!(world.sql("UPDATE reveal_grants SET basis = basis").await, 0, "no grant is left");
        assert_eq!(world.sql("UPDATE quotas SET n = n").await, 0, "nor a count");
        assert_eq!(world.sql("UPDATE key_versions SET version = version WHERE revealed_at IS NOT NULL").await, 0);
        world.sql(&drop_trigger(&world)).await;
        assert_eq!(astrid.reveal(&device).await.status, StatusCode::SEE_OTHER, "it heals without a restart");
    }
}

fn drop_trigger(world: &World) -> String {
    let on = if world.fresh.url.starts_with("sqlite") { "" } else { " ON audit_events" };
    format!("DROP TRIGGER no_rows{on}")
}

#[actix_web::test]
async fn s44_no_viewed_row_no_key_and_no_renewal_without_its_row() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        let grant = astrid.reveal(&device).await.location().to_owned();
        refuse_rows(&world, "reveal.viewed", RAISE).await;
        let (answer, statements) = traced(astrid.get(&grant)).await;
        nothing_opened(&answer, &statements, "view");
        world.sql(&drop_trigger(&world)).await;
        assert_eq!(astrid.get(&grant).await.key().as_deref(), Some(KEY));
        if !world.fresh.url.starts_with("sqlite") {
            world.sql("DROP FUNCTION no_rows").await;
        }
        refuse_rows(&world, "reveal.renewed", RAISE).await;
        let (answer, statements) = traced(astrid.post(&format!("{grant}/renew"), &[])).await;
        nothing_opened(&answer, &statements, "renewal");
        assert_eq!(world.sql("UPDATE reveal_grants SET basis = basis WHERE renewed_from IS NOT NULL").await, 0);
    }
}

#[actix_web::test]
async fn s44_a_role_without_insert_and_a_connection_that_dies_give_no_key() {
    let mut world = World::on(Engine::Postgres, |_| {}).await;
    let device = world.astrids_mac().await;
    let mut astrid = world.signed_in("astrid").await;
    let grant = astrid.reveal(&device).await.location().to_owned();
    // A role of its own, that may do everything but write the trail.
    let admin = world.fresh.url.clone();
    let role = format!("r_{}", admin.rsplit('/').next().unwrap());
    world.sql(&format!("CREATE ROLE {role} LOGIN")).await;
    world.sql(&format!("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}")).await;
    world.fresh.url = admin.replacen("postgres@", &format!("{role}@"), 1);
    let (_, app) = world.replica().await;
    world.fresh.url = admin;
    astrid.app = app;
    assert_eq!(astrid.get(&grant).await.key().as_deref(), Some(KEY), "the role can work");
    world.sql(&format!("REVOKE INSERT ON audit_events FROM {role}")).await;
    let (answer, statements) = traced(astrid.get(&grant)).await;
    nothing_opened(&answer, &statements, "revoked");
    let (answer, statements) = traced(astrid.reveal(&device)).await;
    nothing_opened(&answer, &statements, "revoked");
    astrid.app = world.app.clone();
    refuse_rows(&world, "reveal.viewed", "PERFORM pg_terminate_backend(pg_backend_pid())").await;
    let (answer, statements) = traced(astrid.get(&grant)).await;
    nothing_opened(&answer, &statements, "killed");
    assert_eq!(world.sql("UPDATE reveal_grants SET basis = basis").await, 1);
    world.sql(&format!("DROP OWNED BY {role}")).await;
    world.sql(&format!("DROP ROLE {role}")).await;
}

#[test]
fn s44_a_full_disk_and_a_used_up_patience_are_503() {
    for outage in [StoreError::Full, StoreError::Timeout, StoreError::Unavailable("gone".into())] {
        assert_eq!(WebError::from(ServiceError::Store(outage)).outline().0, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(WebError::from(ServiceError::Trail(StoreError::Other("no".into()))).outline().0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(WebError::from(ServiceError::Store(StoreError::Other("no".into()))).outline().0, StatusCode::INTERNAL_SERVER_ERROR);
}

/// A committed row that names this version.
async fn receipt(world: &World, version: Option<VersionId>) -> AuditReceipt {
    let ring = keyharbor::service::custody::open_ring(&world.fresh.store, &world.root, false).await.unwrap();
    let mut event = world.last().await.event;
    (event.id, event.kind, event.actor, event.version) = (EventId::new(&world.env), EventKind::RevealViewed, Actor::System, version);
    let mut tx = world.fresh.store.write().await.unwrap();
    let pending = tx.audit_append(&[event], &ring).await.unwrap();
    tx.commit(pending).await.unwrap()
}

#[actix_web::test]
async fn s44_a_receipt_comes_from_a_commit_and_yields_the_version_it_names_alone() {
    for world in World::both().await {
        world.astrids_mac().await;
        world.deposit(MAC, OTHER_KEY, Trust::Observed).await;
        let id = keyharbor::domain::ids::DeviceId::parse(&world.device_id(MAC).await).unwrap();
        let rows = world.fresh.store.read().await.unwrap().versions(id, SecretKind::RecoveryKey, 100).await.unwrap();
        let ids: Vec<VersionId> = rows.iter().map(|r| r.parts().0.id).collect();
        assert_eq!(ids.len(), 2);
        for wanted in ids {
            let receipt = receipt(&world, Some(wanted)).await;
            assert_eq!(receipt.version(), Some(wanted));
            let (version, _) = world.fresh.store.sealed_key(&receipt).await.unwrap().unwrap();
            assert_eq!(version.parts().0.id, wanted);
        }
        assert!(world.fresh.store.sealed_key(&receipt(&world, None).await).await.unwrap().is_none(), "no version, no key");
        // Rows of one transaction make no receipt of another.
        let ring = keyharbor::service::custody::open_ring(&world.fresh.store, &world.root, false).await.unwrap();
        let mut event = world.last().await.event;
        event.id = EventId::new(&world.env);
        let mut one = world.fresh.store.write().await.unwrap();
        let pending = one.audit_append(&[event], &ring).await.unwrap();
        drop(one);
        let other = world.fresh.store.write().await.unwrap();
        assert!(other.commit(pending).await.is_err());
    }
}

#[actix_web::test]
async fn s41_the_desk_gives_a_reason_or_gets_nothing() {
    let blanks = ["", " ", "\t\r\n", "\u{a0}\u{3000}", "\u{200b}", "\u{200b}\u{200c}\u{200d}\u{2060}\u{feff} \u{ad}", "\u{2028}\u{202e}"];
    let long = "x".repeat(501);
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut kim = world.signed_in("kim").await;
        let mut forms: Vec<Vec<(&str, &str)>> = Vec::new();
        for blank in blanks {
            forms.push(vec![("reason", blank)]);
            forms.push(vec![("reason", "other"), ("reason_text", blank)]);
            forms.push(vec![("identity", blank)]);
        }
        forms.push(vec![("reason", "because")]);
        for field in ["reason_text", "identity", "ticket"] {
            forms.push(vec![(field, &long)]);
        }
        forms.push(vec![("reason", "other"), ("reason_text", KEY)]);
        for (n, form) in forms.iter().enumerate() {
            let (answer, statements) = traced(kim.desk_reveal(&device, form)).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{form:?}");
            assert!(answer.key().is_none() && !answer.text.contains(KEY), "{form:?}");
            assert!(!statements.iter().any(|s| s.contains(", sealed FROM") || s.contains("INTO reveal_grants")), "{form:?}");
            assert_eq!(world.count(EventKind::RevealRefused).await, n + 1, "a row for {form:?}");
        }
        assert_eq!(world.count(EventKind::RevealGranted).await, 0);
        let last = world.last().await.event;
        assert_eq!((last.role.as_str(), last.detail.as_str(), last.serial.as_deref()), ("helpdesk", "holds_key", Some(MAC)));
        let fine = "y".repeat(500);
        let form = [("reason", "other"), ("reason_text", fine.as_str())];
        assert_eq!(kim.desk_reveal(&device, &form).await.status, StatusCode::SEE_OTHER, "five hundred fit");
    }
}

#[actix_web::test]
async fn s43_a_device_that_changed_hands_since_the_page_is_404() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        assert_eq!(astrid.get(&format!("/devices/{device}")).await.status, StatusCode::OK);
        let grant = astrid.reveal(&device).await.location().to_owned();
        let line = keyharbor::formats::owners::Line {
            number: 2,
            serial: keyharbor::domain::Serial::parse(MAC).unwrap(),
            login: keyharbor::domain::person::Login::parse("berit").unwrap(),
        };
        world.service.import_owners(&[line], true, true).await.unwrap();
        assert_eq!(astrid.reveal(&device).await.status, StatusCode::NOT_FOUND);
        let view = astrid.get(&grant).await;
        assert!(view.status == StatusCode::NOT_FOUND && view.key().is_none(), "an open grant is judged again");
        let last = world.last().await.event;
        assert_eq!((last.kind, last.detail.as_str()), (EventKind::RevealRefused, "no_longer"));
        assert!(last.grant.is_some() && last.device.is_some() && last.version.is_some());
        assert_eq!(astrid.post(&format!("{grant}/renew"), &[]).await.status, StatusCode::NOT_FOUND);
        assert_eq!(world.signed_in("berit").await.reveal(&device).await.status, StatusCode::SEE_OTHER);
    }
}
