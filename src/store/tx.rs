//! What a transaction can do: one list of calls, each sent to the engine's copy of `sql/`. What a call means stands here;
//! how it is said to the database stands there.

use tracing::Instrument as _;

use super::tables::{Cell, Column, Table};
use super::{Engine, Side, StoreError, Tx};
use crate::domain::audit::{EventKind, TrailRow};
use crate::domain::device::{Device, Serial};
use crate::domain::escrow::KeyVersion;
use crate::domain::ids::{DeviceId, EventId, GrantId, LineId, RowId, SessionId, Timestamp, VersionId};
use crate::domain::once::Answered;
use crate::domain::person::{Binding, Login, LogoutRow, Owner, Person, Session, SignIn, Subject};
use crate::domain::source::{Gap, SourceNote, SourceRow, Stretch};
use crate::domain::trail::{CheckpointRow, Cursor, Linked, TrailFilter};
use crate::domain::{ApiToken, Attested, Grant, Sealed, SecretKind};

/// The key ring as stored: wrapped under the root key.
#[derive(Clone, PartialEq, Eq)]
pub struct RingRow {
    /// Counts the changes; the "old" of a compare-and-set.
    pub generation: i64,
    pub wrapped: Vec<u8>,
    /// Which root key wraps it.
    pub wrapped_by: String,
}

/// Tokens, and which change of the key ring there was when they were read (none: no token was found, or there is no ring).
pub struct TokenRows {
    pub generation: Option<i64>,
    pub rows: Vec<Attested<ApiToken>>,
}

/// A device that comes with as many versions from `some_versions` has more than are told.
pub const SOME_VERSIONS: usize = 25;

