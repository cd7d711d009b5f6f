//! Traces to an OpenTelemetry collector, as OTLP over HTTP. In builds with the feature `otel` only.
//!
//! Finished spans wait in a bounded queue for a thread of their own; when it is full, or the collector is away, spans are
//! lost and no request waits. Of a span leave its name, its times, its status and the fields of `ALLOWED`: no event, no link,
//! no description, whatever a library may have added.

use std::fmt::{self, Debug};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{Status, TracerProvider as _};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, RetryPolicy, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, SpanData, SpanEvents, SpanExporter, SpanLinks};
use tokio::runtime::{Builder, Runtime};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::{DynFilterFn, LevelFilter};
use tracing_subscriber::{Layer as _, Registry};

use super::otel_settings::Settings;
use super::{Spans, spans};

/// The fields that may leave.
const ALLOWED: [&str; 6] =
    ["http.request.method", "http.response.status_code", "http.route", "keyharbor.request", "db.system.name", "db.operation.name"];

/// The most of a collector's answer that is read.
const ANSWER: usize = 64 * 1024;

/// The way to the collector; open until it is stopped.
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Starts the thread that sends. Nothing is sent before there is a span.
    ///
    /// # Errors
    /// What cannot be used, in a sentence without secrets.
    pub fn start(settings: Settings, client: reqwest::Client) -> Result<Self, String> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|e| format!("no runtime for traces: {e}"))?;
        let sender = Sender { client, runtime: Some(runtime), timeout: settings.timeout };
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(sender)
            .with_endpoint(settings.endpoint.as_str())
            .with_headers(settings.headers)
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(settings.timeout)
            // The next batch tries again soon enough.
            .with_retry_policy(RetryPolicy::recommended().with_max_retries(1))
            .build()
            .map_err(|e| format!("traces cannot be sent: {e}"))?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(settings.queue)
            .with_max_export_batch_size(settings.batch)
            .with_scheduled_delay(settings.delay)
            .build();
        let resource = Resource::builder_empty()
            .with_detector(Box::new(TelemetryResourceDetector))
            .with_service_name("keyharbor")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attributes(settings.resource.into_iter().map(|(name, value)| KeyValue::new(name, value)))
            .build();
        let outward = Outward { next: exporter, down: AtomicBool::new(false) };
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_sampler(settings.sampler)
            .with_span_processor(BatchSpanProcessor::builder(outward).with_batch_config(batches).build())
            .build();
        Ok(Self(provider))
    }

    /// What turns this program's spans into those of a trace. Of libraries and of log lines it sees nothing; what is done
    /// outside of any request is no trace.
    pub fn layer(&self) -> Spans {
        let mine = DynFilterFn::new(|meta, cx| {
            meta.is_span() && meta.target() == spans::TARGET && (meta.name() == "request" || cx.lookup_current().is_some())
        });
        tracing_opentelemetry::layer::<Registry>()
            .with_tracer(self.0.tracer("keyharbor"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false)
            .with_filter(mine.with_max_level_hint(LevelFilter::INFO))
            .boxed()
    }

    /// Sends what waits, for so long at most.
    pub fn stop(self, within: Duration) {
        // Whoever reads the log knows already when the collector is away.
        drop(self.0.shutdown_with_timeout(within));
    }
}

/// Makes a request part of a trace that began elsewhere, as its `traceparent` says it; one that says nothing of the kind
/// begins a new trace. The caller must be somebody who is believed.
pub fn follow(span: &Span, traceparent: &str) {
    let carrier = std::collections::HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]);
    let context = TraceContextPropagator::new().extract_with_context(&opentelemetry::Context::new(), &carrier);
    // An error means that nobody looks at the span.
    drop(span.set_parent(context));
}

/// Lets out what is allowed, and says once when the collector is away and once when it is back.
#[derive(Debug)]
struct Outward<E> {
    next: E,
    down: AtomicBool,
}

impl<E: SpanExporter> SpanExporter for Outward<E> {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        batch.iter_mut().for_each(allowed_only);
        let done = self.next.export(batch).await;
        match (&done, self.down.swap(done.is_err(), Ordering::Relaxed)) {
            (Err(why), false) => tracing::warn!(%why, "traces cannot be sent and are lost until the collector takes them"),
            (Ok(()), true) => tracing::info!("the collector takes traces again"),
            _ => {}
        }
        done
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}

fn allowed_only(span: &mut SpanData) {
    span.attributes.retain(|field| ALLOWED.contains(&field.key.as_str()));
    span.events = SpanEvents::default();
    span.links = SpanLinks::default();
    if let Status::Error { description } = &mut span.status {
        *description = "".into();
    }
}

/// The house's own client, on a runtime that only the thread that sends turns.
struct Sender {
    client: reqwest::Client,
    runtime: Option<Runtime>,
    timeout: Duration,
}

impl Sender {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut request = reqwest::Request::try_from(request)?;
        *request.timeout_mut() = Some(self.timeout);
        let mut answer = self.client.execute(request).await.map_err(reqwest::Error::without_url)?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > ANSWER {
                return Err("the collector's answer is too long".into());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response::builder().status(answer.status().as_u16()).body(body.into())?)
    }
}

impl HttpClient for Sender {
    fn send_bytes<'a, 'b>(
        &'a self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            match &self.runtime {
                Some(runtime) => runtime.block_on(self.send(request)),
                None => Err("stopped".into()),
            }
        })
    }
}

impl Drop for Sender {
    /// A runtime that is dropped waits, which a thread of another may not.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The client's own words would show its settings.
impl Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sender")
    }
}
