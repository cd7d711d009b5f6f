//! The API's reference page, made from the OpenAPI document on the server: readable without script, nothing from elsewhere.
//! For the second listener, in English: whoever writes programs reads it.
#![expect(clippy::indexing_slicing, reason = "of JSON: what is not there reads as null, and is made when it is written")]

use actix_web::HttpResponse;
use askama::Template as _;
use serde_json::{Map, Value};

use super::document::{document, problems_of};
use super::problems::{PROBLEMS, Problem};
use crate::web::WebError;

/// The page.
#[derive(askama::Template)]
#[template(path = "reference.html")]
struct Reference {
    version: String,
    about: Vec<String>,
    groups: Vec<Group>,
    shapes: Vec<Shape>,
    /// `true`: the first of its code, which links lead to.
    problems: Vec<(bool, &'static Problem)>,
}

/// Operations about one thing.
struct Group {
    name: String,
    about: String,
    operations: Vec<Operation>,
}

struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    about: Vec<String>,
    scope: String,
    parameters: Vec<Field>,
    takes: Vec<Content>,
    gives: Vec<(String, String, Vec<Content>)>,
    /// Status, code.
    problems: Vec<(u16, &'static str)>,
}

/// A media type and what stands in it.
struct Content {
    media_type: String,
    kind: Kind,
}

struct Shape {
    name: String,
    about: String,
    fields: Vec<Field>,
    /// What it is, where it is no object.
    kind: Option<Kind>,
}

struct Field {
    name: String,
    kind: Kind,
    required: bool,
    about: String,
    example: String,
}

/// A type in words, with the shapes that it names.
struct Kind {
    words: String,
    /// Names of shapes, each with an entry of its own on the page.
    names: Vec<String>,
}

/// The document, for programs that read it.
pub async fn openapi() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(super::document::text())
}

/// The page, for people.
///
/// # Errors
/// [`WebError::Internal`]: the template.
pub async fn page() -> Result<HttpResponse, WebError> {
    let html = reference(&document()).render().map_err(|e| WebError::Internal(e.to_string()))?;
    Ok(HttpResponse::Ok().content_type("text/html; charset=utf-8").body(html))
}

/// Its style sheet.
pub async fn sheet() -> HttpResponse {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").body(include_str!("../../../templates/reference.css"))
}

fn reference(document: &Value) -> Reference {
    let tags = document["tags"].as_array().into_iter().flatten();
    let groups = tags.map(|tag| Group { name: word(tag, "name"), about: word(tag, "description"), operations: operations(document, tag) });
    let schemas = document["components"]["schemas"].as_object();
    Reference {
        version: word(&document["info"], "version"),
        about: paragraphs(&document["info"]),
        groups: groups.collect(),
        shapes: schemas.into_iter().flatten().map(|(name, schema)| shape(name, schema)).collect(),
        problems: PROBLEMS.iter().enumerate().map(|(at, p)| (!PROBLEMS.iter().take(at).any(|q| q.code == p.code), p)).collect(),
    }
}

fn operations(document: &Value, tag: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            if operation["tags"].as_array().is_some_and(|tags| tags.first() == Some(&tag["name"])) {
                all.push(one(path, method, operation));
            }
        }
    }
    all
}

fn one(path: &str, method: &str, operation: &Value) -> Operation {
    let parameters = operation["parameters"].as_array().into_iter().flatten().map(|parameter| Field {
        name: word(parameter, "name"),
        kind: kind(&parameter["schema"]),
        required: parameter["required"] == true,
        about: format!("In the {}. {}", word(parameter, "in"), word(parameter, "description")),
        example: String::new(),
    });
    let gives = operation["responses"].as_object().into_iter().flatten().filter(|(status, _)| status.starts_with('2'));
    Operation {
        id: word(operation, "operationId"),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: word(operation, "summary"),
        about: paragraphs(operation),
        scope: operation.pointer("/security/0/token/0").and_then(Value::as_str).unwrap_or_default().to_owned(),
        parameters: parameters.collect(),
        takes: contents(&operation["requestBody"]),
        gives: gives.map(|(status, given)| (status.clone(), word(given, "description"), contents(given))).collect(),
        problems: problems_of(path, method).map(|p| (p.status, p.code)).collect(),
    }
}

