//! A device with many key versions: the few rows that decide are the same that all of them would give, and stay few.

use keyharbor::domain::escrow::{KeyVersion, Repeat, Standing, Trust};
use keyharbor::domain::ids::{DeviceId, Timestamp, VersionId};
use keyharbor::domain::integrity::Attested;
use keyharbor::domain::token::{Door, Scope};
use keyharbor::domain::{Device, SecretKind, Serial};
use keyharbor::service::RequestInfo;

use crate::races::ring;
use crate::world::{MAC, World};

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// One deposit more, as the escrow would take it.
fn hand_in(all: &mut Vec<KeyVersion>, device: DeviceId, key: u8, trust: Trust, at: Timestamp, id: VersionId) {
    let current = Standing::of(all).map(|s| s.current.clone());
    if let (Some(known), Some(current)) = (all.iter_mut().find(|v| v.fingerprint == [key]), current) {
        let repeat = Repeat::of(known, &current, trust, at);
        (known.trust, known.promoted_at, known.confirmed_at) = (repeat.trust, repeat.promoted_at, at);
        return;
    }
    all.push(KeyVersion {
        id,
        device,
        kind: SecretKind::RecoveryKey,
        version: all.len() as i64 + 1,
        kek_id: 1,
        fingerprint: vec![key],
        source: "t".into(),
        trust,
        escrowed_at: at,
        promoted_at: at,
        unseen_letters: false,
        confirmed_at: at,
        revealed_at: None,
    });
}

#[actix_web::test]
async fn s62_the_few_rows_that_decide_say_what_all_of_them_would() {
    for world in World::both().await {
        let ring = ring(&world).await;
        let mut numbers = Numbers(7);
        let text = world.token(&[Scope::StatusRead], Door::Header, Trust::Observed).await;
        let token = world.service.authenticate_token(Some(&text), Door::Header, &RequestInfo::none(&world.env)).await.unwrap();
        for round in 0..6 {
            let id = DeviceId::new(&world.env);
            let device = Device::new(id, Serial::parse(&format!("{MAC}{round}")).unwrap(), world.env.now()).signed(&ring);
            let mut all = Vec::new();
            for step in 0..120 {
                let trust = Trust::ALL[numbers.below(3) as usize];
                let key = numbers.below(60) as u8;
                hand_in(&mut all, id, key, trust, Timestamp(1_000_000 * (step + 1)), VersionId::new(&world.env));
            }
            let mut tx = world.fresh.store.write().await.unwrap();
            assert!(tx.insert_device(&device).await.unwrap());
            for row in &all {
                let sealed = keyharbor::domain::Sealed::from_parts(vec![1], 1);
                tx.add(&[], &[(Attested::sign(row.clone(), &ring), sealed)], &[]).await.unwrap();
            }
            let few = tx.candidates(id, SecretKind::RecoveryKey, None).await.unwrap();
            assert!(all.len() > 40 && few.len() <= 16, "{} of {}", few.len(), all.len());
            let few: Vec<_> = few.into_iter().map(|row| row.check(&ring).unwrap()).collect();
            let (some, every) = (Standing::of(&few).unwrap(), Standing::of(&all).unwrap());
            assert_eq!((some.current, some.other, some.contested), (every.current, every.other, every.contested), "round {round}");
            let leading = tx.leaders_of(&[id]).await.unwrap();
            let leading: Vec<_> = leading.into_iter().map(|row| row.check(&ring).unwrap()).collect();
            let list = Standing::of(&leading).unwrap();
            assert_eq!((list.current, list.contested), (every.current, every.contested), "round {round}");
            // Any of them is found again by its fingerprint.
            for row in &all {
                let found = tx.candidates(id, SecretKind::RecoveryKey, Some(&row.fingerprint)).await.unwrap();
                assert!(found.len() <= 17 && found.iter().any(|f| f.parts().0.id == row.id));
            }
            tx.commit_unrecorded().await.unwrap();
            // And the status of one says what its many rows say.
            let status = world.service.escrow_status(&token, &device.serial, &RequestInfo::none(&world.env)).await.unwrap();
            let told = (status.current.as_ref(), status.contested, status.versions);
            assert_eq!(told, (Some(every.current), every.contested, all.len() as i64), "round {round}");
        }
    }
}
