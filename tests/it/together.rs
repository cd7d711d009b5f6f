//! Deposits that come at a time share a transaction, and nothing else: each has its own answer, its own rows, its own failure.

use actix_web::http::{Method, StatusCode};
use actix_web::rt::task::JoinHandle;
use actix_web::test::TestRequest;
use futures_util::future::join_all;
use keyharbor::crypto::Purpose;
use keyharbor::domain::EventKind;
use keyharbor::domain::audit::Actor;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::ids::DeviceId;
use keyharbor::domain::integrity::Canonical;
use keyharbor::domain::recovery_key::{RecoveryKey, SecretKind};
use keyharbor::domain::token::{Door, Scope};
use keyharbor::domain::{ApiToken, Device, Serial};
use keyharbor::service::escrow::{Became, Deposit, Full, Hints, PART, Receipt, Source};
use keyharbor::service::{Keyharbor, RequestInfo, ServiceError};
use keyharbor::store::{Engine, StoreError};

use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use crate::link::{COMMIT, Link};
use crate::races::{aside, ring, until_it_waits, whole};
use crate::sqltrace::Capture;
use crate::world::{Answer, HOST, KEY, MAC, OTHER_KEY, World, send, token_id};

pub async fn source(world: &World, pattern: Option<&str>) -> Source {
    let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
    let rows = world.fresh.store.read().await.unwrap().token(token_id(&token)).await.unwrap().unwrap();
    let token: ApiToken = rows.parts().0.clone();
    let mut source = Source::answered_for(&token);
    source.device_pattern = pattern.map(str::to_owned);
    source
}

pub fn one(serial: &str, key: &str) -> Deposit {
    let (serial, key) = (Serial::parse(serial).unwrap(), RecoveryKey::parse(key).unwrap());
    Deposit { serial, kind: SecretKind::RecoveryKey, key, escrowed_at: None, hints: Hints::default() }
}

/// The answer to one deposit.
pub async fn put(world: &World, source: &Source, deposit: Deposit) -> Result<Receipt, ServiceError> {
    let mut answers = world.service.deposit(source, vec![deposit], Full::Refuse, &RequestInfo::none(&world.env)).await?;
    Ok(answers.pop().unwrap().unwrap())
}

#[actix_web::test]
async fn many_at_a_time_are_one_transaction_and_one_lock_of_the_trail() {
    for world in World::both().await {
        let source = source(&world, None).await;
        put(&world, &source, one(MAC, KEY)).await.unwrap();
        let capture = Capture::new();
        let all = (0..64).map(|n| put(&world, &source, one(&format!("C02N{}", n % 60), if n < 60 { KEY } else { OTHER_KEY })));
        let answers = capture.of(join_all(all.chain([put(&world, &source, one(MAC, KEY))]))).await;
        let became: Vec<_> = answers.iter().map(|a| a.as_ref().map(|r| (r.became, r.version)).unwrap()).collect();
        assert!(became[..60].iter().all(|b| *b == (Became::New, 1)), "{became:?}");
        assert!(became[60..64].iter().all(|b| *b == (Became::New, 2)), "in the order in which they came: {became:?}");
        assert_eq!(became[64], (Became::Same, 1));
        for (statement, times) in
            [("FROM audit_head", 1), ("INSERT INTO audit_events", 1), ("INSERT INTO devices", 1), ("INSERT INTO key_versions", 1)]
        {
            assert_eq!(capture.count(statement), times, "{statement}: {:#?}", capture.statements());
        }
        assert_eq!((world.count(EventKind::DepositNew).await, world.count(EventKind::DepositSame).await), (65, 1));
        let sources = world.fresh.store.read().await.unwrap().source(&actor(&source)).await.unwrap().unwrap();
        assert_eq!((sources.deposits, sources.refused), (66, 0));
        whole(&world).await;
    }
}

fn actor(source: &Source) -> String {
    let Actor::Token(id) = &source.actor else { panic!("a token") };
    id.clone()
}

