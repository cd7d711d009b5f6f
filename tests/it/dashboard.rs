//! The pages that are made from the metrics, and the dashboard that asks for them.

use std::collections::BTreeSet;
use std::path::Path;

use keyharbor::telemetry::metrics::Metrics;

/// Every name that Prometheus keeps for the metrics there are.
fn names() -> BTreeSet<String> {
    let metrics = Metrics::default();
    let of = |a: &keyharbor::telemetry::metrics::About| match a.kind {
        "histogram" => ["_bucket", "_sum", "_count"].iter().map(|end| format!("{}{end}", a.name)).collect(),
        _ => vec![a.name.clone()],
    };
    metrics.about().iter().flat_map(of).collect()
}

/// Names of ours in a text.
fn named(text: &str) -> BTreeSet<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c| !word(c)).filter(|w| w.starts_with("keyharbor_")).map(str::to_owned).collect()
}

#[test]
fn the_dashboard_asks_for_metrics_that_there_are() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/grafana/keyharbor.json");
    let text = std::fs::read_to_string(path).unwrap();
    let board: serde_json::Value = serde_json::from_str(&text).unwrap();
    let panels = board["panels"].as_array().unwrap();
    let (mut ids, mut asked) = (BTreeSet::new(), BTreeSet::new());
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "two panels of one number");
        for target in panel["targets"].as_array().unwrap_or(&Vec::new()) {
            let found = named(target["expr"].as_str().unwrap());
            assert!(!found.is_empty(), "{target}");
            asked.extend(found);
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{target}");
        }
    }
    let known = names();
    let unknown: Vec<_> = asked.difference(&known).collect();
    assert!(unknown.is_empty() && asked.len() > 12, "{unknown:?}");
}

#[test]
fn names_in_an_expression_are_found() {
    let found = named("sum(rate(keyharbor_a_total{kind=\"x\"}[5m])) / keyharbor_b > 0");
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["keyharbor_a_total", "keyharbor_b"]);
}
