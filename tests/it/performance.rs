//! docs/performance.md quotes the closing table of `cargo bench`: every row that the bench knows, none that it does not, and the
//! same figures as in the JSON that was kept. How large they are is no test's business.

use std::path::Path;

#[path = "../../benches/load/rows.rs"]
mod rows;

use rows::{Form, Row, count};

fn page(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap()
}

fn kept() -> (Vec<Row>, serde_json::Value) {
    let kept: serde_json::Value = serde_json::from_str(&page("performance.json")).unwrap();
    let form = if kept["about"]["form"] == "long" { Form::Long } else { Form::Short };
    (rows::rows(form), kept)
}

/// The table's rows, by what they measure.
fn quoted() -> Vec<(String, Vec<String>)> {
    let text = page("performance.md");
    let lines = text.lines().skip_while(|l| *l != "## Figures").filter(|l| l.starts_with("| ")).skip(2);
    lines
        .map(|line| {
            let cells: Vec<String> = line.trim_matches('|').split('|').map(|c| c.trim().to_owned()).collect();
            (cells[0].clone(), cells)
        })
        .collect()
}

#[test]
fn the_quoted_table_has_the_rows_that_the_bench_knows() {
    let (rows, kept) = kept();
    let known: Vec<&String> = rows.iter().map(|row| &row.title).collect();
    let quoted = quoted();
    assert_eq!(quoted.iter().map(|(title, _)| title).collect::<Vec<_>>(), known);
    assert_eq!(kept["rows"].as_array().unwrap().len(), rows.len());
    for ((title, cells), (row, kept)) in quoted.iter().zip(rows.iter().zip(kept["rows"].as_array().unwrap())) {
        assert_eq!(kept["id"], row.id.as_str());
        assert_eq!(cells[2], row.against, "{title}");
        let ratio = kept["ratio"].as_f64().unwrap();
        let again = kept["value"].as_f64().unwrap() / kept["against"].as_f64().unwrap();
        assert!((ratio - again).abs() <= 1e-9 * ratio, "{title}: {ratio} is kept for {again}");
        let said: f64 = cells[4].replace(',', "").parse().unwrap();
        assert!((said - ratio).abs() <= 0.006 * ratio.max(1.0), "{title}: {said} is quoted for {ratio}");
        assert_eq!(cells[5].ends_with("yes"), kept["met"] == true, "{title}");
    }
}

#[test]
fn the_bench_asks_for_what_was_promised() {
    let all = rows::rows(Form::Long);
    let mut ids: Vec<&String> = all.iter().map(|row| &row.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all.len(), "each row once");
    let goal = |id: &str| all.iter().find(|row| row.id == id).unwrap().goal;
    assert!(goal("sqlite.deposits.64") == rows::Goal::AtLeast(0.3) && goal("postgres.deposits.64") == rows::Goal::AtLeast(0.6));
    for (engine, _) in rows::ENGINES {
        for (page, _) in rows::PAGES {
            assert!(goal(&format!("{engine}.{page}.1000000")) == rows::Goal::AtMost(1.5));
        }
        for limit in ["cpu", "start", "start.silent", "memory.idle", "memory.full"] {
            assert!(goal(&format!("{engine}.{limit}")) == rows::Goal::AtMost(1.0));
        }
    }
    assert_eq!((count(1_000), count(1_000_000), rows::CONNECTIONS), ("1 k".to_owned(), "1 M".to_owned(), [16, 64, 256]));
}
