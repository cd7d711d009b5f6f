//! The provider's few pages. Own markup and style, no script.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::{Person, Provider};

/// The login form: which request it belongs to and what is known already.
pub(super) struct Form<'a> {
    pub name: &'a str,
    pub login: &'a str,
    /// The person has a session and is asked again.
    pub again: bool,
    pub wrong: bool,
    /// The portal asked for the higher level of assurance.
    pub high: bool,
}

const SIGN_IN: &str = include_str!("sign-in.css");
const ICON: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="#6B4A12"/><g fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round"><circle cx="16" cy="12" r="4.6"/><path d="M7.5 25c1.4-4.6 4.6-6.6 8.5-6.6s7.1 2 8.5 6.6"/></g></svg>"##;

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex">
<title>{% if form.wrong %}Not signed in – {% endif %}Demo sign-in</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/sign-in.css">
</head>
<body>
<main>
<header><img src="/icon.svg" alt="" width="40" height="40"><p class="tag">Demo sign-in</p></header>
<h1>{% if form.again %}Confirm that it is you{% else %}Sign in to the demo{% endif %}</h1>
<p class="lead">{% if form.again %}The portal asks you to sign in again{% if form.high %}, at a higher level of assurance{% endif %}.{% else %}This page stands in for your organisation’s identity provider.{% endif %}</p>
{% if form.wrong %}<p class="bad" role="alert" id="wrong"><strong>Login and password do not match.</strong> The passwords are printed in the terminal where the demo was started.</p>{% endif %}
<form method="post" action="/login">
<input type="hidden" name="request" value="{{ form.name }}">
<label for="login">Login</label>
<input id="login" name="login" value="{{ form.login }}" required maxlength="100" autocomplete="username" autocapitalize="none" autocorrect="off" spellcheck="false"{% if form.wrong %} aria-invalid="true" aria-describedby="wrong"{% endif %}{% if form.login.is_empty() %} autofocus{% endif %}>
<label for="password">Password</label>
<input id="password" name="password" type="password" required maxlength="200" autocomplete="current-password"{% if form.wrong %} aria-invalid="true" aria-describedby="wrong"{% endif %}{% if !form.login.is_empty() %} autofocus{% endif %}>
<button>Sign in</button>
</form>
<section aria-labelledby="people">
<h2 id="people">Who you can be</h2>
<ul>{% for person in people %}<li><code>{{ person.login }}</code> <span>{{ person.name }}{% for group in person.groups %} · {{ group.trim_start_matches("mac-") }}{% endfor %}</span></li>{% endfor %}</ul>
<p>Passwords are in the terminal where the demo was started. They change each time.</p>
</section>
</main>
</body>
</html>
"#
)]
struct SignIn<'a> {
    form: Form<'a>,
    people: &'a [Person],
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex">
<title>{{ title }} – Demo sign-in</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/sign-in.css">
</head>
<body>
<main>
<header><img src="/icon.svg" alt="" width="40" height="40"><p class="tag">Demo sign-in</p></header>
<h1>{{ title }}</h1>
<p class="lead">{{ text }}</p>
<p><a class="btn" href="{{ portal }}/">Go to the portal</a></p>
</main>
</body>
</html>
"#
)]
struct Message<'a> {
    title: &'a str,
    text: &'a str,
    portal: &'a str,
}

fn html(status: StatusCode, page: &impl Template) -> HttpResponse {
    match page.render() {
        Ok(text) => HttpResponse::build(status).content_type("text/html; charset=utf-8").body(text),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

fn message(provider: &Provider, status: StatusCode, title: &str, text: &str) -> HttpResponse {
    html(status, &Message { title, text, portal: &provider.portal })
}

pub(super) fn sign_in(provider: &Provider, form: Form<'_>) -> HttpResponse {
    let status = if form.wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    html(status, &SignIn { form, people: &provider.settings.people })
}

pub(super) fn problem(provider: &Provider, text: &str) -> HttpResponse {
    message(provider, StatusCode::BAD_REQUEST, "That did not work", text)
}

pub(super) fn signed_out(provider: &Provider) -> HttpResponse {
    message(provider, StatusCode::OK, "You are signed out", "Your session at the demo’s identity provider has ended.")
}

pub(super) async fn home(provider: web::Data<Provider>) -> HttpResponse {
    let text = "This is the demo’s identity provider. There is nothing to see here; sign-in starts at the portal.";
    message(&provider, StatusCode::OK, "You are early", text)
}

pub(super) async fn css() -> HttpResponse {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").body(SIGN_IN)
}

pub(super) async fn icon() -> HttpResponse {
    HttpResponse::Ok().content_type("image/svg+xml").body(ICON)
}
