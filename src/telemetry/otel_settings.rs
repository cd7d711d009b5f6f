//! The standard's variables, `OTEL_…`, as far as they concern traces: each is checked, so that one that cannot be meant ends
//! the start and is not passed over. Values are never repeated: headers hold secrets.

use std::collections::HashMap;
use std::str::FromStr;
use std::time::Duration;

use opentelemetry_sdk::trace::Sampler;
use percent_encoding::percent_decode_str;
use url::Url;

/// Where traces go, and how.
#[derive(Clone)]
pub struct Settings {
    /// In full, `/v1/traces` included.
    pub endpoint: Url,
    pub headers: HashMap<String, String>,
    /// Of one call.
    pub timeout: Duration,
    /// `service.name` among them, where it is set.
    pub resource: Vec<(String, String)>,
    pub sampler: Sampler,
    /// Spans that may wait; those that go in one call; how long they wait at most.
    pub queue: usize,
    pub batch: usize,
    pub delay: Duration,
}

impl Settings {
    /// From the environment's variables; `None`: nothing is to be sent.
    ///
    /// # Errors
    /// Names the variable.
    pub fn parse(given: &HashMap<String, String>) -> Result<Option<Self>, String> {
        let read = Variables(given);
        // First: without one, what else is set is meant for other programs.
        let Some(endpoint) = read.endpoint()? else { return Ok(None) };
        let off = read.one_of("OTEL_SDK_DISABLED", &["false", "true"])? == "true";
        let none = read.one_of("OTEL_TRACES_EXPORTER", &["otlp", "none"])? == "none";
        if off || none {
            return Ok(None);
        }
        for name in ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] {
            read.one_of(name, &["http/protobuf"])?;
        }
        for name in ["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"] {
            read.one_of(name, &["none"])?;
        }
        for name in ["OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"] {
            if read.text(name).is_some() {
                return Err(format!("{name} is not read: certificate authorities are the setting outbound.ca_file"));
            }
        }
        let timeout = read.number("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", read.number("OTEL_EXPORTER_OTLP_TIMEOUT", 10_000)?)?;
        let queue = read.number("OTEL_BSP_MAX_QUEUE_SIZE", 2048)?;
        Ok(Some(Self {
            endpoint,
            headers: read.headers()?.into_iter().collect(),
            timeout: Duration::from_millis(timeout),
            resource: read.resource()?,
            sampler: read.sampler()?,
            queue: usize::try_from(queue).unwrap_or(usize::MAX),
            batch: usize::try_from(read.number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512.min(queue))?).unwrap_or(usize::MAX),
            delay: Duration::from_millis(read.number("OTEL_BSP_SCHEDULE_DELAY", 5000)?),
        }))
    }
}

struct Variables<'a>(&'a HashMap<String, String>);

