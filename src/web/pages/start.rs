//! Before sign-in and after sign-out.

use askama::Template;
use askama_web::WebTemplate;

use super::Page;

/// `/`, signed out.
#[derive(Template, WebTemplate)]
#[template(path = "start.html")]
pub struct StartPage {
    pub page: Page,
    /// What people call the identity provider.
    pub provider: String,
    /// Where sign-in begins (a GET link).
    pub sign_in_url: String,
    /// The provider does not answer: said in the button's place.
    pub unreachable: bool,
}

/// `/signed-out`.
#[derive(Template, WebTemplate)]
#[template(path = "signed_out.html")]
pub struct SignedOutPage {
    pub page: Page,
    pub provider: String,
    /// The person comes from there, and has signed out there too.
    pub there: bool,
    /// Ends the provider's session too, when it has an address for that.
    pub provider_sign_out_url: Option<String>,
}
