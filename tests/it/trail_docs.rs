//! `docs/trail.md` names every kind of event and every field of an export, and no other.

use keyharbor::domain::EventKind;
use keyharbor::formats::trail::FIELDS;

/// First cells of the table below a heading, without their backticks.
fn first_cells(page: &str, heading: &str) -> Vec<String> {
    let (_, rest) = page.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no heading {heading}"));
    let table = rest.lines().skip_while(|l| !l.starts_with('|')).take_while(|l| l.starts_with('|')).skip(2);
    table.map(|line| line.split('|').nth(1).unwrap().trim().trim_matches('`').to_owned()).collect()
}

#[test]
fn every_kind_and_every_field_is_explained() {
    let page = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/trail.md")).unwrap();
    let kinds: Vec<_> = EventKind::ALL.iter().map(|k| k.code()).collect();
    let (mut explained, mut written) = (first_cells(&page, "Events"), kinds.clone());
    explained.sort();
    written.sort();
    assert_eq!(explained, written, "docs/trail.md and the kinds of events");
    assert_eq!(first_cells(&page, "Fields"), FIELDS, "docs/trail.md and the fields of an export");
}