#[actix_web::test]
async fn a_deposit_that_the_database_refuses_fails_alone() {
    for world in World::both().await {
        let source = source(&world, None).await;
        if world.fresh.store.engine() == Engine::Sqlite {
            world
                .sql("CREATE TRIGGER not_this BEFORE INSERT ON devices WHEN NEW.serial = 'C02BAD' BEGIN SELECT RAISE(ABORT, 'no'); END")
                .await;
        } else {
            world.sql("CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN RAISE EXCEPTION 'no'; END $f$").await;
            world
                .sql("CREATE TRIGGER not_this BEFORE INSERT ON devices FOR EACH ROW WHEN (NEW.serial = 'C02BAD') EXECUTE FUNCTION no()")
                .await;
        }
        let all = ["C02A", "C02BAD", "C02C", "C02A"].map(|serial| put(&world, &source, one(serial, KEY)));
        let answers = join_all(all).await;
        assert!(matches!(&answers[1], Err(ServiceError::Store(StoreError::Other(_)))), "{:?}", answers[1]);
        let became = |n: usize| answers[n].as_ref().map(|r| r.became).unwrap();
        assert_eq!((became(0), became(2), became(3)), (Became::New, Became::New, Became::Same));
        assert_eq!(world.count(EventKind::DepositNew).await, 2);
        whole(&world).await;
    }
}

#[actix_web::test]
async fn refusals_of_one_are_not_the_others() {
    for world in World::both().await {
        let (wide, narrow) = (source(&world, None).await, source(&world, Some("C02X*")).await);
        put(&world, &wide, one("C02BENT", KEY)).await.unwrap();
        world.sql("UPDATE devices SET ownership = 'personal' WHERE serial = 'C02BENT'").await;
        let info = RequestInfo::none(&world.env);
        let at = |source, serial| world.service.deposit(source, vec![one(serial, OTHER_KEY)], Full::Refuse, &info);
        let unread = [(None, "unreadable"), (Serial::parse("C02Q").ok(), "recovery_key")];
        let (a, b, c, d) = tokio::join!(
            at(&wide, "C02A"),
            at(&narrow, "C02A"),
            at(&wide, "C02BENT"),
            world.service.refuse_deposits(&wide, &unread, &info)
        );
        assert!(a.unwrap()[0].is_ok() && b.unwrap()[0].is_err() && c.unwrap()[0].is_err());
        d.unwrap();
        assert_eq!(world.count(EventKind::DepositRefused).await, 4);
        let mut tx = world.fresh.store.read().await.unwrap();
        let (of_wide, of_narrow) = (tx.source(&actor(&wide)).await.unwrap().unwrap(), tx.source(&actor(&narrow)).await.unwrap().unwrap());
        assert_eq!((of_wide.deposits, of_wide.refused, of_narrow.deposits, of_narrow.refused), (2, 3, 0, 1));
    }
}

/// A commit that is done and whose answer is lost: another try finds its last row, and does nothing a second time. Also when the
/// next try gets no answer to that question.
#[actix_web::test]
async fn a_commit_whose_answer_was_lost_is_not_done_again() {
    for cuts in [&[COMMIT][..], &[COMMIT, "FROM audit_events WHERE id"]] {
        let world = World::on(Engine::Postgres, |_| {}).await;
        let source = source(&world, None).await;
        put(&world, &source, one(MAC, OTHER_KEY)).await.unwrap();
        let link = Link::to(&world.fresh.url).await;
        let (service, _) = world.replica_at(&link.url).await;
        link.cut_after(cuts);
        let all = vec![one(MAC, KEY), one("C02NEW", KEY), one(MAC, OTHER_KEY)];
        let answers = service.deposit(&source, all, Full::Refuse, &RequestInfo::none(&world.env)).await.unwrap();
        assert_eq!(link.cuts(), cuts.len(), "it was sent, and its answer was lost");
        let became: Vec<_> = answers.iter().map(|a| a.as_ref().map(|r| (r.became, r.version)).unwrap()).collect();
        assert_eq!(became, [(Became::New, 2), (Became::New, 1), (Became::Same, 1)]);
        assert_eq!((world.count(EventKind::DepositNew).await, world.count(EventKind::DepositSame).await), (3, 1));
        whole(&world).await;
    }
}

/// Another replica makes the Mac between the look and the insert: the key goes to that Mac.
#[actix_web::test]
async fn a_mac_that_another_replica_makes_meanwhile_gets_the_key() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    let source = source(&world, None).await;
    let theirs = Device::new(DeviceId::new(&world.env), Serial::parse(MAC).unwrap(), world.env.now()).signed(&ring(&world).await);
    let mut other = world.fresh.store.write().await.unwrap();
    assert!(other.insert_device(&theirs).await.unwrap());
    let (service, info) = (world.service.clone(), RequestInfo::none(&world.env));
    let waits = aside(async move { service.deposit(&source, vec![one(MAC, KEY)], Full::Refuse, &info).await });
    until_it_waits(&world, &waits).await;
    other.commit_unrecorded().await.unwrap();
    let receipt = waits.await.unwrap().unwrap().remove(0).unwrap();
    assert_eq!((receipt.device, receipt.became, receipt.version), (theirs.id, Became::New, 1));
    whole(&world).await;
}

