//! Who asks: people through a browser, tokens in the way the route wants them.

use actix_web::http::Method;
use keyharbor::domain::audit::Actor;
use keyharbor::domain::escrow::Trust;
use keyharbor::domain::token::{Door, Scope, Scopes};
use keyharbor::service::tokens::NewToken;
use keyharbor::web::Route;

use super::recipes::{Body, Recipe, Target};
use crate::world::{Browser, KEY, ORIGIN, World};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    Anonymous,
    /// Astrid.
    Owner,
    /// Berit, who owns another.
    Employee,
    /// Kim.
    Helpdesk,
    /// Kaj, who owns a Mac and a personal one himself: for him, "own" and "personal" are these.
    HelpdeskOwner,
    Auditor,
    Admin,
    /// Astrid, after her session was ended in another window.
    Ended,
    Fitting,
    OtherScopes,
    OtherDoor,
    Expired,
    Revoked,
}

impl Who {
    pub const ALL: [Self; 13] = [
        Self::Anonymous,
        Self::Owner,
        Self::Employee,
        Self::Helpdesk,
        Self::HelpdeskOwner,
        Self::Auditor,
        Self::Admin,
        Self::Ended,
        Self::Fitting,
        Self::OtherScopes,
        Self::OtherDoor,
        Self::Expired,
        Self::Revoked,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Owner => "employee, the owner",
            Self::Employee => "employee, another",
            Self::Helpdesk => "helpdesk",
            Self::HelpdeskOwner => "helpdesk, an owner",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
            Self::Ended => "owner, session ended",
            Self::Fitting => "token, fitting scope",
            Self::OtherScopes => "token, other scopes",
            Self::OtherDoor => "token, other door",
            Self::Expired => "token, expired",
            Self::Revoked => "token, revoked",
        }
    }

    /// The Mac that stands for the target, seen from this caller.
    fn serial(self, target: Target) -> &'static str {
        match (self, target) {
            (Self::HelpdeskOwner, Target::Own) => "C02KAJ000001",
            (Self::HelpdeskOwner, Target::Personal) => "C02KAJPERS01",
            (_, target) => target.serial(),
        }
    }

    /// Was a grant of that kind given to this caller?
    fn holds(self, target: Target) -> bool {
        match target {
            Target::Own | Target::Personal => matches!(self, Self::Owner | Self::HelpdeskOwner),
            Target::ByDesk => self == Self::Helpdesk,
            Target::Others => false,
        }
    }

    fn login(self) -> Option<&'static str> {
        match self {
            Self::Owner | Self::Ended => Some("astrid"),
            Self::Employee => Some("berit"),
            Self::Helpdesk => Some("kim"),
            Self::HelpdeskOwner => Some("kaj"),
            Self::Auditor => Some("eva"),
            Self::Admin => Some("ola"),
            _ => None,
        }
    }
}

pub struct Cast {
    world: World,
}

impl Cast {
    pub async fn new() -> Self {
        let world = World::with(|c| (c.reveal.per_minute, c.reveal.per_hour, c.reveal.per_day) = (1000, 1000, 1000)).await;
        let writer = world.token(&[Scope::DevicesWrite], Door::Header, Trust::Observed).await;
        for (who, target, owner) in [
            (Who::Owner, Target::Own, "astrid"),
            (Who::Owner, Target::Others, "dora"),
            (Who::Owner, Target::Personal, "astrid"),
            (Who::HelpdeskOwner, Target::Own, "kaj"),
            (Who::HelpdeskOwner, Target::Personal, "kaj"),
        ] {
            let serial = who.serial(target);
            world.own(serial, owner).await;
            world.deposit(serial, KEY, Trust::Observed).await;
            if target == Target::Personal {
                let body = serde_json::json!({"ownership": "personal"});
                world.api(Method::PUT, &format!("/api/v1/devices/{serial}"), &writer, Some(body)).await;
            }
        }
        world.idp.person("dora", &[]);
        world.idp.person("kaj", &["mac-helpdesk"]);
        world.own("C02BERIT0001", "berit").await;
        Self { world }
    }

    /// A token as that caller holds it; routes for people get the one with every scope.
    async fn token(&self, who: Who, recipe: &Recipe) -> String {
        let (scope, door) = recipe.token.unwrap_or((Scope::EscrowWrite, Door::Header));
        let all = || Scope::ALL.into_iter();
        let scopes: Scopes = match who {
            Who::OtherScopes => all().filter(|s| *s != scope).fold(Scopes::default(), Scopes::with),
            _ if recipe.token.is_none() => all().fold(Scopes::default(), Scopes::with),
            _ => Scopes::default().with(scope),
        };
        let door = match (who, door) {
            (Who::OtherDoor, Door::Header) => Door::CryptPath,
            (Who::OtherDoor, Door::CryptPath) => Door::Header,
            (_, door) => door,
        };
        let expires_at = (who == Who::Expired).then(|| self.world.env.now().plus_seconds(1));
        let new = NewToken { name: who.name().into(), scopes, door, device_pattern: None, trust: Trust::Observed, expires_at };
        let (token, text) = self.world.service.create_token(new, Actor::Operator).await.unwrap();
        match who {
            Who::Expired => self.world.clock.advance_seconds(1),
            Who::Revoked => assert!(self.world.service.revoke_token(&token.id, Actor::Operator).await.unwrap()),
            _ => {}
        }
        text.as_str().to_owned()
    }

