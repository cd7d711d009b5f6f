//! The administration: tokens, sources, what is missing, sessions, the test sign-in, connecting a source. No page of it reaches
//! a key; what a page may show is decided by the services.

pub mod connect;
pub mod lists;
pub mod tokens;
pub mod trial;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use super::WebError;
use super::extract::{Visit, Visitor};
use super::pages::{AdminPage, Attention, Figure, Page, Section};
use super::present::html;
use crate::i18n::number;
use crate::service::access::SignedIn;
use crate::service::admin::gaps::GapCounts;

/// The frame of a page of the administration.
fn frame(visit: &Visit, person: &SignedIn) -> Page {
    visit.page(Some(person), Some(Section::Admin))
}

/// `/admin`: what wants attention, and the figures.
pub async fn overview(v: Visitor) -> Result<HttpResponse, WebError> {
    let found = v.visit.app.service.overview(&v.person, &v.visit.info).await?;
    let page = frame(&v.visit, &v.person);
    let note = |class, key: &str, link: Option<(&'static str, &str)>| Attention {
        class,
        what: page.t(key),
        what_to_do: page.t(&format!("{key}-do")),
        link: link.map(|(href, key)| (href, page.t(key))),
    };
    let mut attention = Vec::new();
    if found.root_key_unconfirmed {
        attention.push(note("bad", "admin-root-key", None));
    }
    if found.provider_down {
        attention.push(note("bad", "admin-provider-down", Some(("/admin/sign-in", "admin-tab-sign-in"))));
    }
    attention.extend(found.warnings.iter().map(|warning| setting(&page, warning)));
    if found.counts.contested > 0 {
        attention.push(note("warn", "admin-contested", Some(("/admin/devices?list=contested", "gap-contested"))));
    }
    let figures = figures(&page, &found.counts);
    html(&AdminPage { attention, figures, partly: found.counts.more_devices, page }, StatusCode::OK)
}

/// The settings that warn, and where their sentences stand.
const SETTINGS: [(&str, &str); 4] = [
    ("server.trusted_proxies", "warning-server-trusted_proxies"),
    ("oidc.owner_claim", "warning-oidc-owner_claim"),
    ("oidc.danger_step_up", "warning-oidc-danger_step_up"),
    ("oidc.roles", "warning-oidc-roles"),
];

/// A warning about a setting in the reader's language; one that has no text there says itself.
fn setting(page: &Page, warning: &str) -> Attention {
    let name = warning.split_whitespace().next().unwrap_or_default();
    let known = SETTINGS.iter().find(|(setting, _)| *setting == name);
    let (what, what_to_do) =
        known.map_or_else(|| (warning.to_owned(), String::new()), |(_, key)| (page.t(key), page.t(&format!("{key}-do"))));
    Attention { class: if name.contains("danger") { "bad" } else { "warn" }, what, what_to_do, link: None }
}

fn figures(page: &Page, counts: &GapCounts) -> Vec<Figure> {
    let shown = |n: i64, more: bool| {
        let figure = number(page.lang, n);
        if more { page.tv("admin-at-least", "n", figure) } else { figure }
    };
    let figure = |key: &str, n, more, href| Figure { label: page.t(key), value: shown(n, more), href };
    let contested = i64::try_from(counts.contested).unwrap_or(i64::MAX);
    vec![
        figure("gap-no-owner", counts.without_owner, counts.more_devices, "/admin/devices?list=no-owner"),
        figure("gap-no-key", counts.without_key, counts.more_devices, "/admin/devices?list=no-key"),
        figure("gap-contested", contested, counts.more_contested, "/admin/devices?list=contested"),
    ]
}
