//! Alive, ready, static files, and where browsers report what the content security policy stopped.

use actix_web::http::header;
use actix_web::{HttpResponse, web};

use super::extract::{Body, Visit};
use super::{App, WebError, assets};

/// The process runs. Never asks the database: a failover must not restart every replica.
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// This replica can serve: it holds its keys and the database answers.
pub async fn ready(app: web::Data<App>) -> HttpResponse {
    let service = &app.service;
    let word = match (service.is_stopping(), service.is_sealed()) {
        (true, _) => "stopping\n",
        (_, true) => "sealed\n",
        _ if !service.database_answers().await => "database\n",
        _ => return HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready\n"),
    };
    HttpResponse::ServiceUnavailable().content_type("text/plain; charset=utf-8").body(word)
}

/// A compiled-in file, or one of the brand's; its name holds its content's hash, so it never changes.
pub async fn asset(app: web::Data<App>, name: web::Path<String>) -> Result<HttpResponse, WebError> {
    let asset = assets::find(&name).or_else(|| app.brand.find(&name)).ok_or(WebError::NotFound)?;
    let long = (header::CACHE_CONTROL, "public, max-age=31536000, immutable");
    Ok(HttpResponse::Ok().content_type(asset.mime).insert_header(long).body(asset.bytes.into_owned()))
}

/// A browser stopped something. The directive is logged, nothing else of what it says.
pub async fn csp_report(visit: Visit, body: Body<8192>) -> Result<HttpResponse, WebError> {
    let report: Option<serde_json::Value> = serde_json::from_slice(&body.read().await?).ok();
    let directive = report
        .as_ref()
        .and_then(|r| r.pointer("/csp-report/effective-directive").or_else(|| r.pointer("/csp-report/violated-directive")))
        .and_then(serde_json::Value::as_str)
        .filter(|d| d.len() <= 40 && d.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
        .unwrap_or("unknown");
    tracing::warn!(request = %visit.info.id, directive, "a browser reported a policy violation");
    Ok(HttpResponse::NoContent().finish())
}
