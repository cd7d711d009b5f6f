//! A build without the feature `otel`: whoever names a collector is told that nothing goes there.

use crate::process::{Home, Running};

#[test]
fn a_build_without_opentelemetry_says_so_to_whoever_names_a_collector() {
    let home = Home::ready("http://127.0.0.1:9");
    let mut command = home.command(&["serve"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
    let mut server = Running::start(command);
    server.until("\"serving\"");
    let said = server.end_by_term();
    assert_eq!(said.matches("OTEL_EXPORTER_OTLP_ENDPOINT is set, but this build has no OpenTelemetry").count(), 1, "{said}");
    let said = home.serve().end_by_term();
    assert!(!said.contains("OpenTelemetry"), "{said}");
}