impl Variables<'_> {
    /// An empty one counts as not set.
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    /// The first of the choices, unless another is made.
    fn one_of(&self, name: &str, choices: &[&'static str]) -> Result<&'static str, String> {
        let chosen = |text: &str| choices.iter().find(|c| c.eq_ignore_ascii_case(text)).copied();
        match self.text(name) {
            None => Ok(choices.first().copied().unwrap_or_default()),
            Some(text) => chosen(text).ok_or_else(|| format!("{name} must be {}", choices.join(" or "))),
        }
    }

    fn number(&self, name: &str, default: u64) -> Result<u64, String> {
        let Some(text) = self.text(name) else { return Ok(default) };
        // A day of milliseconds, and more spans than anybody wants to keep.
        u64::from_str(text)
            .ok()
            .filter(|n| (1..=86_400_000).contains(n))
            .ok_or_else(|| format!("{name} must be a number from 1 to 86400000"))
    }

    /// The one of traces is taken as it is; to the common one is added where traces go.
    fn endpoint(&self) -> Result<Option<Url>, String> {
        let (name, text, own) = match (self.text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), self.text("OTEL_EXPORTER_OTLP_ENDPOINT")) {
            (Some(text), _) => ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", text, true),
            (None, Some(text)) => ("OTEL_EXPORTER_OTLP_ENDPOINT", text, false),
            (None, None) => return Ok(None),
        };
        let url = Url::parse(text).ok().filter(|u| ["http", "https"].contains(&u.scheme()) && u.has_host());
        // A password or a key in an address is in the collector's log next.
        let url = url.filter(|u| u.username().is_empty() && u.password().is_none() && u.query().is_none() && u.fragment().is_none());
        let mut url = url.ok_or_else(|| {
            format!("{name} must be an http or https address without user and query; what proves who calls is OTEL_EXPORTER_OTLP_HEADERS")
        })?;
        if !own {
            url.set_path(&format!("{}/v1/traces", url.path().trim_end_matches('/')));
        }
        Ok(Some(url))
    }

    fn headers(&self) -> Result<Vec<(String, String)>, String> {
        let own = "OTEL_EXPORTER_OTLP_TRACES_HEADERS";
        let name = if self.text(own).is_some() { own } else { "OTEL_EXPORTER_OTLP_HEADERS" };
        let headers = self.pairs(name)?;
        let usable = |(header, value): &(String, String)| {
            reqwest::header::HeaderName::from_str(header).is_ok() && reqwest::header::HeaderValue::from_str(value).is_ok()
        };
        if headers.iter().all(usable) { Ok(headers) } else { Err(format!("{name} holds what cannot be a header")) }
    }

    fn resource(&self) -> Result<Vec<(String, String)>, String> {
        let mut pairs = self.pairs("OTEL_RESOURCE_ATTRIBUTES")?;
        if let Some(service) = self.text("OTEL_SERVICE_NAME") {
            pairs.push(("service.name".to_owned(), service.to_owned()));
        }
        Ok(pairs)
    }

    /// `name=value,name=value`, values with `%XX`.
    fn pairs(&self, name: &str) -> Result<Vec<(String, String)>, String> {
        let wrong = || format!("{name} must be name=value, several with commas between them, other characters as %XX");
        let pair = |text: &str| {
            let (key, value) = text.split_once('=')?;
            let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
            (!key.trim().is_empty()).then(|| (key.trim().to_owned(), value.into_owned()))
        };
        let parts = self.text(name).unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(|part| pair(part).ok_or_else(wrong)).collect()
    }

    fn sampler(&self) -> Result<Sampler, String> {
        const CHOICES: [&str; 6] =
            ["parentbased_always_on", "always_on", "always_off", "traceidratio", "parentbased_always_off", "parentbased_traceidratio"];
        let name = "OTEL_TRACES_SAMPLER_ARG";
        let share = || match self.text(name) {
            None => Ok(1.0),
            Some(text) => {
                let share = f64::from_str(text).ok().filter(|share| (0.0..=1.0).contains(share));
                share.ok_or_else(|| format!("{name} must be a number from 0 to 1"))
            }
        };
        Ok(match self.one_of("OTEL_TRACES_SAMPLER", &CHOICES)? {
            "always_on" => Sampler::AlwaysOn,
            "always_off" => Sampler::AlwaysOff,
            "traceidratio" => Sampler::TraceIdRatioBased(share()?),
            "parentbased_always_off" => Sampler::ParentBased(Box::new(Sampler::AlwaysOff)),
            "parentbased_traceidratio" => Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(share()?))),
            _ => Sampler::ParentBased(Box::new(Sampler::AlwaysOn)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(given: &[(&str, &str)]) -> Result<Option<Settings>, String> {
        Settings::parse(&given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    const COMMON: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c.example:4318/otlp/");

    #[test]
    fn without_an_endpoint_or_switched_off_nothing_is_sent() {
        for given in [
            &[][..],
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")],
            &[("OTEL_SERVICE_NAME", "x"), ("OTEL_TRACES_SAMPLER", "always_on")],
            &[("OTEL_TRACES_EXPORTER", "console"), ("OTEL_SDK_DISABLED", "1")],
            &[COMMON, ("OTEL_SDK_DISABLED", "TRUE")],
            &[COMMON, ("OTEL_TRACES_EXPORTER", "none")],
        ] {
            assert!(of(given).unwrap().is_none(), "{given:?}");
        }
    }

    #[test]
    fn the_one_for_traces_goes_over_the_common_one() {
        let own = |name: &str| of(&[COMMON, ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", name)]).unwrap().unwrap().endpoint.to_string();
        assert_eq!(of(&[COMMON]).unwrap().unwrap().endpoint.as_str(), "http://c.example:4318/otlp/v1/traces");
        assert_eq!(own("https://t.example/in"), "https://t.example/in");
        assert_eq!(own("http://t.example"), "http://t.example/");
        let both = [COMMON, ("OTEL_EXPORTER_OTLP_HEADERS", "a=1"), ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "b=%20x%3D2, c=3")];
        let mut headers: Vec<_> = of(&both).unwrap().unwrap().headers.into_iter().collect();
        headers.sort();
        assert_eq!(headers, [("b".into(), " x=2".into()), ("c".into(), "3".into())]);
    }

    #[test]
    fn what_cannot_be_meant_names_its_variable_and_repeats_nothing() {
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "s3cret:4317"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "grpc://s3cret"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://u:s3cret@c.example"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://c.example/?key=s3cret"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "s3cret"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a b=s3cret"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=s3cret%0d%0ab"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/s3cret.pem"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
            ("OTEL_RESOURCE_ATTRIBUTES", "s3cret"),
            ("OTEL_TRACES_SAMPLER", "xray"),
            ("OTEL_SDK_DISABLED", "s3cret"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
        ] {
            let why = of(&[COMMON, (name, value)]).err().unwrap_or_else(|| panic!("{name}={value} is taken"));
            assert!(why.starts_with(name) && !why.contains("s3cret"), "{why}");
        }
        for share in ["x", "1.5", "-1", "NaN"] {
            let why = of(&[COMMON, ("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", share)]).err().unwrap();
            assert!(why.starts_with("OTEL_TRACES_SAMPLER_ARG"), "{why}");
        }
    }
}
