//! The OpenAPI 3.1 document: paths and shapes from the handlers, errors and headers from the tables they share.
#![expect(clippy::indexing_slicing, reason = "of JSON: what is not there reads as null, and is made when it is written")]

use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::problems::{At, PROBLEMS, Problem};
use super::{deposits, devices, events, shapes};

/// What utoipa collects.
#[derive(OpenApi)]
#[openapi(
    paths(deposits::create, devices::list, devices::read, devices::write, devices::status, events::list),
    components(schemas(shapes::Deposit, shapes::LineResult, shapes::SerialNumber)),
    tags(
        (name = "deposits", description = "Recovery keys on their way in."),
        (name = "devices", description = "What is known of the Macs. Never a key."),
        (name = "events", description = "The trail: who did what, and who saw what."),
    )
)]
struct Collected;

const ABOUT: &str = "Hands recovery keys in and asks what is escrowed. No answer ever holds a key: keys are shown to people, in the \
portal. Tokens are made with `keyharbor token create` and go into `Authorization: Bearer`. Errors are problem documents (RFC 9457): \
`code` is stable, `title` and `detail` are for people. Answers may gain fields; unknown fields in requests are refused.";

/// The document.
pub fn document() -> Value {
    let mut document = serde_json::to_value(Collected::openapi()).unwrap_or_default();
    document["info"] = json!({
        "title": "Keyharbor",
        "version": env!("CARGO_PKG_VERSION"),
        "description": ABOUT,
        "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
    });
    document["servers"] = json!([{ "url": "/" }]);
    let components = &mut document["components"];
    components["securitySchemes"] = json!({ "token": {
        "type": "http", "scheme": "bearer", "bearerFormat": "kh_<16 hexadecimal digits>_<43 letters and digits>",
        "description": "A token of the header door, with the scope that the operation names.",
    } });
    components["schemas"]["Problem"] = problem_shape();
    components["headers"] = headers();
    components["schemas"]["Deposits"]["oneOf"][1]["maxItems"] = deposits::MOST_DEPOSITS.into();
    // Each is judged by itself: one that is no deposit does not make the array a bad one.
    let deposit = components["schemas"]["Deposits"]["oneOf"][1]["items"].take();
    components["schemas"]["Deposits"]["oneOf"][1]["items"] =
        json!({ "anyOf": [deposit, { "description": "anything else: refused by itself" }] });
    // The schema of a whole stream; that of its lines is `Deposit`.
    let stream = "/paths/~1api~1v1~1deposits/post/requestBody/content/application~1x-ndjson/schema";
    if let Some(schema) = document.pointer_mut(stream) {
        *schema = json!({ "description": "lines, each a Deposit; each is judged by itself" });
    }
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, item) in paths {
            for operation in item.as_object_mut().into_iter().flatten() {
                complete(path, operation.0, operation.1);
            }
        }
    }
    document
}

/// The document as a file.
pub fn text() -> String {
    let mut text = serde_json::to_string_pretty(&document()).unwrap_or_default();
    text.push('\n');
    text
}

/// The problems of one operation.
pub fn problems_of(path: &str, method: &str) -> impl Iterator<Item = &'static Problem> {
    let (body, one) = (method == "post" || method == "put", path.contains("{serial}"));
    PROBLEMS.iter().filter(move |p| match p.at {
        At::Every => true,
        At::Body | At::Once => body,
        // All of today's have some.
        At::Fields => true,
        At::OneDevice => one,
        At::NoOperation => false,
    })
}