    /// A fresh grant of the device's owner, or of the desk for it, and the browser it was given to.
    async fn grant(&self, who: Who, target: Target) -> (String, Browser) {
        let holder = match (who, target) {
            (_, Target::Others) => "dora",
            (_, Target::ByDesk) => "kim",
            (Who::HelpdeskOwner, _) => "kaj",
            _ => "astrid",
        };
        let device = self.world.device_id(who.serial(target)).await;
        let mut browser = self.world.signed_in(holder).await;
        let answer = if target == Target::ByDesk { browser.desk_reveal(&device, &[]).await } else { browser.reveal(&device).await };
        let grant = answer.location().strip_prefix("/reveals/").unwrap_or_else(|| panic!("no grant: {}", answer.text));
        (grant.to_owned(), browser)
    }

    pub async fn ask(&self, who: Who, route: &Route, recipe: &Recipe, target: Target) -> u16 {
        let world = &self.world;
        let token = if who.login().is_some() || who == Who::Anonymous { None } else { Some(self.token(who, recipe).await) };
        let in_path = matches!(recipe.token, Some((_, Door::CryptPath)));
        let mut path = route.path.replace("{serial}", who.serial(target)).replace("{kind}", "recovery_key").replace("{code}", "sv");
        path = path.replace("{name:.*}", "app.css");
        // Whoever has no token of a path puts something of its form there.
        let stranger = format!("kh_{}_{}", "0".repeat(16), "a".repeat(43));
        path = path.replace("{token}", token.as_deref().unwrap_or(&stranger));
        if path.contains("{token_id}") {
            let text = self.world.token(&[Scope::EscrowWrite], Door::Header, Trust::Observed).await;
            path = path.replace("{token_id}", crate::world::token_id(&text));
        }
        if path.contains("{line}") {
            path = path.replace("{line}", &self.line_of_dora().await);
        }
        let mut granted = None;
        if path.starts_with("/reveals/") {
            let (id, browser) = self.grant(who, target).await;
            path = path.replace("{id}", &id);
            // A grant is bound to the session line it was given to.
            granted = Some(browser).filter(|_| who.holds(target));
        } else if path.contains("{id}") {
            path = path.replace("{id}", &world.device_id(who.serial(target)).await);
        }
        if route.path.starts_with("/static/") {
            path = self.asset().await;
        }
        let method: Method = route.method.parse().unwrap();
        let mut browser = match (granted, who.login()) {
            (Some(browser), _) => browser,
            (None, Some(login)) => world.signed_in(login).await,
            (None, None) => world.browser(),
        };
        if who == Who::Ended {
            let mut window = world.browser();
            window.jar.clone_from(&browser.jar);
            browser.get("/help").await;
            assert_eq!(window.post("/sign-out", &[]).await.status, 303);
        }
        if let Some(token) = token.filter(|_| !in_path) {
            browser.headers.push(("authorization".into(), format!("Bearer {token}")));
        }
        let answer = match &recipe.body {
            Body::None => browser.request(method, &path, &[], String::new()).await,
            Body::Form(fields) => browser.post(&path, fields).await,
            Body::Json(text) => {
                let body = text.replace("{serial}", who.serial(target));
                browser.request(method, &path, &[("content-type", "application/json"), ("origin", ORIGIN)], body).await
            }
            Body::CheckIn => {
                let body = format!("serial={}&recovery_password={KEY}&username=x&macname=y", who.serial(target));
                browser.request(method, &path, &[("content-type", "application/x-www-form-urlencoded")], body).await
            }
        };
        let shows = answer.text.contains(KEY) || answer.key().is_some();
        let may = route.path == "/reveals/{id}" && who.holds(target);
        assert_eq!(shows, may, "{} by {who:?} of {target:?}", route.path);
        answer.status.as_u16()
    }

    /// A session that somebody else has open.
    async fn line_of_dora(&self) -> String {
        self.world.signed_in("dora").await;
        let all = self.world.fresh.store.read().await.unwrap().sessions().await.unwrap();
        all.last().unwrap().parts().0.line.to_string()
    }

    async fn asset(&self) -> String {
        let page = self.world.browser().get("/help").await.text;
        let (_, rest) = page.split_once("href=\"/static/").unwrap();
        format!("/static/{}", rest.split_once('"').unwrap().0)
    }
}