#[actix_web::test]
async fn a_fleets_token_is_looked_up_once_for_many_and_a_revoked_one_for_none() {
    for world in World::both().await {
        let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
        let body = |n: usize| json!({ "serial": format!("C02N{n}"), "recovery_key": KEY });
        let send = |n| world.api(Method::POST, "/api/v1/deposits", &token, Some(body(n)));
        assert_eq!(send(0).await.status, StatusCode::CREATED);
        let capture = Capture::new();
        let answers = capture.of(join_all((1..=40).map(send))).await;
        assert!(answers.iter().all(|a| a.status == StatusCode::CREATED));
        let lookups = capture.count("FROM api_tokens");
        assert!((1..=3).contains(&lookups), "{lookups} look-ups for 40 requests");
        let revoked = world.service.revoke_token(token_id(&token), Actor::Operator).await.unwrap();
        assert!(revoked);
        let answers = join_all((41..=60).map(send)).await;
        assert!(answers.iter().all(|a| a.status == StatusCode::UNAUTHORIZED), "from its revocation on");
    }
}

#[actix_web::test]
async fn a_fleet_that_asks_at_a_time_is_looked_up_together_and_each_has_its_own_answer() {
    for world in World::both().await {
        let source = source(&world, None).await;
        join_all((0..40).map(|n| put(&world, &source, one(&format!("C02N{n}"), KEY)))).await;
        put(&world, &source, one("C02N7", OTHER_KEY)).await.unwrap();
        world.sql("UPDATE devices SET ownership = 'personal' WHERE serial = 'C02N8'").await;
        let token = world.token(&[Scope::StatusRead], Door::Header, Trust::Observed).await;
        let capture = Capture::new();
        // Each twice, and some that are not there.
        let answers = capture.of(join_all((0..100).map(|n| {
            let path = format!("/api/v1/devices/C02N{}/escrow-status", n % 50);
            let (world, token) = (&world, &token);
            async move { world.api(Method::GET, &path, token, None).await }
        })));
        for (n, answer) in answers.await.iter().enumerate().map(|(n, answer)| (n % 50, answer)) {
            let versions = match n {
                8 | 40.. => None,
                7 => Some(2),
                _ => Some(1),
            };
            assert_eq!(answer.status, if versions.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND }, "{n}: {}", answer.text);
            if let Some(versions) = versions {
                let told = answer.json();
                assert_eq!((&told["serial"], &told["versions"]), (&json!(format!("C02N{n}")), &json!(versions)), "{n}");
            }
        }
        assert_eq!(capture.count("UPDATE api_tokens"), 1, "one of them notes that the token is in use");
        for table in ["FROM devices", "FROM key_versions"] {
            let lookups = capture.count(table);
            assert!((1..=8).contains(&lookups), "{lookups} look-ups in {table} for 100 requests");
        }
        assert_eq!(world.count(EventKind::IntegrityFailure).await, 2, "the bent one, each time");
    }
}

#[actix_web::test]
async fn what_finds_no_room_is_told_so_and_viewings_go_on() {
    for world in World::both().await {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        astrid.get("/help").await;
        let source = source(&world, None).await;
        let info = RequestInfo::none(&world.env);
        let part = |n: usize| (0..100).map(|i| one(&format!("C02F{n}X{i}"), KEY)).collect::<Vec<_>>();
        // Twenty fill the room; more than that are refused, and nothing of them is stored.
        let all = (0..30).map(|n| world.service.deposit(&source, part(n), Full::Refuse, &info));
        let stranger = format!("kh_{}_{}", "0".repeat(16), "A".repeat(43));
        let body = json!({ "serial": "C02STRANGER", "recovery_key": KEY });
        let stranger = world.api(Method::POST, "/api/v1/deposits", &stranger, Some(body));
        let (answers, granted, stranger) = tokio::join!(join_all(all), astrid.reveal(&device), stranger);
        assert_eq!(stranger.status, StatusCode::UNAUTHORIZED, "whoever has no token is not told how much there is to do");
        assert_eq!(granted.status, StatusCode::SEE_OTHER, "a viewing never waits in that queue");
        let stored = answers.iter().filter(|a| a.is_ok()).count();
        let refused: Vec<_> = answers.iter().filter_map(|a| a.as_ref().err()).collect();
        assert_eq!((stored, refused.len()), (20, 10));
        assert!(refused.iter().all(|e| matches!(e, ServiceError::Busy { retry_after: 1..=10 })), "{refused:?}");
        assert_eq!(world.count(EventKind::DepositNew).await, 1 + 2000);
        assert!(world.service.deposit(&source, part(99), Full::Refuse, &info).await.is_ok(), "there is room again");
        whole(&world).await;
    }
}