fn complete(path: &str, method: &str, operation: &mut Value) {
    let reference = |name: &str| json!({ "$ref": format!("#/components/headers/{name}") });
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for (_, response) in responses.iter_mut() {
        response["headers"] = json!({ "RateLimit": reference("RateLimit"), "RateLimit-Policy": reference("RateLimit-Policy") });
        if body_of(method) {
            response["headers"]["Idempotent-Replayed"] = reference("Idempotent-Replayed");
        }
        if path.ends_with('s') && method == "get" && !path.contains('{') {
            response["headers"]["Link"] = reference("Link");
        }
    }
    let mut by_status: Map<String, Value> = Map::new();
    for problem in problems_of(path, method) {
        let response = by_status.entry(problem.status.to_string()).or_insert_with(|| {
            let mut headers = json!({});
            match problem.status {
                401 => headers["WWW-Authenticate"] = reference("WWW-Authenticate"),
                429 | 503 => headers["Retry-After"] = reference("Retry-After"),
                _ => {}
            }
            let schema = json!({ "$ref": "#/components/schemas/Problem" });
            json!({ "description": "", "headers": headers,
                "content": { "application/problem+json": { "schema": schema, "examples": {} } } })
        });
        let old = response["description"].as_str().unwrap_or_default();
        let more = if old.is_empty() { "" } else { " " };
        response["description"] = format!("{old}{more}`{}`: {}", problem.code, problem.when).into();
        response["content"]["application/problem+json"]["examples"][problem.code] = json!({ "value": example(problem) });
    }
    responses.extend(by_status);
    if body_of(method) {
        let key = json!({ "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "The same key with the same request within a day gives the first answer again, and nothing is done twice. \
                Not for streams.",
            "schema": { "type": "string", "pattern": "^([!#-~]{1,200}|\"[!#-~]{1,200}\")$" } });
        match operation["parameters"].as_array_mut() {
            Some(parameters) => parameters.push(key),
            None => operation["parameters"] = json!([key]),
        }
    }
}

fn body_of(method: &str) -> bool {
    method == "post" || method == "put"
}

fn example(problem: &Problem) -> Value {
    let mut example = json!({
        "type": format!("urn:keyharbor:problem:{}", problem.code),
        "title": actix_web::http::StatusCode::from_u16(problem.status).ok().and_then(|s| s.canonical_reason()).unwrap_or("Error"),
        "status": problem.status,
        "code": problem.code,
        "request_id": "01a20229-70c0-7b84-8ba4-7cabf974be6a",
    });
    if problem.code == "invalid_field" {
        (example["field"], example["detail"]) = ("serial".into(), "must not be empty".into());
    }
    example
}

fn problem_shape() -> Value {
    let mut codes: Vec<_> = PROBLEMS.iter().map(|p| p.code).collect();
    codes.sort_unstable();
    codes.dedup();
    json!({
        "type": "object",
        "description": "A problem document (RFC 9457).",
        "required": ["type", "title", "status", "code", "request_id"],
        "properties": {
            "type": { "type": "string", "format": "uri", "description": "`urn:keyharbor:problem:` and the code." },
            "title": { "type": "string", "description": "The status in words." },
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "code": { "type": "string", "enum": codes, "description": "Stable: programs decide by it." },
            "field": { "type": "string", "description": "With `invalid_field`: which." },
            "detail": { "type": "string", "description": "What is wrong with it. Never repeats its value." },
            "request_id": { "type": "string", "format": "uuid", "description": "As in the server's log and in the trail." },
        },
    })
}

fn headers() -> Value {
    let text = |description: &str| json!({ "description": description, "schema": { "type": "string" } });
    json!({
        "RateLimit": text("What is left of this minute's requests: `\"token\";r=1199;t=42`, r requests for t seconds."),
        "RateLimit-Policy": text("The token's limit: `\"token\";q=1200;w=60`, q requests in w seconds. Absent when there is none."),
        "Idempotent-Replayed": text("`true`: the answer to an earlier request with this `Idempotency-Key`."),
        "Link": text("The next part, with `rel=\"next\"`, when there is more."),
        "Retry-After": { "description": "Seconds to wait.", "schema": { "type": "integer", "minimum": 0 } },
        "WWW-Authenticate": text("`Bearer`."),
    })
}
