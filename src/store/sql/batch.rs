//! Many deposits' rows of `devices`, `key_versions` and `sources`: one way to the database for all that is new, one for each kind of
//! change, however many there are.

use std::borrow::Cow;

use sqlx::query;

use super::super::{Conn, Rows, text_list};
use super::{devices, keys, trail};
use crate::domain::device::{Device, Serial, fold, fold_lookalikes};
use crate::domain::ids::{DeviceId, Timestamp, VersionId};
use crate::domain::source::SourceNote;
use crate::domain::{Attested, KeyVersion, Sealed};
use crate::store::{Head, StoreError};

statements! {
    /// In the order of the serial numbers, so that two batches never wait for each other.
    DEVICES = concat!(
        "SELECT ", devices::columns!(), " FROM devices d WHERE d.serial", in_texts!("$1"), " ORDER BY d.serial", lock!()
    );
    /// All that is new, table after table in this order, Macs and tokens in one order: no two batches wait for each other. What is
    /// appended to the trail next needs its head, and another batch with the same token would wait from here on anyway.
    ADD = then_the_head!(
        concat!(
            "INSERT INTO devices (id, serial, host_name, user_hint, ownership, state, created_at, last_seen, serial_fold, host_fold, row_mac) \
             SELECT id, serial, host_name, user_hint, ownership, state, created_at, last_seen, serial_fold, host_fold, row_mac FROM ",
            rows!(list 1 after 0: 1 "id" uuid, 2 "serial" text, 3 "host_name" text, 4 "user_hint" text, 5 "ownership" text,
                6 "state" text, 7 "created_at" bigint, 8 "last_seen" bigint, 9 "serial_fold" text, 10 "host_fold" text,
                11 "row_mac" bytea),
            " WHERE true ORDER BY serial"
        ),
        concat!(
            "INSERT INTO key_versions (", keys::columns!(), ", sealed) SELECT ", keys::columns!(), ", sealed FROM ",
            rows!(list 2 after 11: 12 "id" uuid, 13 "device" uuid, 14 "kind" text, 15 "version" bigint, 16 "kek_id" bigint,
                17 "fingerprint" bytea, 18 "source" text, 19 "trust" bigint, 20 "escrowed_at" bigint, 21 "promoted_at" bigint,
                22 "unseen_letters" bigint, 23 "confirmed_at" bigint, 24 "revealed_at" bigint, 25 "row_mac" bytea, 26 "sealed" bytea)
        ),
        // A note without a deposit sets no time.
        concat!(
            "INSERT INTO sources (token, added_at, first_seen, last_seen, deposits, refused, last_device) \
             SELECT token, at, seen, seen, deposits, refused, last_device FROM ",
            rows!(list 3 after 26: 27 "token" text, 28 "at" bigint, 29 "seen" bigint, 30 "deposits" bigint, 31 "refused" bigint,
                32 "last_device" uuid),
            " WHERE true ORDER BY token ON CONFLICT (token) DO UPDATE SET \
             first_seen = COALESCE(sources.first_seen, excluded.first_seen), \
             last_seen = CASE WHEN sources.last_seen > excluded.last_seen THEN sources.last_seen \
             ELSE COALESCE(excluded.last_seen, sources.last_seen) END, \
             deposits = sources.deposits + excluded.deposits, refused = sources.refused + excluded.refused, \
             last_device = COALESCE(excluded.last_device, sources.last_device)"
        )
    );
    /// `last_seen` moves forward, never back.
    NOTE_DEVICES = concat!(
        "UPDATE devices SET host_name = b.host_name, host_fold = b.host_fold, user_hint = b.user_hint, \
         last_seen = CASE WHEN devices.last_seen > b.last_seen THEN devices.last_seen ELSE COALESCE(b.last_seen, devices.last_seen) END FROM ",
        rows!(1 "id" uuid, 2 "host_name" text, 3 "host_fold" text, 4 "user_hint" text, 5 "last_seen" bigint),
        " WHERE devices.id = b.id", of_rows!("devices.id" uuid)
    );
    /// The number is `store::SOME_VERSIONS`.
    VERSIONS = some_of_each!(keys::columns!(), "key_versions", 25);
    REPLACE_VERSIONS = concat!(
        "UPDATE key_versions SET trust = b.trust, promoted_at = b.promoted_at, row_mac = b.row_mac, \
         confirmed_at = CASE WHEN key_versions.confirmed_at < b.confirmed_at THEN b.confirmed_at ELSE key_versions.confirmed_at END FROM ",
        rows!(1 "id" uuid, 2 "old_mac" bytea, 3 "trust" bigint, 4 "promoted_at" bigint, 5 "row_mac" bytea, 6 "confirmed_at" bigint,
            7 "device" uuid, 8 "kind" text, 9 "version" bigint, 10 "kek_id" bigint, 11 "fingerprint" bytea, 12 "source" text,
            13 "escrowed_at" bigint, 14 "unseen_letters" bigint),
        " WHERE key_versions.id = b.id AND key_versions.row_mac = b.old_mac AND key_versions.device = b.device \
         AND key_versions.kind = b.kind AND key_versions.version = b.version AND key_versions.kek_id = b.kek_id \
         AND key_versions.fingerprint = b.fingerprint AND key_versions.source = b.source \
         AND key_versions.escrowed_at = b.escrowed_at AND key_versions.unseen_letters = b.unseen_letters", of_rows!("key_versions.id" uuid)
    );
    CONFIRM_VERSIONS = concat!(
        "UPDATE key_versions SET confirmed_at = b.confirmed_at FROM ", rows!(1 "id" uuid, 2 "confirmed_at" bigint),
        " WHERE key_versions.id = b.id AND key_versions.confirmed_at < b.confirmed_at", of_rows!("key_versions.id" uuid)
    );
}

