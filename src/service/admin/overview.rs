//! The admin's first page: what wants attention.

use super::super::access::SignedIn;
use super::super::{Keyharbor, RequestInfo, Result};
use super::gaps::GapCounts;
use crate::domain::policy::Action;

/// What the first page says.
#[derive(Clone, Debug)]
pub struct Overview {
    /// Each begins with the setting it is about.
    pub warnings: Vec<&'static str>,
    /// Nobody has confirmed a copy of the root key.
    pub root_key_unconfirmed: bool,
    pub provider_down: bool,
    pub counts: GapCounts,
}

impl Keyharbor {
    /// # Errors
    /// [`super::super::ServiceError`].
    pub async fn overview(&self, person: &SignedIn, request: &RequestInfo) -> Result<Overview> {
        self.permit(person, Action::Administer, request).await?;
        let ring = self.ring()?;
        let mut tx = self.store.read().await?;
        let counts = self.gap_counts(&mut tx, &ring).await?;
        Ok(Overview {
            warnings: self.rules.config.warnings(),
            root_key_unconfirmed: self.root_key_unconfirmed(),
            provider_down: self.provider_is_down(),
            counts,
        })
    }
}
