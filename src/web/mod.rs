//! HTTP: the route table, and nothing that reaches a key but through a service that has written its trail row.
//!
//! Handlers parse, make one service call, render. The guard stands in a handler's signature (`Visitor`, `Form`, a token);
//! what holds for every answer (headers, host, cross-site checks, sealed, panics, the log line) is in `guard`, always on.

mod admin;
mod agents;
pub mod api;
pub mod assets;
pub mod brand;
mod desk;
mod error;
mod extract;
pub mod gate;
mod guard;
mod health;
mod operations;
pub mod pages;
mod place;
mod portal;
mod present;
mod proxy;
mod reveal;
mod signin;
mod strict;
mod trail;
mod unread;

use std::time::Duration;

use actix_web::dev::ServiceResponse;
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono_tz::Tz;
use ipnet::IpNet;

use crate::i18n::Language;
use crate::service::Keyharbor;
pub use error::WebError;

/// What every handler can reach.
pub struct App {
    pub service: Keyharbor,
    pub brand: brand::Brand,
    /// "Sign in with …".
    pub provider: String,
    pub zone: Tz,
    pub default_language: Language,
    /// Scheme, host and port that requests must name.
    pub origin: String,
    pub host: String,
    pub https: bool,
    pub trusted_proxies: Vec<IpNet>,
    pub body_deadline: Duration,
    pub gate: gate::Gate,
}

impl App {
    /// # Errors
    /// [`crate::config::ConfigError`].
    pub fn new(service: Keyharbor) -> Result<Self, crate::config::ConfigError> {
        let rules = service.rules();
        let (config, origin) = (&rules.config, rules.origin.clone());
        let portal = &config.portal;
        Ok(Self {
            brand: brand::Brand::of(portal)?,
            provider: portal.organisation.clone().unwrap_or_else(|| portal.brand.clone()),
            zone: config.time_zone()?,
            default_language: Language::parse(&portal.default_language).unwrap_or_default(),
            host: origin.split_once("://").map_or_else(String::new, |(_, host)| host.to_owned()),
            https: origin.starts_with("https:"),
            origin,
            trusted_proxies: config.server.trusted_proxies.clone(),
            body_deadline: Duration::from_secs(config.server.body_deadline_seconds.max(1)),
            gate: gate::Gate::default(),
            service,
        })
    }
}

/// Who may call a route. The handler's signature enforces it; this is what the committed table says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admits {
    /// Anybody.
    Public,
    /// A signed-in person; the service asks the policy.
    Person,
    /// A token at the API.
    Token,
    /// A token in an agent's way.
    Agent,
}

/// A line of the route table.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    pub method: &'static str,
    pub path: &'static str,
    pub admits: Admits,
}

