//! Connecting a source: lines to copy with the real address in them, and a page that waits for the first key.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use super::frame;
use super::tokens::row;
use crate::domain::policy::Action;
use crate::domain::source::SourceRow;
use crate::domain::token::{ApiToken, Door, Scope};
use crate::service::admin::sources::{LastMac, last_mac};
use crate::web::WebError;
use crate::web::extract::{Visit, Visitor};
use crate::web::pages::{ConnectPage, Lines, Page, Tag, WaitPage, Waiting, Way, WayCard};
use crate::web::present::html;

/// Stands where a token's secret is not known any more.
const PLACEHOLDER: &str = "YOUR_TOKEN";

/// `/admin/connect`: which kind of source?
pub async fn choose(v: Visitor) -> Result<HttpResponse, WebError> {
    v.visit.app.service.permit(&v.person, Action::Administer, &v.visit.info).await?;
    let ways = Way::ALL.map(|way| WayCard { way, lines: of_way(&v.visit, way, PLACEHOLDER) }).into();
    html(&ConnectPage { page: frame(&v.visit, &v.person), ways }, StatusCode::OK)
}

/// The lines for a token: of the kind that it was made for, or of each that its door takes.
pub(super) fn lines(visit: &Visit, way: Option<Way>, token: &ApiToken, text: &str) -> Vec<Lines> {
    if !token.scopes.has(Scope::EscrowWrite) {
        return Vec::new();
    }
    let fits = |w: &Way| (*w == Way::Crypt) == (token.door == Door::CryptPath);
    let ways = match way.filter(fits) {
        Some(way) => vec![way],
        None => Way::ALL.into_iter().filter(fits).collect(),
    };
    ways.into_iter().flat_map(|way| of_way(visit, way, text)).collect()
}

fn of_way(visit: &Visit, way: Way, token: &str) -> Vec<Lines> {
    let origin = &visit.app.origin;
    let lines = |key: &str, text: String| Lines { title: crate::i18n::text(visit.lang, key), text };
    match way {
        Way::Crypt => vec![
            lines("connect-crypt-address", format!("{origin}/compat/crypt/{token}")),
            lines(
                "connect-crypt-line",
                format!("sudo defaults write /Library/Preferences/com.grahamgilbert.crypt ServerURL \"{origin}/compat/crypt/{token}\""),
            ),
        ],
        Way::Curl => vec![lines(
            "connect-curl-line",
            format!(
                "curl --fail-with-body {origin}/api/v1/deposits \\\n  --header \"Authorization: Bearer {token}\" \\\n  \
                 --header \"Content-Type: application/json\" \\\n  \
                 --data '{{\"serial\": \"C02EXAMPLE01\", \"recovery_key\": \"XXXX-XXXX-XXXX-XXXX-XXXX-XXXX\"}}'"
            ),
        )],
        Way::Json => vec![
            lines("connect-json-address", format!("POST {origin}/api/v1/deposits")),
            lines("connect-json-headers", format!("Authorization: Bearer {token}\nContent-Type: application/json")),
            lines(
                "connect-json-body",
                "{\n  \"serial\": \"C02EXAMPLE01\",\n  \"recovery_key\": \"XXXX-XXXX-XXXX-XXXX-XXXX-XXXX\"\n}".to_owned(),
            ),
        ],
    }
}

async fn found(v: &Visitor, id: &str) -> Result<(ApiToken, Option<SourceRow>), WebError> {
    Ok(v.visit.app.service.source(&v.person, id, &v.visit.info).await?)
}

/// `/admin/connect/{id}`: waits for the first key, by script or by asking again.
pub async fn wait(v: Visitor, id: web::Path<String>) -> Result<HttpResponse, WebError> {
    let (token, source) = found(&v, &id).await?;
    let page = frame(&v.visit, &v.person);
    let page = WaitPage {
        row: row(&v.visit, &token),
        waiting: waiting(&v.visit, &page, source.as_ref()),
        lines: lines(&v.visit, None, &token, PLACEHOLDER),
        page,
    };
    html(&page, StatusCode::OK)
}

/// What the waiting page's script is told.
#[derive(serde::Serialize)]
struct Status<'a> {
    received: bool,
    class: &'a str,
    glyph: &'a str,
    word: &'a str,
    text: &'a str,
}

pub async fn status(v: Visitor, id: web::Path<String>) -> Result<HttpResponse, WebError> {
    let (_, source) = found(&v, &id).await?;
    let now = waiting(&v.visit, &frame(&v.visit, &v.person), source.as_ref());
    let Tag { class, glyph, text } = &now.tag;
    Ok(HttpResponse::Ok().json(Status { received: now.received, class, glyph, word: text, text: &now.text }))
}

fn waiting(visit: &Visit, page: &Page, source: Option<&SourceRow>) -> Waiting {
    let tag = |class, glyph, key: &str| Tag { class, glyph, text: page.t(key) };
    let refused = source.map_or(0, |s| s.refused);
    let Some((source, last_seen)) = source.and_then(|s| Some((s, s.last_seen?))) else {
        let text = match usize::try_from(refused) {
            Ok(n) if n > 0 => page.count("wait-refused", n),
            _ => page.t("wait-none"),
        };
        let tag = if refused > 0 { tag("bad", "✕", "wait-tag-refused") } else { tag("off", "○", "wait-tag-none") };
        return Waiting { tag, text, received: false };
    };
    let when = visit.formats().relative(last_seen).human;
    let text = match last_mac(source) {
        Some(LastMac::Serial(serial)) => page.tvv("wait-received", ("when", &when), ("serial", serial.as_str())),
        Some(LastMac::Personal) => page.tv("wait-received-personal", "when", &when),
        None => page.tv("wait-received-some", "when", &when),
    };
    let all = page.count("wait-so-far", usize::try_from(source.deposits).unwrap_or(usize::MAX));
    Waiting { tag: tag("ok", "●", "wait-tag-received"), text: format!("{text} {all}"), received: true }
}