/// A deposit with an `Idempotency-Key`, on its way.
fn keyed(world: &World, token: &str, key: &str, serial: &str) -> JoinHandle<Answer> {
    let request = TestRequest::post()
        .uri("/api/v1/deposits")
        .insert_header(("host", HOST))
        .insert_header(("authorization", format!("Bearer {token}")))
        .insert_header(("content-type", "application/json"))
        .insert_header(("idempotency-key", key))
        .set_payload(json!({ "serial": serial, "recovery_key": KEY }).to_string());
    let app = world.app.clone();
    aside(async move { send(&app, request).await })
}

async fn until_so_many_wait(service: &Keyharbor, waiting: usize) {
    let waiting = format!("keyharbor_deposits_waiting {waiting}\n");
    while !service.metrics_text().contains(&waiting) {
        tokio::task::yield_now().await;
    }
}

async fn holding(world: &World, statement: &'static str) -> PgConnection {
    let mut conn = PgConnection::connect(&world.fresh.url).await.unwrap();
    sqlx::query("BEGIN").execute(&mut conn).await.unwrap();
    assert_eq!(sqlx::query(statement).execute(&mut conn).await.unwrap().rows_affected(), 1);
    conn
}

const A_MAC: &str = "SELECT id FROM devices WHERE serial = 'C02TEST00001' FOR UPDATE";

/// Of two requests with one key the second finds the answer of the first, though both came while a batch ran.
#[actix_web::test]
async fn a_batch_has_no_two_requests_of_one_idempotency_key() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
    let send = |serial: &str| world.api(Method::POST, "/api/v1/deposits", &token, Some(json!({ "serial": serial, "recovery_key": KEY })));
    assert_eq!(send(MAC).await.status, StatusCode::CREATED);
    let mut mac = holding(&world, A_MAC).await;
    let busy = keyed(&world, &token, "0", MAC);
    until_it_waits(&world, &busy).await;
    let mut late = Vec::new();
    for (key, serial) in [("k", "C02FIRST"), ("k", "C02OTHER"), ("other", "C02THIRD")] {
        late.push(keyed(&world, &token, key, serial));
        until_so_many_wait(&world.service, 1 + late.len()).await;
    }
    sqlx::query("COMMIT").execute(&mut mac).await.unwrap();
    assert_eq!(busy.await.unwrap().status, StatusCode::OK);
    let answers: Vec<_> = join_all(late).await.into_iter().map(|answer| answer.unwrap().status).collect();
    assert_eq!(answers, [StatusCode::CREATED, StatusCode::UNPROCESSABLE_ENTITY, StatusCode::CREATED]);
    whole(&world).await;
}

/// While more waits, the next transaction begins with the commit of the one before: what is lost then is looked up, too.
#[actix_web::test]
async fn a_commit_that_goes_on_and_whose_answer_was_lost_is_not_done_again() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    let source = source(&world, None).await;
    put(&world, &source, one(MAC, OTHER_KEY)).await.unwrap();
    let link = Link::to(&world.fresh.url).await;
    let (service, _) = world.replica_at(&link.url).await;
    link.cut_after(&["COMMIT AND CHAIN"]);
    let (mut rounds, mut stored) = (0, 1);
    // It goes on if its turn came soon enough.
    while link.cuts() == 0 {
        rounds += 1;
        assert!(rounds < 20, "no commit goes on");
        let mut mac = holding(&world, A_MAC).await;
        let mut sent = Vec::new();
        for serial in [MAC.to_owned(), format!("C02{rounds}A"), format!("C02{rounds}B")] {
            let (replica, source, info) = (service.clone(), source.clone(), RequestInfo::none(&world.env));
            let deposit = async move { replica.deposit(&source, vec![one(&serial, OTHER_KEY)], Full::Refuse, &info).await };
            sent.push(aside(deposit));
            until_so_many_wait(&service, sent.len()).await;
            if sent.len() == 1 {
                until_it_waits(&world, &sent[0]).await;
            }
        }
        sqlx::query("COMMIT").execute(&mut mac).await.unwrap();
        let answers: Vec<_> = join_all(sent).await.into_iter().map(|answer| answer.unwrap().unwrap()[0].as_ref().unwrap().became).collect();
        assert_eq!(answers, [Became::Same, Became::New, Became::New]);
        stored += 2;
    }
    assert_eq!((world.count(EventKind::DepositNew).await, world.count(EventKind::DepositSame).await), (stored, rounds));
    whole(&world).await;
}

