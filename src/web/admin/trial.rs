//! The test sign-in: out to the provider by a link, and back to a page that says what came.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::frame;
use crate::config::StepUp;
use crate::service::access::expose;
use crate::web::WebError;
use crate::web::extract::{SIGN_IN_COOKIE, Visitor, cookie};
use crate::web::pages::TrialPage;
use crate::web::present::{html, see};

#[derive(serde::Deserialize)]
pub struct Query {
    report: Option<String>,
}

pub async fn page(v: Visitor, query: web::Query<Query>) -> Result<HttpResponse, WebError> {
    let service = &v.visit.app.service;
    let report = service.take_report(&v.person, query.report.as_deref(), &v.visit.info).await?;
    let page = TrialPage {
        gone: query.report.is_some() && report.is_none(),
        report,
        danger: service.rules().config.oidc.danger_step_up == StepUp::Off,
        page: frame(&v.visit, &v.person),
    };
    html(&page, StatusCode::OK)
}

/// Leaves for the provider.
pub async fn start(req: HttpRequest, v: Visitor) -> Result<HttpResponse, WebError> {
    let browser = req.cookie(SIGN_IN_COOKIE).map(|c| c.value().to_owned());
    let started = v.visit.app.service.begin_trial(&v.person, browser.as_deref(), &v.visit.info).await?;
    let mut response = see(&started.url);
    response.add_cookie(&cookie(SIGN_IN_COOKIE, expose(&started.browser).to_owned())).map_err(|e| WebError::Internal(e.to_string()))?;
    Ok(response)
}
