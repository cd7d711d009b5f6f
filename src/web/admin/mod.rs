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
use super::pages::{AdminPage, Attention, Page, Section, Weight};
use super::present::html;
use crate::service::access::SignedIn;
use crate::service::admin::overview::Overview;

/// The frame of a page of the administration.
fn frame(visit: &Visit, person: &SignedIn) -> Page {
    visit.page(Some(person), Some(Section::Admin))
}

/// `/admin`: what wants attention, the worst first.
pub async fn overview(v: Visitor) -> Result<HttpResponse, WebError> {
    let found = v.visit.app.service.overview(&v.person, &v.visit.info).await?;
    let page = frame(&v.visit, &v.person);
    let mut attention = faults(&page, &found);
    attention.extend(found.warnings.iter().map(|warning| setting(&page, warning)));
    attention.extend(counted(&page, &found));
    attention.sort_by_key(|a| a.weight);
    let (partly, partly_contested) = (found.counts.more_devices, found.counts.more_contested);
    html(&AdminPage { attention, partly, partly_contested, page }, StatusCode::OK)
}

/// What is wrong with the installation itself.
fn faults(page: &Page, found: &Overview) -> Vec<Attention> {
    let trail = found.reads_trail.then_some(("/trail", "trail-title"));
    [
        (found.root_key_unconfirmed, "admin-root-key", None),
        (found.provider_down, "admin-provider-down", Some(("/admin/sign-in", "admin-tab-sign-in"))),
        (!found.trail_sound, "admin-trail", trail),
    ]
    .into_iter()
    .filter(|(wrong, ..)| *wrong)
    .map(|(_, key, link)| Attention::new(page, Weight::Bad, key, page.t(key), link))
    .collect()
}

/// What there are so many of, each with the list that names them.
fn counted(page: &Page, found: &Overview) -> Vec<Attention> {
    let (counts, tokens) = (&found.counts, &found.tokens);
    let n = |count: i64| usize::try_from(count).unwrap_or_default();
    let list = Some(("/admin/tokens", "admin-tab-tokens"));
    let trail = found.reads_trail.then_some(("/trail?event=reveal.break_glass", "trail-title"));
    [
        (Weight::Warn, "admin-break-glass", found.break_glass, trail),
        (Weight::Warn, "admin-tokens-ended", tokens.ended, list),
        (Weight::Warn, "admin-tokens-ending", tokens.ending, list),
        (Weight::Warn, "admin-tokens-waiting", tokens.waiting, list),
        (Weight::Warn, "admin-contested", counts.contested, Some(("/admin/devices?list=contested", "gap-contested"))),
        (Weight::Info, "admin-no-owner", n(counts.without_owner), Some(("/admin/devices?list=no-owner", "gap-no-owner"))),
        (Weight::Info, "admin-no-key", n(counts.without_key), Some(("/admin/devices?list=no-key", "gap-no-key"))),
    ]
    .into_iter()
    .filter(|(_, _, count, _)| *count > 0)
    .map(|(weight, key, count, link)| Attention::new(page, weight, key, page.count(key, count), link))
    .collect()
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
    let weight = if warning.contains("danger") { Weight::Bad } else { Weight::Warn };
    Attention { weight, what, what_to_do, link: None }
}