/// So that two replicas never wait for each other.
#[actix_web::test]
async fn a_batch_claims_its_idempotency_keys_in_one_order_whatever_they_came_in() {
    let world = World::on(Engine::Postgres, |_| {}).await;
    let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
    let deposit = json!({ "serial": MAC, "recovery_key": KEY });
    assert_eq!(world.api(Method::POST, "/api/v1/deposits", &token, Some(deposit)).await.status, StatusCode::CREATED);
    let ring = ring(&world).await;
    let hash = |key: &str| ring.token_hash(Purpose::OnceKey, &Canonical::default().text(token_id(&token)).text(key).done());
    let claim = "INSERT INTO idempotency_keys (key_hash, body_hash, status, answer, created_at, row_mac) VALUES ($1, $1, 0, '', 0, $1)";
    let [first, next] = if hash("a") < hash("b") { ["a", "b"] } else { ["b", "a"] };
    // Another replica has claimed the first, and will claim the next.
    let mut replica = PgConnection::connect(&world.fresh.url).await.unwrap();
    sqlx::raw_sql("BEGIN; SET LOCAL lock_timeout = '500ms'").execute(&mut replica).await.unwrap();
    sqlx::query(claim).bind(hash(first)).execute(&mut replica).await.unwrap();
    let mut mac = holding(&world, A_MAC).await;
    let busy = keyed(&world, &token, "0", MAC);
    until_it_waits(&world, &busy).await;
    let mut late = Vec::new();
    for (key, waiting) in [(next, 2), (first, 3)] {
        late.push(keyed(&world, &token, key, &format!("C02{key}")));
        until_so_many_wait(&world.service, waiting).await;
    }
    sqlx::query("COMMIT").execute(&mut mac).await.unwrap();
    assert_eq!(busy.await.unwrap().status, StatusCode::OK);
    until_it_waits(&world, &late[0]).await;
    sqlx::query(claim).bind(hash(next)).execute(&mut replica).await.expect("nobody who waits for us has it");
    sqlx::query("ROLLBACK").execute(&mut replica).await.unwrap();
    assert!(join_all(late).await.into_iter().all(|answer| answer.unwrap().status == StatusCode::CREATED));
    whole(&world).await;
}

/// The tokens' rows are edited together with a Mac of the first part.
const HALF_WAY: &[(Engine, &str)] = &[
    (Engine::Sqlite, "CREATE TRIGGER ends AFTER INSERT ON devices WHEN NEW.serial = 'C02P0' BEGIN UPDATE api_tokens SET trust = 3; END"),
    (
        Engine::Postgres,
        "CREATE FUNCTION ends() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE api_tokens SET trust = 3; RETURN NULL; END $$",
    ),
    (Engine::Postgres, "CREATE TRIGGER ends AFTER INSERT ON devices FOR EACH ROW WHEN (NEW.serial = 'C02P0') EXECUTE FUNCTION ends()"),
];

/// What is begun is brought to its end: half an array would be told to nobody.
#[actix_web::test]
async fn an_array_whose_token_ends_half_way_is_brought_to_its_end() {
    for world in World::both().await {
        let token = world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
        let send = |body| world.api(Method::POST, "/api/v1/deposits", &token, Some(body));
        assert_eq!(send(json!({ "serial": MAC, "recovery_key": KEY })).await.status, StatusCode::CREATED);
        for statement in HALF_WAY.iter().filter(|(engine, _)| *engine == world.fresh.store.engine()) {
            world.sql(statement.1).await;
        }
        let many: Vec<_> = (0..PART + 50).map(|n| json!({ "serial": format!("C02P{n}"), "recovery_key": KEY })).collect();
        let answer = send(json!(many)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let results = answer.json()["results"].as_array().unwrap().clone();
        assert!(results.len() == PART + 50 && results.iter().all(|result| result["status"] == "new"), "{}", answer.text);
        assert_eq!(send(json!({ "serial": MAC, "recovery_key": KEY })).await.status, StatusCode::UNAUTHORIZED);
    }
}
