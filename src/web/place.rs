//! Which page a request belongs to, for the ways back: the choice of language, "Try again", the page of a form that was refused.
//!
//! A form's page is the nearest above its address that answers to GET: `/desk/devices/{id}/reveal` is pressed on
//! `/desk/devices/{id}`.

use actix_web::HttpRequest;

use super::{ROUTES, Route};
use crate::domain::ids::DeviceId;
use crate::service::sign_in::safe_return;

/// By GET, but no pages: they lead on, and asked for once more they do once more what they did.
const NO_PAGES: [&str; 5] = ["/auth/callback", "/language/{code}", "/sign-in", "/admin/sign-in/start", "/admin/connect/{token_id}/status"];
/// Callers that read no pages: nothing is looked up for them.
const MACHINES: [&str; 3] = ["/api/", "/compat/", "/static/"];

/// The page that this request belongs to: with its query when that is harmless and the page itself was asked for; `/` for none.
pub fn page_of(req: &HttpRequest) -> String {
    let path = req.path();
    if MACHINES.iter().any(|start| path.starts_with(start)) {
        return "/".to_owned();
    }
    let pattern = req.match_pattern();
    let page = pattern.as_deref().and_then(page_above).map_or("/", |page| first_segments(path, page.matches('/').count()));
    if page != path || !req.method().is_safe() {
        return safe_return(page);
    }
    let whole = safe_return(req.uri().path_and_query().map_or("/", |p| p.as_str()));
    // A query that cannot be a way back leaves the page.
    if whole == "/" { safe_return(page) } else { whole }
}

/// The pattern of the page at this pattern or above it.
fn page_above(pattern: &str) -> Option<&'static str> {
    let is_page = |r: &&Route, pattern: &str| r.method == "GET" && r.path == pattern && !NO_PAGES.contains(&r.path);
    let mut rest = pattern;
    while !rest.is_empty() {
        if let Some(route) = ROUTES.iter().find(|r| is_page(r, rest)) {
            return Some(route.path);
        }
        rest = rest.rsplit_once('/')?.0;
    }
    None
}

/// The path as far as this many of its segments: `/a/b` of `/a/b/c` for 2.
fn first_segments(path: &str, count: usize) -> &str {
    let end = path.match_indices('/').nth(count).map(|(at, _)| at);
    path.get(..end.unwrap_or(path.len())).unwrap_or("/")
}

/// The address, if it holds nothing of the caller's own: a page of ours without a query, and no name in it but an id; else the nearest
/// such page above it.
pub fn harmless(address: &str) -> &str {
    let fixed =
        |path: &str| ROUTES.iter().any(|r| r.method == "GET" && r.path == path && !r.path.contains('{') && !NO_PAGES.contains(&r.path));
    let of_a_row = |path: &str| {
        ["/devices/", "/desk/devices/", "/reveals/"]
            .iter()
            .any(|start| path.strip_prefix(start).and_then(DeviceId::parse).is_some_and(|id| path.ends_with(&format!("/{id}"))))
    };
    let mut rest = address.split_once('?').map_or(address, |(path, _)| path);
    while !rest.is_empty() {
        if fixed(rest) || of_a_row(rest) {
            return rest;
        }
        rest = rest.rsplit_once('/').map_or("", |(above, _)| above);
    }
    "/"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_every_form_answers_to_get() {
        let forms = ROUTES.iter().filter(|r| r.method == "POST" && !MACHINES.iter().any(|m| r.path.starts_with(m)));
        let mut found: Vec<String> = forms.map(|r| format!("{} {}", r.path, page_above(r.path).unwrap_or("/"))).collect();
        found.sort();
        assert_eq!(
            found,
            [
                "/admin/sessions/{line}/end /admin/sessions",
                "/admin/tokens /admin/tokens",
                "/admin/tokens/{token_id}/revoke /admin/tokens/{token_id}/revoke",
                "/auth/backchannel-logout /",
                "/csp-report /",
                "/desk/devices/{id}/reveal /desk/devices/{id}",
                "/devices/{id}/reveal /devices/{id}",
                "/reveals/{id}/hide /reveals/{id}",
                "/reveals/{id}/renew /reveals/{id}",
                "/sign-out /",
                "/trail/export /trail",
            ]
        );
        let above = NO_PAGES.map(page_above);
        assert_eq!(above, [None, None, None, Some("/admin/sign-in"), Some("/admin/connect/{token_id}")]);
        assert_eq!(first_segments("/desk/devices/1/reveal", 3), "/desk/devices/1");
        assert_eq!(first_segments("/desk", 1), "/desk");
    }

    #[test]
    fn a_harmless_way_back_holds_nothing_of_the_callers() {
        let id = "01a20229-70c0-7aa5-befd-0bc6d3241581";
        for (address, wanted) in [
            ("/", "/"),
            ("/desk?q=ABCD-EFGH", "/desk"),
            ("/admin/tokens/0123456789abcdef/revoke", "/admin/tokens"),
            ("/desk/devices/x?y", "/desk"),
            ("/reveals/x", "/"),
            ("/auth/callback?code=x", "/"),
            ("/nowhere", "/"),
            ("//desk", "/"),
            ("", "/"),
        ] {
            assert_eq!(harmless(address), wanted, "{address}");
        }
        for page in ["/devices/", "/desk/devices/", "/reveals/"] {
            let address = format!("{page}{id}");
            assert_eq!(harmless(&format!("{address}?x")), address);
        }
    }
}
