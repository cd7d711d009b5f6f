//! Backups: made while others write, whole on either engine, closed to everybody else, and nothing that ended comes back.

use std::path::{Path, PathBuf};

use actix_web::http::{Method, StatusCode};
use keyharbor::crypto::RootKey;
use keyharbor::domain::audit::Actor;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope};
use keyharbor::domain::{EventKind, Outcome};
use keyharbor::service::backup::{BackupError, Made, Restored, check};
use keyharbor::service::trail::{Verdict, verify};
use keyharbor::store::{Engine, TABLES};
use proptest::prelude::*;

use crate::engines::{self, Fresh};
use crate::world::{Answer, Browser, KEY, MAC, OTHER_KEY, World, path_of, token_id};

const ENGINES: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

async fn bare(engine: Engine) -> Fresh {
    match engine {
        Engine::Sqlite => engines::bare_sqlite().await,
        Engine::Postgres => engines::bare_postgres().await,
    }
}

async fn back_up(world: &World, to: &Path) -> Made {
    world.service.backup(to, &world.root, &mut |_, _| {}).await.unwrap()
}

/// Restored into a new database of that engine; the world goes on there, the old database is handed out.
async fn restored(world: World, from: &Path, engine: Engine) -> (World, Restored, Fresh) {
    let fresh = bare(engine).await;
    let done = check(from, &world.root).unwrap().restore(&fresh.store, &world.env, &mut |_, _| {}).await.unwrap();
    let (world, before) = world.over(fresh).await;
    (world, done, before)
}

async fn verdict(world: &World) -> Verdict {
    let ring = keyharbor::service::custody::open_ring(&world.fresh.store, &world.root, false).await.unwrap();
    verify(&world.fresh.store, &ring, None).await.unwrap()
}

async fn hand_in(world: &World, token: &str, serial: &str, key: &str) -> Answer {
    let body = serde_json::json!({ "serial": serial, "recovery_key": key });
    world.api(Method::POST, "/api/v1/deposits", token, Some(body)).await
}

fn file(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("keys.backup")
}

#[actix_web::test]
async fn s70_made_during_writes_and_restored_on_either_engine_every_key_opens() {
    for from in ENGINES {
        for to in ENGINES {
            let folder = tempfile::tempdir().unwrap();
            let world = World::on(from, |_| {}).await;
            let device = world.astrids_mac().await;
            let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
            let (path, backup) = (file(&folder), file(&folder));
            let writes = async {
                for n in 0..30 {
                    assert_eq!(hand_in(&world, &token, &format!("C02BUSY{n:05}"), OTHER_KEY).await.status, StatusCode::CREATED);
                }
            };
            let (made, ()) = tokio::join!(back_up(&world, &backup), writes);
            assert_eq!((made.found, made.path.as_path()), (0, path.as_path()));
            let rows = |table: &str| made.counts.iter().find(|(name, _)| name == table).unwrap().1;
            assert!(rows("key_versions") >= 1 && rows("audit_events") == made.header.head_seq as u64);
            let (world, done, _) = restored(world, &path, to).await;
            assert!(matches!(verdict(&world).await, Verdict::Whole { seq, .. } if seq == made.header.head_seq + 1));
            assert_eq!((done.unverified.1, done.seq), (0, made.header.head_seq + 1));
            let mut astrid = world.signed_in("astrid").await;
            let shown = astrid.reveal(&device).await;
            assert_eq!(astrid.get(shown.location()).await.key().as_deref(), Some(KEY));
            // A backup of what was restored opens every key once more, under the same counts.
            let again = back_up(&world, &folder.path().join("again")).await;
            assert_eq!(again.found, 0);
            assert_eq!(again.counts.iter().find(|(name, _)| name == "key_versions").unwrap().1, rows("key_versions"));
            let known = hand_in(&world, &token, MAC, KEY).await;
            assert_eq!(known.status, StatusCode::UNAUTHORIZED, "no token works before it was approved");
        }
    }
}