fn contents(of: &Value) -> Vec<Content> {
    let types = of["content"].as_object().into_iter().flatten();
    types.map(|(media_type, content)| Content { media_type: media_type.clone(), kind: kind(&content["schema"]) }).collect()
}

fn shape(name: &str, schema: &Value) -> Shape {
    // A shape that is another with more fields is shown as one.
    let (mut fields, mut is_object) = (Vec::new(), false);
    for part in schema["allOf"].as_array().into_iter().flatten().chain([schema]) {
        let required = part["required"].as_array();
        for (field, of) in part["properties"].as_object().into_iter().flatten() {
            is_object = true;
            fields.push(Field {
                name: field.clone(),
                kind: kind(of),
                required: required.is_some_and(|r| r.iter().any(|n| n == field.as_str())),
                about: word(of, "description"),
                example: of.get("example").map(|e| e.as_str().map_or_else(|| e.to_string(), str::to_owned)).unwrap_or_default(),
            });
        }
    }
    let besides = schema["allOf"].as_array().is_some_and(|parts| parts.iter().any(|p| p.get("$ref").is_some()));
    let kind = (!is_object || besides).then(|| kind(schema));
    Shape { name: name.to_owned(), about: word(schema, "description"), fields, kind }
}

/// A schema in a few words.
fn kind(schema: &Value) -> Kind {
    let mut names = Vec::new();
    let words = Some(say(schema, &mut names)).filter(|words| !words.is_empty()).unwrap_or_else(|| word(schema, "description"));
    names.sort_unstable();
    names.dedup();
    Kind { words, names }
}

fn say(schema: &Value, names: &mut Vec<String>) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|r| r.rsplit('/').next()) {
        names.push(name.to_owned());
        return name.to_owned();
    }
    for (key, between) in [("oneOf", " or "), ("anyOf", " or "), ("allOf", " with ")] {
        if let Some(parts) = schema[key].as_array() {
            let parts: Vec<_> = parts.iter().map(|part| say(part, names)).filter(|words| words != "object").collect();
            return parts.join(between);
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().map(|v| format!("“{}”", v.as_str().unwrap_or_default())).collect::<Vec<_>>().join(", ");
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    let said = types.iter().map(|kind| match *kind {
        "array" => format!("list of {}", say(&schema["items"], names)),
        kind => format!("{kind}{}", limits(schema, kind)),
    });
    said.collect::<Vec<_>>().join(" or ")
}

fn limits(schema: &Value, kind: &str) -> String {
    if kind == "null" {
        return String::new();
    }
    let format = schema["format"].as_str().filter(|f| !f.starts_with("int")).map(|f| format!(", {f}"));
    let between = |low: &str, high: &str, what: &str| match (schema.get(low), schema.get(high)) {
        (Some(low), Some(high)) => Some(format!(", {low} to {high}{what}")),
        (Some(low), None) => Some(format!(", at least {low}{what}")),
        (None, Some(high)) => Some(format!(", at most {high}{what}")),
        (None, None) => None,
    };
    let parts = [format, between("minimum", "maximum", ""), between("minLength", "maxLength", " characters")];
    parts.into_iter().flatten().collect()
}

fn word(of: &Value, name: &str) -> String {
    of.as_object().and_then(|o: &Map<String, Value>| o.get(name)).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A description in paragraphs, without its marks.
fn paragraphs(of: &Value) -> Vec<String> {
    let text = word(of, "description").replace("**", "");
    text.split("\n\n").map(|p| p.replace('\n', " ")).filter(|p| !p.trim().is_empty()).collect()
}
