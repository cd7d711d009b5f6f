//! Every detail that the services write, read in every language.

use super::*;
use crate::i18n::Language;

const ID: &str = "00112233445566aa";

/// Every form that the services write, and what is read of it in English.
const SAID: [(EventKind, &str, &str); 45] = [
    (
        EventKind::TokenCreated,
        "00112233445566aa crypt-path observed escrow:write status:read",
        "Jamf · 00112233445566aa · In Crypt’s address · Observed · escrow:write, status:read",
    ),
    (EventKind::TokenCreated, "00112233445566aa header proven", "Jamf · 00112233445566aa · In a header · Proven"),
    (EventKind::TokenRevoked, "00112233445566aa", "Jamf · 00112233445566aa"),
    (EventKind::TokenApproved, "ffffffffffffffff", "ffffffffffffffff"),
    (EventKind::RolesReduced, "helpdesk admin", "helpdesk, administrator"),
    (EventKind::RolesIgnored, "overage", "the provider left out the list of groups: too many"),
    (EventKind::RolesIgnored, "array with members that are not strings", "the groups did not come as a list of texts"),
    (
        EventKind::SignInTested,
        "auth-time-missing step-up-off owner-unset acr-missing",
        "no recent proof of who it is · no login · not strong enough",
    ),
    (EventKind::SignInTested, "roles-missing", "no groups that give roles"),
    (EventKind::SignInTested, "provider_unreachable", "the sign-in service did not answer"),
    (EventKind::SignInFailed, "too_many_open", "too many sign-ins were open"),
    (EventKind::SignInFailed, "token_refused", "the ID token was refused"),
    (EventKind::LoginConflict, "login_of_another", "the login belongs to another account"),
    (EventKind::DepositRefused, "recovery_key", "no valid recovery key"),
    (EventKind::DepositRefused, "recovery_password", "no valid recovery key"),
    (EventKind::DepositRefused, "serial", "no valid serial number"),
    (EventKind::DepositRefused, "escrowed_at", "something was wrong in the field escrowed_at"),
    (EventKind::DepositRefused, "out_of_scope", "a Mac that this token may not touch"),
    (EventKind::RefusedSummary, "1 more refusals", "one more refusal"),
    (EventKind::RefusedSummary, "rate_limit 60, 1200 more refusals", "over the limit of 60 a minute · 1,200 more refusals"),
    (
        EventKind::RefusedSummary,
        "deposits, more refusals: serial 2, kind 1",
        "2 more refusals: no valid serial number · one more refusal: something was wrong in the field kind",
    ),
    (
        EventKind::Sealed,
        "from 2026-11-22T08:00:00.000000Z to 2025-11-22T08:00:05.000000Z",
        "22\u{a0}Nov 08:00:00–22\u{a0}Nov 2025 08:00:05",
    ),
    (EventKind::Started, "0.4.0 settings 0123456789abcdef step_up on", "version 0.4.0 · settings 0123456789abcdef"),
    (
        EventKind::Started,
        "0.4.0 settings 0123456789abcdef step_up off",
        "version 0.4.0 · settings 0123456789abcdef · keys are shown without a fresh sign-in",
    ),
    (EventKind::RingMade, "01ab23cd", "root key 01ab23cd"),
    (EventKind::KeyAdded, "kek 3", "sealing key 3"),
    (EventKind::RewrapBegun, "kek 2 row 1", "sealing key 2 · row key 1"),
    (
        EventKind::RewrapDone,
        "kek 2 row 1 sealed 1 signed 40 broken 0",
        "sealing key 2 · row key 1 · one key sealed again · 40 rows signed again",
    ),
    (EventKind::BackupMade, "sha256 0123456789abcdef0123 head 12:01aa", "SHA-256 0123456789ab… · up to no. 12"),
    (EventKind::BackupMade, "not_made", "it was not made"),
    (
        EventKind::BackupRestored,
        "sha256 0123456789abcdef0123 head 12:01aa epoch a to b unverified 0 waiting 2",
        "SHA-256 0123456789ab… · up to no. 12 · 2 tokens wait for approval",
    ),
    (EventKind::MoveBegun, "to postgres://db/keyharbor", "to postgres://db/keyharbor"),
    (EventKind::DeviceChanged, "ownership personal", "now a personal Mac"),
    (EventKind::TrailRead, "after 120", "after no. 120"),
    (EventKind::TrailRead, "newest", "the newest page"),
    (EventKind::TrailRead, "event=reveal.granted before=1.2", "Viewing granted · a further page"),
    (EventKind::AccessRefused, "wrong_door", "the token works elsewhere only"),
    (EventKind::AccessRefused, "write_owners", "setting owners"),
    (EventKind::AccessRefused, "idempotency_key", "an Idempotency-Key that was used for something else"),
    (EventKind::SessionEnded, "signed_in_again line 0197a1b2-0000-7000-8000-000000000012", "signed in again"),
    (EventKind::SessionEnded, "line 0197a1b2-0000-7000-8000-000000000012 subject anna", "anna"),
    (EventKind::IntegrityFailure, "idempotency_keys", "the row of a kept answer"),
    (EventKind::RevealBreakGlass, "version 2", "Version 2"),
    (EventKind::RevealRenewed, "from 0197a1b2-0000-7000-8000-000000000012", ""),
    (EventKind::Unreadable, "nothing to see here", "nothing to see here"),
];

#[test]
fn every_detail_is_read_in_words_and_what_has_none_stays() {
    let names = Names::from([(ID.to_owned(), "Jamf".to_owned())]);
    let now = Timestamp::parse_rfc3339("2026-11-22T12:00:00Z").unwrap();
    let formats = |lang| Formats::new(lang, chrono_tz::UTC, now);
    for (kind, detail, wanted) in SAID {
        let said = words(&formats(Language::En), &names, kind, detail).unwrap_or_default();
        assert_eq!(said, wanted, "{kind:?} {detail}");
        for lang in [Language::Sv, Language::Nb] {
            let other = words(&formats(lang), &names, kind, detail).unwrap_or_default();
            assert_eq!(other.is_empty(), wanted.is_empty(), "{lang:?} {kind:?} {detail}");
            assert!(!other.contains('_') || wanted.contains('_'), "{lang:?} {kind:?} {detail}: {other}");
        }
    }
}
