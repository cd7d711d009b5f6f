//! The front door of a sign-in: the client's request, the person's login and password, the way back. And the way out.

use std::collections::BTreeMap;

use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;
use url::Url;

use super::guard::own_form;
use super::pages::{self, Form};
use super::state::{Grant, Request, Session};
use super::{Person, Provider};

/// Not the portal's name, and not its host either.
const COOKIE: &str = "demo_provider";

/// Parameters, each at most once; `None` when one comes twice.
pub(super) fn pairs(text: &[u8]) -> Option<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(text).into_owned() {
        if all.insert(name, value).is_some() {
            return None;
        }
    }
    Some(all)
}

/// What a request asks of the person, besides being known.
struct Wish {
    login: bool,
    silent: bool,
    max_age: Option<i64>,
}

pub(super) async fn authorize(provider: web::Data<Provider>, http: HttpRequest) -> HttpResponse {
    let settings = &provider.settings;
    let query = pairs(http.query_string().as_bytes()).unwrap_or_default();
    let get = |name: &str| query.get(name).map(String::as_str);
    if get("client_id") != Some(&settings.client_id) || get("redirect_uri") != Some(&settings.redirect_uri) {
        return pages::problem(&provider, "The application that sent you here is not known, or asked to be answered somewhere else.");
    }
    let state = get("state").unwrap_or_default();
    let (request, wish) = match checked(&query) {
        Ok(good) => good,
        Err(error) => return back(&provider, state, ("error", error)),
    };
    let browser = http.cookie(COOKIE).map(|c| c.value().to_owned());
    let session = browser.as_deref().and_then(|b| provider.book.session(b));
    let now = provider.env.now();
    let enough = |s: &Session| {
        let fresh = wish.max_age.is_none_or(|max| now.seconds_since(s.auth_time) <= max);
        !wish.login && fresh && (s.high || !request.high)
    };
    match session.clone().filter(enough) {
        Some(session) => finish(&provider, request, session),
        None if wish.silent => back(&provider, state, ("error", "login_required")),
        None => {
            let browser = browser.unwrap_or_else(|| provider.book.random());
            let name = provider.book.open(request.clone(), &browser);
            let login = session.map(|s| s.login).unwrap_or_default();
            let mut page =
                pages::sign_in(&provider, Form { name: &name, login: &login, again: !login.is_empty(), wrong: false, high: request.high });
            remember(&mut page, browser);
            page
        }
    }
}

/// Checks all but client and redirect address. The error is an OAuth code.
fn checked(query: &BTreeMap<String, String>) -> Result<(Request, Wish), &'static str> {
    let get = |name: &str| query.get(name).map(String::as_str);
    let words = |name: &str| get(name).unwrap_or_default().split(' ').collect::<Vec<_>>();
    match get("response_type") {
        Some("code") => {}
        Some(_) => return Err("unsupported_response_type"),
        None => return Err("invalid_request"),
    }
    if !words("scope").contains(&"openid") {
        return Err("invalid_scope");
    }
    let challenge = get("code_challenge").filter(|c| c.len() == 43 && get("code_challenge_method") == Some("S256"));
    let max_age = match get("max_age").map(str::parse::<i64>) {
        Some(Ok(seconds)) if seconds >= 0 => Some(seconds),
        None => None,
        _ => return Err("invalid_request"),
    };
    let prompt = words("prompt");
    let wish = Wish { login: prompt.contains(&"login"), silent: prompt.contains(&"none"), max_age };
    if wish.silent && prompt.len() > 1 {
        return Err("invalid_request");
    }
    let request = Request {
        state: get("state").unwrap_or_default().to_owned(),
        nonce: get("nonce").map(str::to_owned),
        challenge: challenge.ok_or("invalid_request")?.to_owned(),
        high: words("acr_values").contains(&"2"),
    };
    Ok((request, wish))
}

