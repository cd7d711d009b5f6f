//! The API's own documents: held against the routes, the fields that are read, the errors that are given, and their snapshot.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::StatusCode;
use keyharbor::web::api::document::{document, problems_of, text};
use keyharbor::web::api::problems::{At, PROBLEMS};
use keyharbor::web::api::{deposits::DEPOSIT_FIELDS, devices::DEVICE_FIELDS};
use keyharbor::web::{Admits, ROUTES};
use serde_json::Value;

use crate::operations::ask;
use crate::world::World;

/// (method, path) of the document, upper case.
fn operations(document: &Value) -> BTreeMap<(String, String), Value> {
    let mut found = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            found.insert((method.to_uppercase(), path.clone()), operation.clone());
        }
    }
    found
}

#[test]
fn the_document_is_the_committed_one() {
    insta::assert_snapshot!("openapi", text());
}

#[test]
fn every_route_of_the_api_is_in_the_document_and_nothing_else() {
    let documented: BTreeSet<_> = operations(&document()).into_keys().collect();
    let api = ROUTES.iter().filter(|r| r.path.starts_with("/api/"));
    let routed: BTreeSet<_> = api.clone().map(|r| (r.method.to_owned(), r.path.to_owned())).collect();
    assert_eq!(documented, routed);
    assert!(api.clone().all(|r| r.admits == Admits::Token) && routed.len() >= 6);
}

#[test]
fn every_operation_says_who_may_what_comes_back_and_what_goes_wrong() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = BTreeSet::new();
    for ((method, path), operation) in operations(&document) {
        let place = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{place}");
        assert!(operation["summary"].is_string() && operation["tags"][0].is_string(), "{place}");
        let scope = operation["security"][0]["token"][0].as_str().unwrap_or_default();
        assert!(keyharbor::domain::Scope::parse(scope).is_some(), "{place}: {scope}");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.contains_key("200"), "{place}");
        for problem in problems_of(&path, &method.to_lowercase()) {
            let response = &responses[&problem.status.to_string()];
            let example = &response["content"]["application/problem+json"]["examples"][problem.code]["value"];
            assert_eq!((&example["status"], &example["code"]), (&problem.status.into(), &problem.code.into()), "{place}");
        }
        for (status, response) in responses {
            let wanted = if status.starts_with('2') { "RateLimit" } else { "" };
            assert!(wanted.is_empty() || response["headers"][wanted].is_object(), "{place} {status}");
            assert_eq!(["429", "503"].contains(&status.as_str()), response["headers"]["Retry-After"].is_object(), "{place} {status}");
        }
    }
}

#[test]
fn the_shapes_of_requests_have_the_fields_that_are_read() {
    let document = document();
    for (name, read) in [("Deposit", &DEPOSIT_FIELDS[..]), ("DevicePatch", &DEVICE_FIELDS[..])] {
        let shape = &document["components"]["schemas"][name];
        let fields: BTreeSet<_> = shape["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, read.iter().copied().collect(), "{name}");
        assert_eq!(shape["additionalProperties"], false, "{name}");
    }
    assert_eq!(document["components"]["schemas"]["Deposit"]["required"], serde_json::json!(["serial", "recovery_key"]));
}

/// Every reference leads somewhere, and every shape is used.
#[test]
fn every_reference_of_the_document_leads_somewhere() {
    let document = document();
    let (mut seen, mut open) = (BTreeSet::new(), vec![&document]);
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                if let Some(target) = members.get("$ref").and_then(Value::as_str) {
                    assert!(document.pointer(target.trim_start_matches('#')).is_some(), "{target}");
                    seen.insert(target.to_owned());
                }
                open.extend(members.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys().filter(|n| *n != "LineResult") {
        assert!(seen.contains(&format!("#/components/schemas/{name}")), "{name} is used nowhere");
    }
}

/// Each answer of the API that any test gets must be one that the document names: called by the worlds of all tests.
pub fn hold(method: &str, path: &str, status: StatusCode, content_type: Option<&str>, text: &str) {
    let path = path.split('?').next().unwrap_or_default();
    if !path.starts_with("/api/") {
        return;
    }
    let matches = |pattern: &str| {
        let (a, b): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
        a.len() == b.len() && a.iter().zip(&b).all(|(p, s)| p.starts_with('{') && !s.is_empty() || p == s)
    };
    let route = ROUTES.iter().find(|r| r.method == method && matches(r.path));
    let place = format!("{method} {path}: {status}");
    if status.is_success() {
        let documented = operations(&document());
        let route = route.unwrap_or_else(|| panic!("{place}: no such route"));
        let content = &documented[&(method.to_owned(), route.path.to_owned())]["responses"][status.as_str()]["content"];
        assert!(content.get(content_type.unwrap_or_default()).is_some(), "{place} {content_type:?} is not in the document");
        return;
    }
    let problem: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{place}: {e}: {text}"));
    assert_eq!(content_type, Some("application/problem+json"), "{place}");
    for member in ["type", "title", "status", "code", "request_id"] {
        assert!(!problem[member].is_null(), "{place}: no {member}");
    }
    let code = problem["code"].as_str().unwrap();
    assert_eq!(
        (&problem["status"], &problem["type"]),
        (&status.as_u16().into(), &format!("urn:keyharbor:problem:{code}").into()),
        "{place}"
    );
    let known = match route {
        Some(route) => problems_of(route.path, &method.to_lowercase()).any(|p| p.status == status.as_u16() && p.code == code),
        None => false,
    };
    let outside = PROBLEMS.iter().any(|p| p.at == At::NoOperation && p.status == status.as_u16() && p.code == code);
    let everywhere = PROBLEMS.iter().any(|p| p.at == At::Every && p.status == status.as_u16() && p.code == code);
    assert!(known || (route.is_none() && (outside || everywhere)), "{place} {code} is not in the document");
}

#[actix_web::test]
async fn s75_the_reference_page_needs_nothing_from_elsewhere_and_names_everything() {
    let world = World::new().await;
    let page = ask(&world, "GET", "/docs").await;
    assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, Some("text/html; charset=utf-8")));
    for foreign in ["http://", "https://", "<script", " style=", "<style", "<img", "@import"] {
        assert!(!page.text.contains(foreign), "{foreign}");
    }
    let document = document();
    for ((method, path), operation) in operations(&document) {
        assert!(page.text.contains(&format!("<b class=\"method\">{method}</b> <code>{path}</code>")), "{method} {path}");
        assert!(page.text.contains(&format!("<article id=\"{}\">", operation["operationId"].as_str().unwrap())));
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(page.text.contains(&format!("id=\"shape-{name}\"")), "{name}");
    }
    for (at, _) in page.text.match_indices("href=\"#") {
        let target = crate::probe::part(&page.text, at + 7..).split('"').next().unwrap();
        assert_eq!(page.text.matches(&format!("id=\"{target}\"")).count(), 1, "#{target}");
    }
    assert!(!page.text.contains("()") && !page.text.contains("**"), "what cannot be said is no empty word");
    let sheet = ask(&world, "GET", "/docs.css").await;
    assert!(sheet.status.is_success() && sheet.header("content-type") == Some("text/css; charset=utf-8") && !sheet.text.contains("url("));
    let file = ask(&world, "GET", "/openapi.json").await;
    assert_eq!((file.header("content-type"), file.json()), (Some("application/json"), document));
}
