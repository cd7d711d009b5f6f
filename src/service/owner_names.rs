//! What owners are called. An owner's row holds a login; the name is what the provider said of the person who signed in with
//! it, and is believed no further than the binding between the two verifies.

use std::collections::HashMap;

use crate::crypto::Ring;
use crate::domain::ids::DeviceId;
use crate::domain::person::Login;
use crate::store::{StoreError, Tx};

/// An owner as people know them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedOwner {
    pub login: Login,
    /// `None` until somebody has signed in with the login, and where the provider sends no name.
    pub name: Option<String>,
}

impl NamedOwner {
    /// The name, or the login where there is none.
    pub fn called(&self) -> &str {
        self.name.as_deref().unwrap_or_else(|| self.login.as_str())
    }
}

/// The owners of many devices, in the order in which they were assigned; rows that do not verify are left out.
pub async fn owners_of(tx: &mut Tx, ring: &Ring, devices: &[DeviceId]) -> Result<HashMap<DeviceId, Vec<NamedOwner>>, StoreError> {
    let rows = tx.owners_of(devices).await?;
    let bound = tx.owner_names(devices).await?.into_iter().filter_map(|(binding, name)| Some((binding.check(ring).ok()?, name)));
    let names: HashMap<_, _> = bound.map(|(binding, name)| ((binding.who.issuer, binding.login), name)).collect();
    let mut owners: HashMap<DeviceId, Vec<NamedOwner>> = HashMap::new();
    for owner in rows.into_iter().filter_map(|row| row.check(ring).ok()) {
        let key = (owner.issuer, owner.login);
        let name = names.get(&key).cloned();
        owners.entry(owner.device).or_default().push(NamedOwner { login: key.1, name });
    }
    Ok(owners)
}