pub(super) async fn login(provider: web::Data<Provider>, http: HttpRequest, body: web::Bytes) -> HttpResponse {
    let form = pairs(&body).unwrap_or_default();
    let get = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let browser = http.cookie(COOKIE).map(|c| c.value().to_owned()).unwrap_or_default();
    let own = own_form(http.headers(), &provider.settings.issuer);
    let Some(request) = own.then(|| provider.book.attempt(get("request"), &browser)).flatten() else {
        return pages::problem(
            &provider,
            "This form is no longer open, or your browser sent no cookie with it. Start again at the portal.",
        );
    };
    let login = get("login").trim();
    let Some(person) = person(&provider, login, get("password")) else {
        let again = provider.book.session(&browser).is_some();
        return pages::sign_in(&provider, Form { name: get("request"), login, again, wrong: true, high: request.high });
    };
    provider.book.close(get("request"));
    let (name, session) = provider.book.sign_in(&person.login, request.high, &browser);
    let mut response = finish(&provider, request, session);
    remember(&mut response, name);
    response
}

/// Who has that login and password. Costs the same whether the login exists.
fn person<'a>(provider: &'a Provider, login: &str, password: &str) -> Option<&'a Person> {
    let people = &provider.settings.people;
    let fits = |p: &Person| {
        let good: bool = p.password.expose_secret().as_bytes().ct_eq(password.as_bytes()).into();
        p.login.eq_ignore_ascii_case(login) & good
    };
    people.iter().fold(None, |found, p| if fits(p) { Some(p) } else { found })
}

fn remember(response: &mut HttpResponse, value: String) {
    // Not `Secure`: this is plain http on loopback, where not every browser would keep it.
    let cookie = Cookie::build(COOKIE, value).path("/").http_only(true).same_site(SameSite::Lax).finish();
    // Fails only on a value that is no header, and this one is Base64.
    drop(response.add_cookie(&cookie));
}

fn finish(provider: &Provider, request: Request, session: Session) -> HttpResponse {
    let state = request.state.clone();
    let code = provider.book.code(Grant { request, session });
    back(provider, &state, ("code", &code))
}

/// Sends the browser back to the client: a code or an error, `state`, and who answers (RFC 9207).
fn back(provider: &Provider, state: &str, (name, value): (&str, &str)) -> HttpResponse {
    let Ok(mut url) = Url::parse(&provider.settings.redirect_uri) else { return pages::problem(provider, "There is no way back.") };
    url.query_pairs_mut().append_pair(name, value);
    if !state.is_empty() {
        url.query_pairs_mut().append_pair("state", state);
    }
    url.query_pairs_mut().append_pair("iss", &provider.settings.issuer);
    HttpResponse::SeeOther().insert_header((header::LOCATION, url.as_str())).finish()
}

/// Ends the session here, then goes to an address that the client registered, or says so on a page.
pub(super) async fn end_session(provider: web::Data<Provider>, http: HttpRequest) -> HttpResponse {
    if let Some(cookie) = http.cookie(COOKIE) {
        provider.book.sign_out(cookie.value());
    }
    let settings = &provider.settings;
    let query = pairs(http.query_string().as_bytes()).unwrap_or_default();
    let to = query.get("post_logout_redirect_uri").filter(|uri| settings.post_logout_uris.contains(uri));
    let mut response = match to.and_then(|uri| Url::parse(uri).ok()) {
        Some(mut url) if query.get("client_id") == Some(&settings.client_id) => {
            if let Some(state) = query.get("state") {
                url.query_pairs_mut().append_pair("state", state);
            }
            HttpResponse::SeeOther().insert_header((header::LOCATION, url.as_str())).finish()
        }
        _ => pages::signed_out(&provider),
    };
    let mut gone = Cookie::build(COOKIE, "").path("/").http_only(true).same_site(SameSite::Lax).finish();
    gone.make_removal();
    drop(response.add_cookie(&gone));
    response
}
