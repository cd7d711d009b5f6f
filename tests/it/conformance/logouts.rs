//! Logout tokens: each once, and whom they named.

use keyharbor::domain::ids::Timestamp;
use keyharbor::domain::person::{LogoutRow, Subject};

use super::on_both;
use super::sample::ISSUER;
use crate::engines::Fresh;

on_both!(logout_tokens);

async fn logout_tokens(fresh: Fresh) {
    let mut tx = fresh.store.write().await.unwrap();
    let row = |issuer: &str, jti: &str, expires_at, (sid, subject): (Option<&str>, Option<&str>)| LogoutRow {
        issuer: issuer.into(),
        jti: jti.into(),
        sid: sid.map(str::to_owned),
        subject: subject.map(str::to_owned),
        obeyed_at: Timestamp(3),
        expires_at: Timestamp(expires_at),
    };
    let nobody = (None, None);
    assert!(tx.insert_logout(&row(ISSUER, "j1", 5, nobody)).await.unwrap());
    assert!(!tx.insert_logout(&row(ISSUER, "j1", 9, nobody)).await.unwrap(), "it came before");
    assert!(tx.insert_logout(&row(ISSUER, "J1", 6, nobody)).await.unwrap());
    assert!(tx.insert_logout(&row("https://else.example", "j1", 7, nobody)).await.unwrap());
    assert_eq!(tx.sweep_logouts(Timestamp(6)).await.unwrap(), 2);
    assert!(tx.insert_logout(&row(ISSUER, "j1", 5, nobody)).await.unwrap());
    // Whom a token names: a session, a session of a person, a person.
    let who = |subject: &str| Subject { issuer: ISSUER.into(), subject: subject.into() };
    for (jti, of) in [("j2", (Some("s2"), None)), ("j3", (Some("s3"), Some("p3"))), ("j4", (None, Some("p4")))] {
        assert!(tx.insert_logout(&row(ISSUER, jti, 9, of)).await.unwrap());
    }
    for (subject, sid, out) in [
        ("p1", Some("s2"), true),
        ("p3", Some("s3"), true),
        ("p4", Some("s4"), true),
        ("p4", None, true),
        ("p3", Some("s1"), false),
        ("p3", None, false),
        ("p1", Some("s3"), false),
        ("p1", Some("S2"), false),
        ("P4", None, false),
    ] {
        for (since, meets) in [(2, true), (3, true), (4, false)] {
            let found = tx.signed_out_since(&who(subject), sid, Timestamp(since)).await.unwrap();
            assert_eq!(found, out && meets, "{subject} {sid:?} {since}");
        }
    }
    let elsewhere = Subject { issuer: "https://else.example".into(), subject: "p4".into() };
    assert!(!tx.signed_out_since(&elsewhere, Some("s2"), Timestamp(0)).await.unwrap());
}
