//! JSON log lines on standard output, a panic hook that says where and nothing else, in `metrics` what is counted, in `spans`
//! what a trace says of a request.

pub mod metrics;
#[cfg(feature = "otel")]
pub mod otel;
#[cfg(feature = "otel")]
pub mod otel_settings;
pub mod spans;

use std::sync::Arc;

use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

/// From which level on a running log has lines.
#[derive(Clone)]
pub struct Level(Arc<dyn Fn(EnvFilter) -> bool + Send + Sync>);

impl Level {
    /// Changes it: "error" to "trace". `false`: the log has ended.
    pub fn set(&self, level: &str) -> bool {
        (self.0)(filter(level))
    }
}

/// What takes spans.
pub type Spans = Box<dyn Layer<Registry> + Send + Sync>;

/// Starts logging at a level: "error" to "trace". Called once by the composition root; a second call changes nothing.
pub fn start<W>(level: &str, writer: W, spans: Option<Spans>) -> Level
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let (lines, level) = log(level, writer, spans);
    let _ = lines.try_init();
    // Whoever asks through `log` whether a line of a lower level is wanted, and then says nothing, leaves the filter with its
    // "no" for the next line of ours on that thread, which would be lost.
    log::set_max_level(log::LevelFilter::Warn);
    hook();
    level
}

/// The subscriber alone: one JSON object per line and event, ours from `level` on.
pub fn lines<W>(level: &str, writer: W) -> impl tracing::Subscriber + Send + Sync + 'static
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    log(level, writer, None).0
}

fn log<W>(level: &str, writer: W, spans: Option<Spans>) -> (impl tracing::Subscriber + Send + Sync + 'static, Level)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let (filter, handle) = reload::Layer::new(filter(level));
    let lines =
        tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(false).with_writer(writer);
    // A layer that is not there would still want every span: none are made for nobody.
    let layers: Vec<Spans> = std::iter::once(lines.with_filter(filter).boxed()).chain(spans).collect();
    (tracing_subscriber::registry().with(layers), Level(Arc::new(move |new| handle.reload(new).is_ok())))
}

/// Checkpoints are evidence: no level hides them. Libraries may be chatty, but none of them below "warn": their lines could
/// hold what ours never do. Lines say nothing of spans.
fn filter(level: &str) -> EnvFilter {
    EnvFilter::new(format!("warn,keyharbor={level},keyharbor::checkpoint=info,{}=off", spans::TARGET))
}

/// A panic's message can hold anything that was being formatted: only its place is logged.
pub fn hook() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(|| "?".to_owned(), |l| format!("{}:{}", l.file(), l.line()));
        tracing::error!(place, "a panic was caught");
    }));
}
