//! Every route at an address that exists, for checks that hold of all of them.

use std::collections::BTreeMap;

use actix_web::http::{Method, StatusCode};
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope};
use keyharbor::web::ROUTES;

use crate::world::{Answer, Browser, MAC, World};

/// A Mac with a key, a shown grant of Astrid's, everybody signed in, a token for each kind of door.
pub struct Scene {
    pub world: World,
    pub device: String,
    pub grant: String,
    pub astrid: Browser,
    pub kim: Browser,
    pub eva: Browser,
    pub ola: Browser,
    /// Eva's session line.
    pub line: String,
    pub bearer: String,
    pub agent: String,
}

impl Scene {
    pub async fn of(world: World) -> Self {
        let device = world.astrids_mac().await;
        let mut astrid = world.signed_in("astrid").await;
        let granted = astrid.reveal(&device).await;
        assert_eq!(granted.status, StatusCode::SEE_OTHER, "{}", granted.text);
        let grant = granted.location().rsplit('/').next().unwrap().to_owned();
        let (kim, ola) = (world.signed_in("kim").await, world.signed_in("ola").await);
        let eva = world.signed_in("eva").await;
        let sessions = world.fresh.store.read().await.unwrap().sessions().await.unwrap();
        let line = sessions.last().unwrap().parts().0.line.to_string();
        let scopes = [Scope::EscrowWrite, Scope::DevicesRead, Scope::DevicesWrite, Scope::StatusRead];
        let bearer = world.token(&scopes, Door::Header, Trust::Observed).await;
        let agent = world.token(&[Scope::EscrowWrite, Scope::StatusRead], Door::CryptPath, Trust::Observed).await;
        Self { world, device, grant, astrid, kim, eva, ola, line, bearer, agent }
    }

    pub async fn new() -> Self {
        Self::of(World::new().await).await
    }

    /// A route's address with real values in it.
    pub fn address(&self, path: &str) -> String {
        let id = if path.starts_with("/reveals/") { &self.grant } else { &self.device };
        let address = path
            .replace("{id}", id)
            .replace("{serial}", MAC)
            .replace("{kind}", "recovery_key")
            .replace("{code}", "sv")
            .replace("{token}", &self.agent)
            .replace("{token_id}", crate::world::token_id(&self.bearer))
            .replace("{line}", &self.line)
            .replace("{name:.*}", "ttl-9.css");
        assert!(!address.contains('{'), "{path} has a part that this scene does not know");
        address
    }

    /// Each path once, with the methods it takes.
    pub fn resources() -> BTreeMap<&'static str, Vec<&'static str>> {
        ROUTES.iter().fold(BTreeMap::new(), |mut all, route| {
            all.entry(route.path).or_insert_with(Vec::new).push(route.method);
            all
        })
    }

    /// As a machine: the token that opens this route, the type that it reads.
    pub async fn machine(&self, method: Method, path: &str, more: &[(&str, &str)], body: impl Into<actix_web::web::Bytes>) -> Answer {
        let bearer = format!("Bearer {}", self.bearer);
        let kind = if path.starts_with("/compat/") { "application/x-www-form-urlencoded" } else { "application/json" };
        let mut headers = vec![("authorization", bearer.as_str()), ("content-type", kind)];
        headers.extend_from_slice(more);
        self.world.raw(method, &self.address(path), &headers, body).await
    }
}

/// Is the route a machine's?
pub fn is_machines(path: &str) -> bool {
    path.starts_with("/api/") || path.starts_with("/compat/")
}

/// Served without a person, a host or a ring: health, static files, reports.
pub fn is_bare(path: &str) -> bool {
    ["/healthz", "/readyz", "/csp-report"].contains(&path) || path.starts_with("/static/")
}

pub fn is_html(answer: &Answer) -> bool {
    answer.header("content-type").is_some_and(|t| t.starts_with("text/html"))
}