macro_rules! routes {
    ($(#[doc = $about:literal])* $name:ident, $table:ident; $($path:literal { $($method:ident $handler:path: $admits:ident),+ })+) => {
        $(#[doc = $about])*
        pub const $name: &[Route] = &[$($(Route { method: stringify!($method), path: $path, admits: Admits::$admits }),+),+];

        fn $table(cfg: &mut web::ServiceConfig) {
            $(cfg.service(
                web::resource($path)
                    $(.route(web::route().method(actix_web::http::Method::$method).to($handler)))+
                    .default_service(web::to(async || -> Result<HttpResponse, WebError> { Err(method_not_allowed(concat!($(stringify!($method), " "),+))) })),
            );)+
        }
    };
}

routes! {
    /// Every route of the public listener. HEAD stands where a GET changes nothing and asks about nobody: what health checks
    /// and link checkers look at. A page that a person is shown is shown, and recorded, by GET alone. They are tried one after the
    /// other: a fleet's come first.
    ROUTES, table;
    "/api/v1/deposits" { POST api::deposits::create: Token }
    "/api/v1/devices" { GET api::devices::list: Token }
    "/api/v1/devices/{serial}" { GET api::devices::read: Token, PUT api::devices::write: Token }
    "/api/v1/devices/{serial}/escrow-status" { GET api::devices::status: Token }
    "/api/v1/events" { GET api::events::list: Token }
    "/compat/crypt/checkin" { POST agents::check_in: Agent }
    "/compat/crypt/checkin/" { POST agents::check_in: Agent }
    "/compat/crypt/verify/{serial}/{kind}" { GET agents::verify: Agent }
    "/compat/crypt/verify/{serial}/{kind}/" { GET agents::verify: Agent }
    "/compat/crypt/{token}/checkin" { POST agents::check_in: Agent }
    "/compat/crypt/{token}/checkin/" { POST agents::check_in: Agent }
    "/compat/crypt/{token}/verify/{serial}/{kind}" { GET agents::verify: Agent }
    "/compat/crypt/{token}/verify/{serial}/{kind}/" { GET agents::verify: Agent }
    "/" { GET portal::start: Public, HEAD portal::start: Public }
    "/healthz" { GET health::live: Public, HEAD health::live: Public }
    "/readyz" { GET health::ready: Public, HEAD health::ready: Public }
    "/static/{name:.*}" { GET health::asset: Public, HEAD health::asset: Public }
    "/csp-report" { POST health::csp_report: Public }
    "/status" { GET portal::status: Public, HEAD portal::status: Public }
    "/help" { GET portal::help: Public, HEAD portal::help: Public }
    "/help/sign-in" { GET portal::help_sign_in: Public, HEAD portal::help_sign_in: Public }
    "/help/not-listed" { GET portal::help_not_listed: Public, HEAD portal::help_not_listed: Public }
    "/language/{code}" { GET portal::language: Public }
    "/sign-in" { GET signin::sign_in: Public }
    "/auth/callback" { GET signin::callback: Public }
    "/auth/backchannel-logout" { POST signin::backchannel_logout: Public }
    "/sign-out" { POST signin::sign_out: Person }
    "/signed-out" { GET signin::signed_out: Public, HEAD signin::signed_out: Public }
    "/devices" { GET portal::devices: Person }
    "/devices/{id}" { GET portal::device: Person }
    "/devices/{id}/reveal" { POST reveal::press: Person }
    "/reveals/{id}" { GET reveal::page: Person }
    "/reveals/{id}/renew" { POST reveal::renew: Person }
    "/reveals/{id}/hide" { POST reveal::hide: Person }
    "/desk" { GET desk::search: Person }
    "/desk/devices/{id}" { GET desk::device: Person }
    "/desk/devices/{id}/reveal" { POST desk::press: Person }
    "/trail" { GET trail::page: Person }
    "/trail/devices/{id}" { GET trail::device: Person }
    "/trail/people" { GET trail::person: Person }
    "/trail/export" { POST trail::export: Person }
    "/admin" { GET admin::overview: Person }
    "/admin/tokens" { GET admin::tokens::list: Person, POST admin::tokens::make: Person }
    "/admin/tokens/new" { GET admin::tokens::new: Person }
    "/admin/tokens/{token_id}/revoke" { GET admin::tokens::ask: Person, POST admin::tokens::revoke: Person }
    "/admin/sources" { GET admin::lists::sources: Person }
    "/admin/devices" { GET admin::lists::devices: Person }
    "/admin/sessions" { GET admin::lists::sessions: Person }
    "/admin/sessions/{line}/end" { POST admin::lists::end: Person }
    "/admin/sign-in" { GET admin::trial::page: Person }
    "/admin/sign-in/start" { GET admin::trial::start: Person }
    "/admin/connect" { GET admin::connect::choose: Person }
    "/admin/connect/{token_id}" { GET admin::connect::wait: Person }
    "/admin/connect/{token_id}/status" { GET admin::connect::status: Person }
}

routes! {
    /// Every route of the second listener, for those who run the server.
    OPERATIONS, operations_table;
    "/healthz" { GET health::live: Public, HEAD health::live: Public }
    "/readyz" { GET health::ready: Public, HEAD health::ready: Public }
    "/metrics" { GET operations::metrics: Public, HEAD operations::metrics: Public }
    "/docs" { GET api::reference::page: Public, HEAD api::reference::page: Public }
    "/docs.css" { GET api::reference::sheet: Public, HEAD api::reference::sheet: Public }
    "/openapi.json" { GET api::reference::openapi: Public, HEAD api::reference::openapi: Public }
}

fn method_not_allowed(methods: &str) -> WebError {
    WebError::MethodNotAllowed { allow: methods.trim_end().replace(' ', ", ") }
}

/// Looks who is there, so that the page keeps the menu of somebody who is signed in.
async fn not_found(req: HttpRequest, visit: extract::Visit) -> Result<HttpResponse, WebError> {
    let _ = extract::person_of(&req, &visit).await;
    Err(WebError::NotFound)
}

/// The whole application: routes, and the guard around all of them.
pub fn application(
    app: web::Data<App>,
) -> actix_web::App<
    impl actix_web::dev::ServiceFactory<
        actix_web::dev::ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl actix_web::body::MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    actix_web::App::new().app_data(app).configure(table).default_service(web::to(not_found)).wrap(from_fn(guard::around))
}

/// What the second listener serves: never a page of the portal.
pub fn operations_application(
    app: web::Data<App>,
) -> actix_web::App<
    impl actix_web::dev::ServiceFactory<
        actix_web::dev::ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl actix_web::body::MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    let nothing = web::to(async || -> Result<HttpResponse, WebError> { Err(WebError::NotFound) });
    actix_web::App::new().app_data(app).configure(operations_table).default_service(nothing).wrap(from_fn(operations::around))
}
