//! What the database is asked while a future runs: sqlx reports each statement, on whichever thread, inside the span of
//! the future that sent it.

use std::collections::HashMap;
use std::fmt::{Debug, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Instrument as _, Metadata, Span, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

const SPAN: &str = "sql capture";
type Lines = Arc<Mutex<Vec<String>>>;
static OPEN: Mutex<Option<HashMap<u64, Lines>>> = Mutex::new(None);

/// Collects the statements of the futures that it runs.
pub struct Capture {
    span: Span,
    lines: Lines,
}

impl Capture {
    pub fn new() -> Self {
        static INSTALLED: Once = Once::new();
        static NEXT: AtomicU64 = AtomicU64::new(1);
        INSTALLED.call_once(|| {
            let subscriber = tracing_subscriber::registry().with(Statements);
            tracing::subscriber::set_global_default(subscriber).expect("only one test module installs a global subscriber");
        });
        let (number, lines) = (NEXT.fetch_add(1, Ordering::Relaxed), Lines::default());
        OPEN.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().insert(number, lines.clone());
        Self { span: tracing::debug_span!("sql capture", number), lines }
    }

    /// Runs a future; its statements are added.
    pub fn of<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        future.instrument(self.span.clone())
    }

    /// In the order in which they ended.
    pub fn statements(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    pub fn count(&self, part: &str) -> usize {
        self.statements().iter().filter(|s| s.contains(part)).count()
    }
}

/// A future's value and its statements.
pub async fn traced<F: Future>(future: F) -> (F::Output, Vec<String>) {
    let capture = Capture::new();
    let value = capture.of(future).await;
    (value, capture.statements())
}

/// Statements, one a line, with lists of columns left out.
pub fn outline(statements: &[String]) -> String {
    statements.iter().fold(String::new(), |mut text, s| {
        let _ = writeln!(text, "{}", short(s));
        text
    })
}

fn short(sql: &str) -> String {
    let sql = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((columns, rest)) = sql.strip_prefix("SELECT ").and_then(|s| s.split_once(" FROM "))
        && columns.contains(',')
    {
        let sealed = if columns.ends_with(", sealed") { ", sealed" } else { "" };
        return format!("SELECT …{sealed} FROM {rest}");
    }
    if let Some((head, rest)) = sql.strip_prefix("INSERT INTO ").and_then(|s| s.split_once(" (")) {
        let tail = rest.split_once(" ON CONFLICT").map_or_else(String::new, |(_, tail)| format!(" ON CONFLICT{tail}"));
        return format!("INSERT INTO {head} …{tail}");
    }
    sql
}

struct Number(u64);

struct Statements;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Statements {
    fn enabled(&self, meta: &Metadata<'_>, _: Context<'_, S>) -> bool {
        meta.target() == "sqlx::query" || meta.name() == SPAN
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(tracing::level_filters::LevelFilter::DEBUG)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let mut found = Words::default();
        attributes.record(&mut found);
        if let (Some(span), Some(number)) = (ctx.span(id), found.number) {
            span.extensions_mut().insert(Number(number));
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let number = ctx.event_scope(event).into_iter().flatten().find_map(|span| span.extensions().get::<Number>().map(|n| n.0));
        let Some(number) = number else { return };
        let mut found = Words::default();
        event.record(&mut found);
        // A short statement is its own summary.
        let text = if found.statement.trim().is_empty() { found.summary } else { found.statement.trim().to_owned() };
        let open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lines) = open.as_ref().and_then(|open| open.get(&number)) {
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        }
    }
}

#[derive(Default)]
struct Words {
    number: Option<u64>,
    summary: String,
    statement: String,
}

impl Visit for Words {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "number" {
            self.number = Some(value);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => self.summary = value.to_owned(),
            "db.statement" => self.statement = value.to_owned(),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
