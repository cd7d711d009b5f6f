//! JSON log lines on standard output, a panic hook that says where and nothing else, and in `metrics` what is counted.

pub mod metrics;

use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer as _};

/// Starts logging at a level: "error" to "trace". Called once by the composition root; a second call changes nothing.
pub fn start<W>(level: &str, writer: W)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let _ = lines(level, writer).try_init();
    hook();
}

/// The subscriber alone: one JSON object per line and event, ours from `level` on.
pub fn lines<W>(level: &str, writer: W) -> impl tracing::Subscriber + Send + Sync + 'static
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // Checkpoints are evidence: no level hides them.
    // Libraries may be chatty, but none of them below this level: their lines could hold what ours never do.
    let filter = EnvFilter::new(format!("warn,keyharbor={level},keyharbor::checkpoint=info"));
    let lines =
        tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(false).with_writer(writer);
    tracing_subscriber::registry().with(lines.with_filter(filter))
}

/// A panic's message can hold anything that was being formatted: only its place is logged.
pub fn hook() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(|| "?".to_owned(), |l| format!("{}:{}", l.file(), l.line()));
        tracing::error!(place, "a panic was caught");
    }));
}
