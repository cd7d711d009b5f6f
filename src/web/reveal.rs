//! The key: the press, the page of an open grant, renewal, hiding. A key is shown by GET of a grant and by nothing else.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::extract::CsrfField;
use super::extract::{Form, Press, SIGN_IN_COOKIE, SPELLING_COOKIE, TEXT_COOKIE, Visit, Visitor, cookie};
use super::pages::{Before, HiddenPage, KeyPage, NoKeyPage, StepUpPage};
use super::present::{self, html, see};
use super::{WebError, pages};
use crate::domain::ids::{DeviceId, GrantId};
use crate::domain::policy::Action;
use crate::domain::reveal::Basis;
use crate::i18n::{Alphabet, KeyText};
use crate::service::access::{SignedIn, expose};
use crate::service::forms::{RevealForm, Which};
use crate::service::reveal::{Answer, NoKey, Renewal, Shown, View};

/// "Get recovery key", or "Show the other one".
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnPress {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    which: Option<String>,
}

impl CsrfField for OwnPress {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}

pub async fn press(req: HttpRequest, id: web::Path<String>, form: Form<OwnPress>) -> Result<HttpResponse, WebError> {
    let Form { visit, person, fields } = form;
    let service = &visit.app.service;
    let Some(device) = DeviceId::parse(&id) else { return Err(service.judge_malformed(&person, Action::Reveal, &visit.info).await.into()) };
    let which = match fields.which.as_deref() {
        None | Some("") => Which::Offered,
        Some("other") => Which::Other,
        Some(_) => {
            service.may(&person, device, Action::Reveal, &visit.info).await?;
            return Err(WebError::Bad { code: "which" });
        }
    };
    let asked = RevealForm::own(device, which);
    match service.request_reveal(&person, &asked, &visit.info).await? {
        Answer::Granted(grant) => Ok(see(&format!("/reveals/{grant}"))),
        Answer::StepUpDue => step_up(&req, &visit, &person, asked).await,
        Answer::NoAuthTime => Err(WebError::NoAuthTime),
        Answer::NoKey(NoKey::NoOther) => Ok(see(&format!("/devices/{device}"))),
        Answer::NoKey(why) => no_key(&visit, &person, device, why).await,
        Answer::Invalid(_) => Err(WebError::Bad { code: "form" }),
    }
}

async fn no_key(visit: &Visit, person: &SignedIn, id: DeviceId, why: NoKey) -> Result<HttpResponse, WebError> {
    let found = visit.app.service.device_page(person, Some(id), Action::ViewDevice, &visit.info).await?;
    let page = NoKeyPage {
        page: visit.page(Some(person), Some(pages::Section::Devices)),
        device: present::subject(&found.device, Basis::Owner, None),
        reason: present::reason(why),
        reference: visit.reference(),
    };
    html(&page, StatusCode::OK)
}

/// "Confirm it's you": a page of ours that links to the provider; the form is kept, sealed.
pub async fn step_up(req: &HttpRequest, visit: &Visit, person: &SignedIn, form: RevealForm) -> Result<HttpResponse, WebError> {
    let cancel_url = match &form.desk {
        None => format!("/devices/{}", form.device()),
        Some(_) => format!("/desk/devices/{}{}", form.device(), pages::query_part(&form.search)),
    };
    let basis = if form.desk.is_some() { Basis::Desk } else { Basis::Owner };
    let browser = req.cookie(SIGN_IN_COOKIE).map(|c| c.value().to_owned());
    let started = visit.app.service.begin_step_up(person, form, browser.as_deref()).await?;
    let page = StepUpPage {
        page: visit.page(Some(person), Some(present::section(basis))),
        continue_url: started.url,
        cancel_url,
        before: if basis == Basis::Desk { Before::Desk } else { Before::Own },
    };
    let mut response = html(&page, StatusCode::OK)?;
    response.add_cookie(&cookie(SIGN_IN_COOKIE, expose(&started.browser).to_owned())).map_err(|e| WebError::Internal(e.to_string()))?;
    Ok(response)
}

/// How the key is to be set, `?text=large`, and spelled, `?spell=sv`. A choice is kept in a cookie.
#[derive(serde::Deserialize)]
pub struct Wish {
    text: Option<String>,
    spell: Option<String>,
}

/// How it is set and spelled.
struct Setting {
    large: bool,
    alphabet: Alphabet,
    /// The alphabet was chosen just now: the list that it is for is open.
    spelled: bool,
    /// What was chosen just now, to be kept: the cookie's name and its value.
    kept: Vec<(&'static str, &'static str)>,
}

