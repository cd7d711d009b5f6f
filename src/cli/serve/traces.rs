//! Traces of OpenTelemetry: on where a build has them (feature `otel`) and the standard's variables name a collector. A build
//! without them says so to whoever names one.

use crate::config::Config;
use crate::config::environment::open_telemetry;
use crate::telemetry::Spans;

pub(crate) use kind::{Traces, check};

#[cfg(feature = "otel")]
mod kind {
    use std::time::Duration;

    use anyhow::anyhow;

    use super::{Config, Spans, open_telemetry};
    use crate::oidc;
    use crate::telemetry::otel;
    use crate::telemetry::otel_settings::Settings;

    /// How long the end of the server waits for the collector.
    const LAST: Duration = Duration::from_secs(3);

    pub(crate) struct Traces(Option<(otel::Traces, String)>);

    impl Traces {
        pub fn open(config: &Config) -> anyhow::Result<Self> {
            let Some(settings) = settings()? else { return Ok(Self(None)) };
            let host = settings.endpoint.host_str().unwrap_or_default().to_owned();
            let client = oidc::client(&config.outbound, oidc::Limits::default(), settings.endpoint.scheme() == "http")?;
            Ok(Self(Some((otel::Traces::start(settings, client).map_err(|why| anyhow!(why))?, host))))
        }

        pub fn layer(&self) -> Option<Spans> {
            self.0.as_ref().map(|(traces, _)| traces.layer())
        }

        /// Says where traces go, if they do.
        pub fn tell(&self) {
            if let Some((_, host)) = &self.0 {
                tracing::info!(host, "traces are sent");
            }
        }

        /// Sends the last of them.
        pub fn stop(self) {
            if let Some((traces, _)) = self.0 {
                traces.stop(LAST);
            }
        }
    }

    /// # Errors
    /// Names the variable that cannot be used.
    pub(crate) fn check(config: &Config) -> anyhow::Result<()> {
        if let Some(settings) = settings()? {
            oidc::client(&config.outbound, oidc::Limits::default(), settings.endpoint.scheme() == "http")?;
        }
        Ok(())
    }

    fn settings() -> anyhow::Result<Option<Settings>> {
        Settings::parse(&open_telemetry()).map_err(|why| anyhow!(why))
    }
}

#[cfg(not(feature = "otel"))]
mod kind {
    use super::{Config, Spans, open_telemetry};

    pub(crate) struct Traces;

    impl Traces {
        pub fn open(_: &Config) -> anyhow::Result<Self> {
            Ok(Self)
        }

        pub fn layer(&self) -> Option<Spans> {
            None
        }

        pub fn tell(&self) {
            let given = open_telemetry();
            let named = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"].into_iter().find(|n| given.contains_key(*n));
            if let Some(name) = named {
                tracing::warn!(
                    "{name} is set, but this build has no OpenTelemetry: it was made without the feature otel, and sends no traces"
                );
            }
        }

        pub fn stop(self) {}
    }

    pub(crate) fn check(_: &Config) -> anyhow::Result<()> {
        Ok(())
    }
}
