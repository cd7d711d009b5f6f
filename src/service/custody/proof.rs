//! Keys that are opened for no person: to prove that a backup or a moved database holds what it should. Opened and forgotten
//! inside `crypto`, and never without the receipt of a trail row that says so.

use uuid::Uuid;

use crate::crypto::{Place, Ring};
use crate::domain::SecretKind;
use crate::domain::audit::AuditReceipt;
use crate::store::Cell;

/// Where the columns of `key_versions` stand that a proof needs.
pub struct KeyColumns {
    id: usize,
    device: usize,
    kind: usize,
    kek_id: usize,
    sealed: usize,
}

impl KeyColumns {
    /// `None` when one is missing.
    pub fn find<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Option<Self> {
        let at = |wanted: &str| names.clone().position(|name| name == wanted);
        Some(Self { id: at("id")?, device: at("device")?, kind: at("kind")?, kek_id: at("kek_id")?, sealed: at("sealed")? })
    }
}

/// Does the sealed key of this row open, at the place where it lies? Otherwise the id of its row.
///
/// # Errors
/// What names the row.
pub fn key_opens(_recorded: &AuditReceipt, ring: &Ring, at: &KeyColumns, row: &[Cell]) -> Result<(), String> {
    let cells = [at.id, at.device, at.kind, at.kek_id, at.sealed].map(|n| row.get(n));
    let [Some(Cell::Bytes(id)), Some(Cell::Bytes(device)), Some(Cell::Text(kind)), Some(Cell::Int(kek_id)), Some(Cell::Bytes(sealed))] =
        cells
    else {
        return Err("a row that cannot be read".to_owned());
    };
    let (Ok(id), Ok(device)) = (Uuid::from_slice(id), Uuid::from_slice(device)) else {
        return Err("a row that cannot be read".to_owned());
    };
    let opened = SecretKind::parse(kind).zip(u32::try_from(*kek_id).ok()).map(|(kind, kek_id)| {
        let place = Place { table: "key_versions", row: id, device, kind: kind.code() };
        ring.opens(&place, kek_id, sealed)
    });
    if matches!(opened, Some(Ok(()))) { Ok(()) } else { Err(id.to_string()) }
}