impl Setting {
    /// What was chosen just now, else what the cookies say, else large or not as ever and the language's alphabet.
    fn of(req: &HttpRequest, visit: &Visit, wish: &Wish) -> Self {
        let before = |name| req.cookie(name).map(|c| c.value().to_owned());
        let size = ["large", "normal"].into_iter().find(|t| wish.text.as_deref() == Some(*t));
        let chosen = wish.spell.as_deref().and_then(Alphabet::parse);
        let kept = || before(SPELLING_COOKIE).and_then(|code| Alphabet::parse(&code));
        Self {
            large: size.map_or_else(|| before(TEXT_COOKIE).is_some_and(|t| t == "large"), |t| t == "large"),
            alphabet: chosen.or_else(kept).unwrap_or(Alphabet::of(visit.lang)),
            spelled: chosen.is_some(),
            kept: size.map(|t| (TEXT_COOKIE, t)).into_iter().chain(chosen.map(|a| (SPELLING_COOKIE, a.code()))).collect(),
        }
    }
}

/// The page of a grant: the key while it is open, else that it is hidden.
pub async fn page(req: HttpRequest, v: Visitor, id: web::Path<String>, query: web::Query<Wish>) -> Result<HttpResponse, WebError> {
    let setting = Setting::of(&req, &v.visit, &query);
    let mut response = match v.visit.app.service.view(&v.person, GrantId::parse(&id), &v.visit.info).await? {
        View::Shown(shown) => html(&key_page(&v, &id, *shown, &setting), StatusCode::OK)?,
        View::Hidden { device, basis, from, until } => {
            let formats = v.visit.formats();
            let page = HiddenPage {
                page: v.visit.page(Some(&v.person), Some(present::section(basis))),
                device: present::subject(&device, basis, None),
                from: formats.time(from),
                // Open still, but in another sign-in.
                until: (until <= v.visit.app.service.env().now()).then(|| formats.time(until)),
            };
            html(&page, StatusCode::OK)?
        }
        View::Broken { device, basis } => {
            let page = NoKeyPage {
                page: v.visit.page(Some(&v.person), Some(present::section(basis))),
                device: present::subject(&device, basis, None),
                reason: pages::NoKeyReason::IntegrityFailure,
                reference: v.visit.reference(),
            };
            html(&page, StatusCode::OK)?
        }
    };
    for (name, value) in setting.kept {
        let mut kept = cookie(name, value.to_owned());
        kept.set_max_age(actix_web::cookie::time::Duration::days(365));
        response.add_cookie(&kept).map_err(|e| WebError::Internal(e.to_string()))?;
    }
    Ok(response)
}

fn key_page(v: &Visitor, grant: &str, shown: Shown, setting: &Setting) -> KeyPage {
    let formats = v.visit.formats();
    let rules = &v.visit.app.service.rules().config.reveal;
    KeyPage {
        page: v.visit.page(Some(&v.person), Some(present::section(shown.basis))),
        grant: grant.to_owned(),
        device: present::subject(&shown.device, shown.basis, shown.owner.clone()),
        version: shown.version.id.to_string(),
        key: KeyText::of(&shown.key, v.visit.lang, &v.visit.app.brand.spelling, setting.alphabet),
        seconds_left: shown.seconds_left,
        seconds_in_all: shown.until.seconds_since(shown.from).max(1),
        from: formats.time(shown.from),
        until: formats.time(shown.until),
        large: setting.large,
        spelled: setting.spelled,
        allow_copy: match shown.basis {
            Basis::Owner => rules.copy_owner,
            Basis::Desk => rules.copy_desk,
        },
        renewals_left: shown.renewals_left,
        renewed: shown.renewed,
        has_other: shown.other,
        unseen_letters: shown.version.unseen_letters,
    }
}

/// "Extend to five minutes": a new grant at a new address.
pub async fn renew(id: web::Path<String>, form: Form<Press>) -> Result<HttpResponse, WebError> {
    let Form { visit, person, .. } = form;
    match visit.app.service.renew(&person, GrantId::parse(&id), &visit.info).await? {
        Renewal::Renewed(grant) => Ok(see(&format!("/reveals/{grant}"))),
        Renewal::Over => Ok(see(&format!("/reveals/{id}"))),
        Renewal::UsedUp { device, basis } => Err(WebError::RenewalsUsedUp {
            device_url: match basis {
                Basis::Owner => format!("/devices/{device}"),
                Basis::Desk => format!("/desk/devices/{device}"),
            },
        }),
    }
}

/// "I'm done".
pub async fn hide(id: web::Path<String>, form: Form<Press>) -> Result<HttpResponse, WebError> {
    let Form { visit, person, .. } = form;
    visit.app.service.hide(&person, GrantId::parse(&id), &visit.info).await?;
    Ok(see(&format!("/reveals/{id}")))
}