pub async fn devices_held(conn: &mut Conn, serials: &[Serial]) -> Result<Vec<Device>, StoreError> {
    let serials = text_list(serials.iter().map(Serial::as_str));
    Ok(query(DEVICES).bind(serials).fetch_all(conn).await?.iter().map(devices::read).collect())
}

pub async fn add(
    conn: &mut Conn,
    devices: &[Device],
    versions: &[(Attested<KeyVersion>, Sealed)],
    notes: &[SourceNote],
) -> Result<Head, StoreError> {
    if versions.iter().any(|(row, sealed)| row.parts().0.kek_id != sealed.kek_id()) {
        return Err(StoreError::Other("a key version names another KEK than its sealed value".to_owned()));
    }
    let ints = |int: fn(&KeyVersion) -> i64| versions.iter().map(move |(row, _)| int(row.parts().0));
    let rows = Rows::of(ADD, devices.len())
        .uuids(devices.iter().map(|d| d.id.0))
        .texts(devices.iter().map(|d| Cow::from(d.serial.as_str())))
        .texts(devices.iter().map(|d| d.host_name.as_deref().map(Cow::from)))
        .texts(devices.iter().map(|d| d.user_hint.as_deref().map(Cow::from)))
        .texts(devices.iter().map(|d| Cow::from(d.ownership.code())))
        .texts(devices.iter().map(|d| Cow::from(d.state.code())))
        .ints(devices.iter().map(|d| d.created_at.0))
        .ints(devices.iter().map(|d| d.last_seen.map(|t| t.0)))
        .texts(devices.iter().map(|d| Cow::from(fold_lookalikes(d.serial.as_str()))))
        .texts(devices.iter().map(|d| d.host_name.as_deref().map(|name| Cow::from(fold(name)))))
        .bytes(devices.iter().map(|d| d.row_mac.as_slice()))
        .then(versions.len())
        .uuids(versions.iter().map(|(row, _)| row.parts().0.id.0))
        .uuids(versions.iter().map(|(row, _)| row.parts().0.device.0))
        .texts(versions.iter().map(|(row, _)| Cow::from(row.parts().0.kind.code())))
        .ints(ints(|v| v.version))
        .ints(ints(|v| i64::from(v.kek_id)))
        .bytes(versions.iter().map(|(row, _)| row.parts().0.fingerprint.as_slice()))
        .texts(versions.iter().map(|(row, _)| Cow::from(&row.parts().0.source)))
        .ints(ints(|v| v.trust.level()))
        .ints(ints(|v| v.escrowed_at.0))
        .ints(ints(|v| v.promoted_at.0))
        .ints(ints(|v| i64::from(v.unseen_letters)))
        .ints(ints(|v| v.confirmed_at.0))
        .ints(versions.iter().map(|(row, _)| row.parts().0.revealed_at.map(|t| t.0)))
        .bytes(versions.iter().map(|(row, _)| row.mac()))
        .bytes(versions.iter().map(|(_, sealed)| sealed.bytes()))
        .then(notes.len())
        .texts(notes.iter().map(|n| Cow::from(&n.token)))
        .ints(notes.iter().map(|n| n.at.0))
        .ints(notes.iter().map(|n| (n.deposits > 0).then_some(n.at.0)))
        .ints(notes.iter().map(|n| n.deposits))
        .ints(notes.iter().map(|n| n.refused))
        .uuids(notes.iter().map(|n| n.last_device.map(|d| d.0)));
    trail::read_locked(rows.fetch(conn).await?.first())
}