#[actix_web::test]
async fn s70_without_the_root_key_nothing_opens_and_it_says_why() {
    for engine in ENGINES {
        let folder = tempfile::tempdir().unwrap();
        let world = World::on(engine, |_| {}).await;
        world.astrids_mac().await;
        back_up(&world, &file(&folder)).await;
        let other = RootKey::generate(world.env.entropy.as_ref());
        let refused = check(&file(&folder), &other).err().unwrap();
        let text = refused.to_string();
        assert!(matches!(refused, BackupError::Ring(_)), "{text}");
        assert!(text.contains(&world.root.name()) && text.contains(&other.name()), "both are named: {text}");
        // One that proves with another key than its own is not made, and that is recorded.
        let refused = world.service.backup(&folder.path().join("second"), &other, &mut |_, _| {}).await.err().unwrap();
        assert!(matches!(refused, BackupError::Ring(_)));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
        let last = world.last().await.event;
        assert_eq!((last.kind, last.outcome, last.detail.as_str()), (EventKind::BackupMade, Outcome::Failed, "not_made"));
    }
}

#[actix_web::test]
async fn s70_a_backup_is_recorded_before_it_is_made_and_never_writes_over_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new().await;
    world.astrids_mac().await;
    let made = back_up(&world, &file(&folder)).await;
    let rows: Vec<_> = world.trail().await.into_iter().map(|r| (r.seq, r.event)).collect();
    let begun = rows.iter().find(|(_, e)| e.kind == EventKind::BackupBegun).unwrap();
    assert_eq!((begun.0, &begun.1.actor), (made.header.head_seq, &Actor::Operator), "the row is in the backup");
    let last = &rows[rows.len() - 1].1;
    assert_eq!((last.kind, last.outcome), (EventKind::BackupMade, Outcome::Ok));
    assert!(last.detail.contains(&made.digest) && last.detail.contains(&made.header.checkpoint()));
    let before = std::fs::read(file(&folder)).unwrap();
    let refused = world.service.backup(&file(&folder), &world.root, &mut |_, _| {}).await.err().unwrap();
    assert!(matches!(refused, BackupError::Exists(_)), "{refused}");
    assert_eq!(std::fs::read(file(&folder)).unwrap(), before);
    assert_eq!(world.trail().await.len(), rows.len());
    // If the trail cannot be written, there is no backup.
    world.sql("ALTER TABLE audit_head RENAME TO away").await;
    assert!(world.service.backup(&folder.path().join("third"), &world.root, &mut |_, _| {}).await.is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[actix_web::test]
async fn s70_a_key_that_does_not_open_is_named_and_the_backup_is_not_called_proven() {
    for world in World::both().await {
        let folder = tempfile::tempdir().unwrap();
        world.astrids_mac().await;
        world.deposit("C02OTHER", OTHER_KEY, Trust::Observed).await;
        world.sql("UPDATE key_versions SET sealed = (SELECT k.sealed FROM key_versions k ORDER BY k.id LIMIT 1)").await;
        let made = back_up(&world, &file(&folder)).await;
        assert!(!file(&folder).exists() && made.path.to_str().unwrap().ends_with("keys.backup.unproven") && made.path.exists());
        assert_eq!(made.found, 1);
        assert!(
            made.findings[0].starts_with("key_versions ") && made.findings[0].ends_with("its key does not open"),
            "{:?}",
            made.findings
        );
        assert_eq!(world.last().await.event.outcome, Outcome::Failed);
        // What can be saved can be restored.
        let (world, done, _) = restored(world, &made.path, Engine::Sqlite).await;
        assert_eq!(done.unverified.1, 0, "the MAC of a row does not cover its sealed value");
        let mut astrid = world.signed_in("astrid").await;
        let shown = astrid.reveal(&world.device_id(MAC).await).await;
        assert_eq!(astrid.get(shown.location()).await.key().as_deref(), Some(KEY));
    }
}

/// Every cell of a table of the old database, put into the new one beside what is there.
async fn put_back(old: &Fresh, world: &World, name: &str) {
    let table = TABLES.iter().find(|t| t.name == name).unwrap();
    let mut from = old.store.read().await.unwrap();
    let columns = from.columns_of(table).await.unwrap();
    let rows = from.rows_after(table, &columns, None, 1000).await.unwrap();
    assert!(!rows.is_empty(), "{name}");
    let mut tx = world.fresh.store.write().await.unwrap();
    let columns = tx.columns_of(table).await.unwrap();
    tx.insert_rows(table, &columns, &rows).await.unwrap();
    tx.commit_unrecorded().await.unwrap();
}

fn on(world: &World, browser: &Browser) -> Browser {
    let mut other = world.browser();
    other.jar.clone_from(&browser.jar);
    other
}

#[actix_web::test]
async fn s79_no_session_grant_sign_in_or_token_of_a_backup_lives_on() {
    for (from, to) in [(Engine::Sqlite, Engine::Postgres), (Engine::Postgres, Engine::Sqlite)] {
        let folder = tempfile::tempdir().unwrap();
        let world = World::on(from, |_| {}).await;
        let device = world.astrids_mac().await;
        let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
        let revoked = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
        assert!(world.service.revoke_token(token_id(&revoked), Actor::Operator).await.unwrap());
        let mut astrid = world.signed_in("astrid").await;
        let grant = astrid.reveal(&device).await.location().to_owned();
        assert_eq!(astrid.get(&grant).await.key().as_deref(), Some(KEY));
        let mut berit = world.browser();
        let leave = berit.get("/sign-in").await;
        let back = world.idp.authorize(leave.location(), "berit");
        let made = back_up(&world, &file(&folder)).await;
        let (world, done, old) = restored(world, &file(&folder), to).await;
        for table in ["sessions", "sign_ins", "reveal_grants", "quotas"] {
            assert_eq!(crate::probe::rows(&world, table).await, 0, "{table}");
        }
        for _ in 0..2 {
            let (mut astrid, mut berit) = (on(&world, &astrid), on(&world, &berit));
            for path in [format!("/devices/{device}"), grant.clone()] {
                let answer = astrid.get(&path).await;
                assert!(answer.key().is_none() && answer.status != StatusCode::OK, "{path}: {}", answer.status);
            }
            let answer = berit.get(path_of(&back)).await;
            assert!(!berit.jar.contains_key("__Host-keyharbor") && answer.status.is_client_error(), "{}", answer.status);
            assert_eq!(hand_in(&world, &token, "C02NEW", KEY).await.status, StatusCode::UNAUTHORIZED);
            // Not even when somebody puts the rows back.
            if crate::probe::rows(&world, "sessions").await == 0 {
                put_back(&old, &world, "sessions").await;
                put_back(&old, &world, "reveal_grants").await;
            }
        }
        assert!(world.trail().await.iter().any(|r| r.event.detail == "waits_for_approval"));
        world.sql("DELETE FROM reveal_grants").await;
        world.sql("DELETE FROM sessions").await;
        assert!(matches!(verdict(&world).await, Verdict::Whole { .. }), "tokens that wait are no edited rows");
        approvals(&world, &done, &token, &revoked).await;
        // Whoever owned a Mac still does, after a new sign-in.
        let mut astrid = world.signed_in("astrid").await;
        assert!(astrid.get(&grant).await.key().is_none());
        let shown = astrid.reveal(&device).await;
        assert_eq!(astrid.get(shown.location()).await.key().as_deref(), Some(KEY));
        let row = world.trail().await.into_iter().find(|r| r.event.kind == EventKind::BackupRestored).unwrap().event;
        assert!(row.detail.starts_with(&format!("sha256 {} head {} epoch 1 to ", made.digest, made.header.checkpoint())), "{}", row.detail);
    }
}

async fn approvals(world: &World, done: &Restored, token: &str, revoked: &str) {
    let waiting: Vec<_> = world.service.waiting_tokens().await.unwrap().into_iter().map(|t| t.id).collect();
    assert!(waiting.contains(&token_id(token).to_owned()) && !waiting.contains(&token_id(revoked).to_owned()));
    assert_eq!(waiting.len(), done.waiting.len());
    let (listed, bad) = world.service.tokens().await.unwrap();
    assert_eq!((listed.len(), bad), (1, 0), "the revoked one");
    let mut ola = world.signed_in("ola").await;
    let page = ola.get("/admin/tokens").await.text;
    assert!(page.contains("Waiting for approval") && page.contains(&format!("keyharbor token approve {}", token_id(token))));
    assert!(!page.contains(&format!("keyharbor token approve {}", token_id(revoked))), "what was revoked waits for nothing");
    assert_eq!(ola.get(&format!("/admin/tokens/{}/revoke", token_id(token))).await.status, StatusCode::OK, "it can be revoked instead");
    assert!(!world.service.approve_token(token_id(revoked), Actor::Operator).await.unwrap());
    assert!(!world.service.approve_token("0123456789abcdef", Actor::Operator).await.unwrap());
    assert!(world.service.approve_token(token_id(token), Actor::Operator).await.unwrap());
    assert!(!world.service.approve_token(token_id(token), Actor::Operator).await.unwrap(), "once");
    assert_eq!(world.last().await.event.kind, EventKind::TokenApproved);
    assert_eq!(hand_in(world, token, "C02NEW", KEY).await.status, StatusCode::CREATED);
    assert_eq!(hand_in(world, revoked, "C02NEW", KEY).await.status, StatusCode::UNAUTHORIZED);
    let other = waiting.iter().find(|id| *id != token_id(token)).unwrap();
    assert!(world.service.revoke_token(other, Actor::Operator).await.unwrap(), "one that waits can be revoked");
    assert!(!world.service.approve_token(other, Actor::Operator).await.unwrap());
    assert!(!ola.get("/admin/tokens").await.text.contains("Waiting for approval"));
    assert!(matches!(verdict(world).await, Verdict::Whole { .. }));
}

#[actix_web::test]
async fn s79_rows_of_the_old_epoch_that_are_put_back_fail_their_mac() {
    for engine in ENGINES {
        for table in ["devices", "device_owners", "login_bindings", "key_versions", "api_tokens"] {
            let folder = tempfile::tempdir().unwrap();
            let world = World::on(engine, |_| {}).await;
            let device = world.astrids_mac().await;
            world.signed_in("astrid").await;
            back_up(&world, &file(&folder)).await;
            let hex = if engine == Engine::Sqlite { "hex(row_mac)" } else { "encode(row_mac, 'hex')" };
            let old = crate::probe::text(&world.fresh.url, &format!("SELECT {hex} FROM {table}")).await;
            let (world, ..) = restored(world, &file(&folder), engine).await;
            assert!(matches!(verdict(&world).await, Verdict::Whole { .. }));
            let now = crate::probe::text(&world.fresh.url, &format!("SELECT {hex} FROM {table}")).await;
            assert_ne!(old, now, "{table}: signed anew");
            world.sql(&format!("UPDATE {table} SET row_mac = {}", crate::forged_rows::bytes(&world, &old.to_lowercase()))).await;
            let Verdict::Unaccounted(rows) = verdict(&world).await else { panic!("{table}: not noticed") };
            assert!(rows.iter().all(|r| r.table == table), "{rows:?}");
            if table != "api_tokens" {
                let mut astrid = world.signed_in("astrid").await;
                assert!(!astrid.reveal(&device).await.location().starts_with("/reveals/"), "{table}");
            }
            assert!(world.service.waiting_tokens().await.unwrap().is_empty() == (table == "api_tokens"));
        }
    }
}

#[actix_web::test]
async fn s79_a_row_that_did_not_verify_is_named_and_stays_absent() {
    for engine in ENGINES {
        let folder = tempfile::tempdir().unwrap();
        let world = World::on(engine, |_| {}).await;
        let device = world.astrids_mac().await;
        world.sql("UPDATE device_owners SET login = 'berit'").await;
        back_up(&world, &file(&folder)).await;
        let (world, done, _) = restored(world, &file(&folder), engine).await;
        assert_eq!((done.unverified.1, done.unverified.0.len()), (1, 1));
        assert!(done.unverified.0[0].starts_with("device_owners "), "{:?}", done.unverified.0);
        let row = world.last().await.event;
        assert!(row.detail.contains(" unverified 1 "), "{}", row.detail);
        let mut berit = world.signed_in("berit").await;
        assert_eq!(berit.get(&format!("/devices/{device}")).await.status, StatusCode::NOT_FOUND);
        assert!(matches!(verdict(&world).await, Verdict::Unaccounted(rows) if rows[0].table == "device_owners"));
    }
}

#[actix_web::test]
async fn s70_a_restore_goes_over_nothing() {
    for engine in ENGINES {
        let folder = tempfile::tempdir().unwrap();
        let world = World::on(engine, |_| {}).await;
        world.astrids_mac().await;
        back_up(&world, &file(&folder)).await;
        let census = crate::probe::census(&world).await;
        let into = async |fresh: &Fresh| {
            let checked = check(&file(&folder), &world.root).unwrap();
            checked.restore(&fresh.store, &world.env, &mut |_, _| {}).await.map(drop)
        };
        assert!(matches!(into(&world.fresh).await, Err(BackupError::NotNew(_))), "its own database");
        assert_eq!(crate::probe::census(&world).await, census);
        // A database that was only migrated, or whose tables are empty, is new.
        let [sqlite, postgres] = engines::both().await;
        let migrated = if engine == Engine::Sqlite { sqlite } else { postgres };
        let mut tx = migrated.store.write().await.unwrap();
        tx.bump_quota("a", "day", 1).await.unwrap();
        tx.commit_unrecorded().await.unwrap();
        assert!(matches!(into(&migrated).await, Err(BackupError::NotNew(why)) if why.contains("quotas")));
        let mut tx = migrated.store.write().await.unwrap();
        tx.sweep_quotas(2).await.unwrap();
        tx.commit_unrecorded().await.unwrap();
        into(&migrated).await.unwrap();
        assert!(matches!(into(&migrated).await, Err(BackupError::NotNew(_))), "once");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn s70_a_byte_changed_anywhere_or_a_cut_is_noticed(at in any::<prop::sample::Index>(), flip in 1u8..=255, cut in any::<bool>()) {
        let (bytes, root) = sample();
        let folder = tempfile::tempdir().unwrap();
        let mut changed = bytes.clone();
        let at = at.index(bytes.len());
        if cut {
            changed.truncate(at);
        } else {
            changed[at] ^= flip;
        }
        std::fs::write(file(&folder), &changed).unwrap();
        let root = RootKey::parse(root).unwrap();
        prop_assert!(check(&file(&folder), &root).is_err(), "byte {}", at);
        changed.clone_from(bytes);
        changed.push(flip);
        std::fs::write(file(&folder), &changed).unwrap();
        prop_assert!(check(&file(&folder), &root).is_err(), "a byte more");
        std::fs::write(file(&folder), bytes).unwrap();
        prop_assert!(check(&file(&folder), &root).is_ok());
    }
}

/// A backup and the root key's text, made once.
fn sample() -> &'static (Vec<u8>, String) {
    static MADE: std::sync::OnceLock<(Vec<u8>, String)> = std::sync::OnceLock::new();
    MADE.get_or_init(|| {
        actix_web::rt::System::new().block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let world = World::new().await;
            world.astrids_mac().await;
            back_up(&world, &file(&folder)).await;
            (std::fs::read(file(&folder)).unwrap(), world.root.text().as_str().to_owned())
        })
    })
}
