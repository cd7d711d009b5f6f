//! How each route is asked: a request that would succeed for whom it is made.

use keyharbor::domain::token::{Door, Scope};

/// Whose Mac the request is about, seen from Astrid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    Own,
    Others,
    /// Astrid's, and nobody else's business.
    Personal,
    /// Astrid's again; of grants: one that Kim of the helpdesk got for it, with a reason.
    ByDesk,
}

impl Target {
    pub const DEVICES: [Self; 3] = [Self::Own, Self::Others, Self::Personal];
    pub const GRANTS: [Self; 4] = [Self::Own, Self::Others, Self::Personal, Self::ByDesk];

    pub fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Others => "other's",
            Self::Personal => "personal",
            Self::ByDesk => "by desk",
        }
    }

    pub fn serial(self) -> &'static str {
        match self {
            Self::Own | Self::ByDesk => "C02OWN000001",
            Self::Others => "C02OTHER0001",
            Self::Personal => "C02PERSONAL1",
        }
    }
}

/// What a request to a route holds.
pub enum Body {
    None,
    /// A form of ours; the csrf field is added.
    Form(&'static [(&'static str, &'static str)]),
    /// `{serial}` is filled in.
    Json(&'static str),
    /// A check-in in an agent's form.
    CheckIn,
}

pub struct Recipe {
    pub body: Body,
    /// The answer may depend on whose device it is.
    pub device: bool,
    /// The scope that opens it, and the door of the token.
    pub token: Option<(Scope, Door)>,
}

const DESK: &[(&str, &str)] =
    &[("ticket", "INC1"), ("reason", "forgot_password"), ("reason_text", ""), ("identity", "called back"), ("version", "")];
const DEPOSIT: &str = r#"{"serial": "{serial}", "recovery_key": "AAAA-BBBB-CCCC-DDDD-EEEE-FFF2"}"#;

const TOKEN: &[(&str, &str)] = &[
    ("id", "0123456789abcdef"),
    ("name", "MDM"),
    ("escrow_write", "on"),
    ("door", "header"),
    ("trust", "proven"),
    ("devices", ""),
    ("expires", "90d"),
];

fn plain() -> Recipe {
    Recipe { body: Body::None, device: false, token: None }
}

fn press(fields: &'static [(&'static str, &'static str)], device: bool) -> Recipe {
    Recipe { body: Body::Form(fields), device, token: None }
}

fn by_token(body: Body, scope: Scope, door: Door) -> Recipe {
    Recipe { body, device: true, token: Some((scope, door)) }
}

/// `None` for a route that nobody has thought of here: its row is missing, and the test says so.
pub fn recipe(method: &str, path: &str) -> Option<Recipe> {
    Some(match (method, path) {
        ("GET", "/" | "/healthz" | "/readyz" | "/static/{name:.*}" | "/status" | "/help" | "/help/sign-in" | "/help/not-listed") => plain(),
        ("HEAD", "/" | "/healthz" | "/readyz" | "/static/{name:.*}" | "/status" | "/help" | "/help/sign-in" | "/help/not-listed") => {
            plain()
        }
        ("HEAD", "/signed-out") => plain(),
        ("GET", "/language/{code}" | "/sign-in" | "/auth/callback" | "/signed-out" | "/devices" | "/desk" | "/trail") => plain(),
        // Nobody has acted under that subject: to an auditor, too, it is unknown.
        ("GET", "/trail/people") => plain(),
        ("GET", "/trail/devices/{id}") => Recipe { device: true, ..plain() },
        ("POST", "/trail/export") => press(&[("format", "csv")], false),
        ("POST", "/csp-report") => Recipe { body: Body::Json("{}"), ..plain() },
        ("POST", "/auth/backchannel-logout") => press(&[("logout_token", "none")], false),
        ("POST", "/sign-out") => press(&[], false),
        ("GET", "/devices/{id}" | "/reveals/{id}" | "/desk/devices/{id}") => Recipe { device: true, ..plain() },
        ("POST", "/devices/{id}/reveal" | "/reveals/{id}/renew" | "/reveals/{id}/hide") => press(&[], true),
        ("POST", "/desk/devices/{id}/reveal") => press(DESK, true),
        ("POST", "/api/v1/deposits") => by_token(Body::Json(DEPOSIT), Scope::EscrowWrite, Door::Header),
        ("GET", "/api/v1/devices") => Recipe { device: false, ..by_token(Body::None, Scope::DevicesRead, Door::Header) },
        ("GET", "/api/v1/events") => Recipe { device: false, ..by_token(Body::None, Scope::AuditRead, Door::Header) },
        ("GET", "/api/v1/devices/{serial}") => by_token(Body::None, Scope::DevicesRead, Door::Header),
        ("PUT", "/api/v1/devices/{serial}") => by_token(Body::Json(r#"{"model": "Mac"}"#), Scope::DevicesWrite, Door::Header),
        ("GET", "/api/v1/devices/{serial}/escrow-status") => by_token(Body::None, Scope::StatusRead, Door::Header),
        ("POST", "/compat/crypt/checkin" | "/compat/crypt/checkin/") => by_token(Body::CheckIn, Scope::EscrowWrite, Door::Header),
        ("GET", "/compat/crypt/verify/{serial}/{kind}" | "/compat/crypt/verify/{serial}/{kind}/") => {
            by_token(Body::None, Scope::StatusRead, Door::Header)
        }
        ("POST", "/compat/crypt/{token}/checkin" | "/compat/crypt/{token}/checkin/") => {
            by_token(Body::CheckIn, Scope::EscrowWrite, Door::CryptPath)
        }
        ("GET", "/compat/crypt/{token}/verify/{serial}/{kind}" | "/compat/crypt/{token}/verify/{serial}/{kind}/") => {
            by_token(Body::None, Scope::StatusRead, Door::CryptPath)
        }
        ("GET", "/admin" | "/admin/tokens" | "/admin/tokens/new" | "/admin/sources" | "/admin/devices" | "/admin/sessions") => plain(),
        ("GET", "/admin/sign-in" | "/admin/sign-in/start" | "/admin/connect") => plain(),
        ("GET", "/admin/tokens/{token_id}/revoke" | "/admin/connect/{token_id}" | "/admin/connect/{token_id}/status") => plain(),
        ("POST", "/admin/tokens") => press(TOKEN, false),
        ("POST", "/admin/tokens/{token_id}/revoke" | "/admin/sessions/{line}/end") => press(&[], false),
        _ => return None,
    })
}