pub async fn note_devices(conn: &mut Conn, devices: &[(&Device, Option<Timestamp>)]) -> Result<(), StoreError> {
    Rows::of(NOTE_DEVICES, devices.len())
        .uuids(devices.iter().map(|(d, _)| d.id.0))
        .texts(devices.iter().map(|(d, _)| d.host_name.as_deref().map(Cow::from)))
        .texts(devices.iter().map(|(d, _)| d.host_name.as_deref().map(|name| Cow::from(fold(name)))))
        .texts(devices.iter().map(|(d, _)| d.user_hint.as_deref().map(Cow::from)))
        .ints(devices.iter().map(|(_, seen)| seen.map(|t| t.0)))
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn some_versions(conn: &mut Conn, of: &[DeviceId]) -> Result<Vec<Attested<KeyVersion>>, StoreError> {
    Ok(Rows::of(VERSIONS, of.len()).uuids(of.iter().map(|d| d.0)).fetch(conn).await?.iter().map(keys::read).collect())
}

pub async fn replace_versions(conn: &mut Conn, changed: &[(Vec<u8>, Attested<KeyVersion>)]) -> Result<u64, StoreError> {
    let ints = |int: fn(&KeyVersion) -> i64| changed.iter().map(move |(_, row)| int(row.parts().0));
    Rows::of(REPLACE_VERSIONS, changed.len())
        .uuids(changed.iter().map(|(_, row)| row.parts().0.id.0))
        .bytes(changed.iter().map(|(old, _)| old.as_slice()))
        .ints(ints(|v| v.trust.level()))
        .ints(ints(|v| v.promoted_at.0))
        .bytes(changed.iter().map(|(_, row)| row.mac()))
        .ints(ints(|v| v.confirmed_at.0))
        .uuids(changed.iter().map(|(_, row)| row.parts().0.device.0))
        .texts(changed.iter().map(|(_, row)| Cow::from(row.parts().0.kind.code())))
        .ints(ints(|v| v.version))
        .ints(ints(|v| i64::from(v.kek_id)))
        .bytes(changed.iter().map(|(_, row)| row.parts().0.fingerprint.as_slice()))
        .texts(changed.iter().map(|(_, row)| Cow::from(&row.parts().0.source)))
        .ints(ints(|v| v.escrowed_at.0))
        .ints(ints(|v| i64::from(v.unseen_letters)))
        .execute(conn)
        .await
}

pub async fn confirm_versions(conn: &mut Conn, confirmed: &[(VersionId, Timestamp)]) -> Result<(), StoreError> {
    Rows::of(CONFIRM_VERSIONS, confirmed.len())
        .uuids(confirmed.iter().map(|(id, _)| id.0))
        .ints(confirmed.iter().map(|(_, at)| at.0))
        .execute(conn)
        .await?;
    Ok(())
}