calls! {
    Tx.side;

    devices::device(id: DeviceId) -> Option<Device>;
    devices::device_by_serial(serial: &Serial) -> Option<Device>;
    /// As it stands once no other transaction holds it, and held until the end of this one: who writes a device back, or
    /// gives it key versions, reads it with this, so that no change in between is lost.
    devices::device_by_serial_locked(serial: &Serial) -> Option<Device>;
    /// By id, those after one.
    devices::devices_after(after: DeviceId, limit: i64) -> Vec<Device>;
    /// In no particular order; unknown serial numbers are left out.
    devices::devices_by_serials(serials: &[Serial]) -> Vec<Device>;
    /// By serial number, those after a text, at or after `from` and before `until`; each with its serial number as stored, which
    /// says where the next page begins although the row cannot be read.
    devices::devices_by_serial(after: &str, from: &str, until: &str, limit: i64) -> Vec<(String, Device)>;
    /// `false`: that serial number exists.
    devices::insert_device(device: &Device) -> bool;
    /// Writes all but id, serial number and creation time. `false`: no such device.
    devices::update_device(device: &Device) -> bool;
    /// Ordered by name, then serial number.
    devices::owned_devices(issuer: &str, login: &Login, limit: i64) -> Vec<(Device, Attested<Owner>)>;
    devices::owned_device(issuer: &str, login: &Login, id: DeviceId) -> Option<(Device, Attested<Owner>)>;
    /// Exact matches first, then prefixes of serial number, device key, asset tag, host name, name, owner's login and
    /// name. The text is taken literally. Personal devices are never found.
    devices::search_devices(text: &str, limit: i64) -> Vec<Device>;

    /// As `device_by_serial_locked`, in the order of the serial numbers.
    batch::devices_held(serials: &[Serial]) -> Vec<Device>;
    /// Writes host name and user hint, and moves `last_seen` forward to the time, if there is one.
    batch::note_devices(devices: &[(&Device, Option<Timestamp>)]) -> ();
    /// At most [`SOME_VERSIONS`] of each device, in no order.
    batch::some_versions(of: &[DeviceId]) -> Vec<Attested<KeyVersion>>;
    /// Compare-and-set of trust and `promoted_at`, each by the MAC it had; answers how many were as expected.
    batch::replace_versions(changed: &[(Vec<u8>, Attested<KeyVersion>)]) -> u64;
    /// Moves `confirmed_at` forward, never back.
    batch::confirm_versions(confirmed: &[(VersionId, Timestamp)]) -> ();

    people::owners(device: DeviceId) -> Vec<Attested<Owner>>;
    /// Of many devices, in one statement.
    people::owners_of(devices: &[DeviceId]) -> Vec<Attested<Owner>>;
    /// The logins that own many devices, as far as somebody with a name has signed in: the binding, and what the provider calls
    /// the person. Each once.
    people::owner_names(devices: &[DeviceId]) -> Vec<(Attested<Binding>, String)>;
    /// Holds the row until the end of the transaction, so that it cannot be taken away meanwhile.
    people::owner_locked(device: DeviceId, issuer: &str, login: &Login) -> Option<Attested<Owner>>;
    /// `false`: that login owns the device already.
    people::insert_owner(owner: &Attested<Owner>) -> bool;
    people::delete_owner(id: RowId) -> bool;
    /// By id, those after one.
    people::owners_after(after: RowId, limit: i64) -> Vec<Attested<Owner>>;
    /// By id, those after one.
    people::bindings_after(after: RowId, limit: i64) -> Vec<Attested<Binding>>;
    people::binding_by_login(issuer: &str, login: &Login) -> Option<Attested<Binding>>;
    people::binding_by_subject(who: &Subject) -> Option<Attested<Binding>>;
    /// `false`: the login or the subject is bound already.
    people::insert_binding(binding: &Attested<Binding>) -> bool;
    people::delete_binding(id: RowId) -> bool;
    /// A known (issuer, subject) keeps its id.
    people::upsert_person(person: &Person) -> ();
    people::person(who: &Subject) -> Option<Person>;

    sessions::insert_session(session: &Attested<Session>) -> ();
    sessions::session_by_hash(secret_hash: &[u8]) -> Option<Attested<Session>>;
    /// Held until the end of the transaction: it does not end meanwhile, and loses no role.
    sessions::session_shared(secret_hash: &[u8]) -> Option<Attested<Session>>;
    /// Compare-and-set; the new row may have a new id. `false`: the row is gone or its MAC is another.
    sessions::replace_session(id: SessionId, old_mac: &[u8], session: &Attested<Session>) -> bool;
    sessions::delete_session(id: SessionId) -> bool;
    sessions::delete_line(line: LineId) -> u64;
    /// Those that carry the provider's session id; of this subject, if one is named. What was deleted.
    sessions::delete_sid(issuer: &str, sid: &str, subject: Option<&str>) -> Vec<Attested<Session>>;
    /// All sessions of a person. What was deleted.
    sessions::delete_sessions_of(who: &Subject) -> Vec<Attested<Session>>;
    /// All of them.
    sessions::sessions() -> Vec<Attested<Session>>;
    /// By id, newest first, those before one; with the person's name.
    sessions::sessions_page(before: SessionId, limit: i64) -> Vec<(Attested<Session>, Option<String>)>;
    /// Those of one line, held until the end of the transaction.
    sessions::line_locked(line: LineId) -> Vec<Attested<Session>>;
    /// Those of one person, held until the end of the transaction.
    sessions::sessions_of_locked(who: &Subject) -> Vec<Attested<Session>>;
    /// Deletes sessions made before the one time or last seen before the other.
    sessions::sweep_sessions(created_before: Timestamp, seen_before: Timestamp) -> u64;
    /// One of that id stays as it is: an earlier try has left it.
    sessions::insert_sign_in(sign_in: &SignIn) -> ();
    /// Takes it out: a state is good for one answer.
    sessions::take_sign_in(state_hash: &[u8]) -> Option<SignIn>;
    /// Those that belong to no session line.
    sessions::open_sign_ins() -> i64;
    /// Deletes a line's oldest ones but for so many.
    sessions::trim_sign_ins(line: LineId, keep: i64) -> u64;
    sessions::sweep_sign_ins(now: Timestamp) -> u64;
    /// Remembers a logout token. `false`: it came before.
    sessions::insert_logout(row: &LogoutRow) -> bool;
    /// Was this person, or this session of theirs at the provider, signed out at that time or later? Waits for logout tokens that
    /// are being obeyed, and none is obeyed from here to the end of the transaction: ask this before all else.
    sessions::signed_out_since(who: &Subject, sid: Option<&str>, since: Timestamp) -> bool;
    sessions::sweep_logouts(now: Timestamp) -> u64;

    /// `false`: there is one of that id.
    tokens::insert_token(token: &Attested<ApiToken>) -> bool;
    tokens::token(id: &str) -> Option<Attested<ApiToken>>;
    /// In no particular order; unknown ids are left out.
    tokens::tokens_by_ids(ids: &[&str]) -> TokenRows;
    /// Newest first.
    tokens::tokens() -> Vec<Attested<ApiToken>>;
    /// Newest first, those made before a time (of one moment: those with a lower id).
    tokens::tokens_page(created_at: Timestamp, id: &str, limit: i64) -> Vec<Attested<ApiToken>>;
    /// Compare-and-set. `false`: the row is gone or its MAC is another.
    tokens::replace_token(id: &str, old_mac: &[u8], token: &Attested<ApiToken>) -> bool;
    /// Moves `last_used` forward, never back.
    tokens::touch_token(id: &str, at: Timestamp) -> ();

    /// Newest first.
    keys::versions(device: DeviceId, kind: SecretKind, limit: i64) -> Vec<Attested<KeyVersion>>;
    /// Those among which the current key and the other one are chosen, and those with this fingerprint: a few, however many
    /// there are. With them a few that claim another kind than any of ours: they verify nowhere. Newest first.
    keys::candidates(device: DeviceId, kind: SecretKind, fingerprint: Option<&[u8]>) -> Vec<Attested<KeyVersion>>;
    /// How many there are, and the highest number.
    keys::version_count(device: DeviceId, kind: SecretKind) -> (i64, i64);
    /// The first few of each of many devices, in one statement: enough to say whether there is a key and whether it is contested.
    keys::leaders_of(devices: &[DeviceId]) -> Vec<Attested<KeyVersion>>;
    keys::version(id: VersionId) -> Option<Attested<KeyVersion>>;
    /// By id, those after one.
    keys::versions_after(after: VersionId, limit: i64) -> Vec<Attested<KeyVersion>>;
    /// Compare-and-set of what a repeated deposit or a first showing changes (trust, `promoted_at`, `revealed_at`, and
    /// `confirmed_at`, which only moves forward); all else must be as stored. `false`: it is not, or the MAC is another.
    keys::replace_version(id: VersionId, old_mac: &[u8], version: &Attested<KeyVersion>) -> bool;

    reveals::bump_quota(actor: &str, window_kind: &str, window_start: i64) -> i64;
    /// Deletes windows that began before.
    reveals::sweep_quotas(before: i64) -> u64;
    /// `false`: the grant it renews is renewed already.
    reveals::insert_grant(grant: &Attested<Grant>) -> bool;
    reveals::grant(id: GrantId) -> Option<Attested<Grant>>;
    /// Held until the end of the transaction: it is not hidden meanwhile, nor renewed twice.
    reveals::grant_locked(id: GrantId) -> Option<Attested<Grant>>;
    /// By id, those after one.
    reveals::grants_after(after: GrantId, limit: i64) -> Vec<Attested<Grant>>;
    /// The grant that renews this one.
    reveals::grant_child(id: GrantId) -> Option<Attested<Grant>>;
    /// `false`: no such grant, or hidden before.
    reveals::hide_grant(id: GrantId, at: Timestamp) -> bool;

    /// Number and MAC of the last row; (0, empty) before the first.
    trail::head() -> (i64, Vec<u8>);
    /// Newest first, those before a place.
    trail_list::trail_older(filter: &TrailFilter, before: Cursor, limit: i64) -> Vec<Linked>;
    /// Oldest first, those after a place.
    trail_list::trail_newer(filter: &TrailFilter, after: Cursor, limit: i64) -> Vec<Linked>;
    /// Rows of one kind whose personal fields name this login, since then, the latest first.
    trail_list::trail_of_login(login: &Login, kind: EventKind, since: Timestamp, limit: i64) -> Vec<TrailRow>;
    /// One of that number stays as it is.
    trail_list::add_checkpoint(checkpoint: &CheckpointRow) -> ();
    /// Highest number first, those below a number.
    trail_list::checkpoints_before(seq: i64, limit: i64) -> Vec<CheckpointRow>;
    /// Where a trail goes on whose rows were carried over. `false`: it has a head already.
    trail::place_head(seq: i64, mac: &[u8]) -> bool;
    /// Why the trail takes no row, if it takes none.
    trail::held() -> Option<String>;
    /// From the commit on no trail row is taken, or (`None`) they are again.
    trail::hold(why: Option<&str>) -> ();
    /// Oldest first, those after a number.
    trail::trail_after(seq: i64, limit: i64) -> Vec<TrailRow>;
    /// The same, where a row whose words this version does not know hides no other.
    trail::trail_feed(after: i64, limit: i64) -> Vec<TrailRow>;
    /// Newest first; deposits are not among them.
    trail::trail_of_device(device: DeviceId, kinds: &[EventKind], limit: i64) -> Vec<TrailRow>;
    /// As the trail is once every transaction has ended that is adding to it.
    trail::trail_has(id: EventId) -> bool;
    /// The time of the last row.
    trail::last_trail_time() -> Option<Timestamp>;

    sources::source(token: &str) -> Option<SourceRow>;
    /// Newest first, those added before a time (of one moment: those with a lower token id).
    sources::sources_page(added_at: Timestamp, token: &str, limit: i64) -> Vec<SourceRow>;

    /// The next so many devices by serial number, personal ones among them.
    gaps::device_stretch(after: &str, limit: i64) -> Stretch;
    /// The next so many owner rows by login.
    gaps::owner_stretch(issuer: &str, after: &str, limit: i64) -> Stretch;
    /// The next so many bindings by login.
    gaps::binding_stretch(issuer: &str, after: &str, limit: i64) -> Stretch;
    /// How many devices of a stretch have the gap: the company's, and personal ones.
    gaps::count_gap(gap: Gap, after: &str, last: &str) -> (i64, i64);
    /// By serial number; personal ones are left out.
    gaps::gap_devices(gap: Gap, after: &str, last: &str, limit: i64) -> Vec<Device>;
    /// By id, those after one: devices of which a key was handed in again over a newer one.
    gaps::returned_devices(after: DeviceId, limit: i64) -> Vec<Device>;
    /// By login: owners whose login nobody has signed in with.
    gaps::owners_never_bound(issuer: &str, after: &str, last: &str, limit: i64) -> Vec<Attested<Owner>>;
    /// By login: people who have signed in and own nothing.
    gaps::bindings_without_device(issuer: &str, after: &str, last: &str, limit: i64) -> Vec<Attested<Binding>>;

    /// As the database describes them; none: there is no such table.
    raw::columns_of(table: &Table) -> Vec<Column>;
    raw::count_rows(table: &Table) -> i64;
    /// In the order of the table's key, those after one.
    raw::rows_after(table: &Table, columns: &[Column], after: Option<&[Cell]>, limit: i64) -> Vec<Vec<Cell>>;
    /// As they are, MACs too; answers how many.
    raw::insert_rows(table: &Table, columns: &[Column], rows: &[Vec<Cell>]) -> u64;
    /// Compare-and-set, as those that follow. `false`: the row is gone, its MAC is another, or another transaction holds it:
    /// nobody is waited for, so that who waits for us is not waited for in turn.
    raw::set_device_mac(id: DeviceId, old: &[u8], new: &[u8]) -> bool;
    raw::set_owner_mac(id: RowId, old: &[u8], new: &[u8]) -> bool;
    raw::set_binding_mac(id: RowId, old: &[u8], new: &[u8]) -> bool;
    raw::set_version_mac(id: VersionId, old: &[u8], new: &[u8]) -> bool;
    raw::set_grant_mac(id: GrantId, old: &[u8], new: &[u8]) -> bool;

    ring::key_ring() -> Option<RingRow>;
    /// `false`: there is one.
    ring::insert_key_ring(ring: &RingRow) -> bool;
    /// Compare-and-set. `false`: the stored generation is another.
    ring::replace_key_ring(old_generation: i64, ring: &RingRow) -> bool;
    /// How many sealed values name this KEK.
    ring::under_kek(kek_id: u32) -> i64;
    /// How many hashes of secrets that may still come begin so; a revoked token's does not count.
    ring::under_token_key(beginning: &[u8]) -> i64;
    /// How many rows of the trail were chained under that key.
    ring::under_audit_key(beginning: &[u8]) -> i64;
    /// How many rows that decide something carry a MAC that begins so.
    ring::under_row_key(beginning: &[u8]) -> i64;
    /// Adds to the count of values that were ever sealed under a KEK.
    ring::add_kek_uses(kek_id: u32, sealed: i64) -> ();
    ring::kek_uses(kek_id: u32) -> i64;
    /// Compare-and-set of the sealed value together with its KEK and MAC; as `set_version_mac`.
    keys::reseal_version(old_mac: &[u8], version: &Attested<KeyVersion>, sealed: &Sealed) -> bool;
    /// No device, no key version, no trail row.
    ring::is_empty() -> bool;

    /// Waits for another transaction that claims the same key. `false`: there is a row of that key.
    once::claim_answer(row: &Attested<Answered>) -> bool;
    once::answer_by_key(key_hash: &[u8]) -> Option<Attested<Answered>>;
    /// Compare-and-set of all but the key. `false`: the row is gone or its MAC is another.
    once::settle_answer(old_mac: &[u8], row: &Attested<Answered>) -> bool;
    /// Deletes those made before.
    once::sweep_answers(before: Timestamp) -> u64;
}

impl Tx {
    /// Adds devices, known by serial number and hints alone, key versions, and to the counts of tokens, one note a token; a first
    /// note makes its row. The device of each version is added with it, or held by this transaction since it was read. Then locks the
    /// head of the trail, so the next act is to append, or to commit.
    ///
    /// # Errors
    /// [`StoreError::Conflict`]: a serial number exists, or the number of a version. The transaction can only be let go.
    pub async fn add(
        &mut self,
        devices: &[Device],
        versions: &[(Attested<KeyVersion>, Sealed)],
        notes: &[SourceNote],
    ) -> Result<(), StoreError> {
        self.head = Some(ask!(&mut self.side, batch::add(devices, versions, notes))?);
        Ok(())
    }
}
