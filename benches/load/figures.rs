//! What was measured: told as it comes, and in the end as a table and as JSON.

use std::io::Write as _;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::generator::Done;
use crate::rows::{Form, Goal, rows};

pub struct Figures {
    form: Form,
    /// By the row's id: what was measured, what it is held against, the unit of both.
    measured: Vec<(String, f64, f64, &'static str)>,
    raw: Map<String, Value>,
}

fn digits(x: f64) -> String {
    match x {
        x if x >= 100.0 => {
            let whole = format!("{x:.0}");
            let thousands: Vec<&str> = whole.as_bytes().rchunks(3).rev().map(|c| std::str::from_utf8(c).unwrap()).collect();
            thousands.join(",")
        }
        x if x >= 10.0 => format!("{x:.1}"),
        x => format!("{x:.2}"),
    }
}

fn figure(x: f64, unit: &str) -> String {
    if unit == "/s" { format!("{}{unit}", digits(x)) } else { format!("{} {unit}", digits(x)) }
}

impl Figures {
    pub fn new(form: Form) -> Self {
        Self { form, measured: Vec::new(), raw: Map::new() }
    }

    pub fn say(&self, line: &str) {
        writeln!(std::io::stdout(), "{line}").unwrap();
    }

    /// Keeps a figure; several of one name are a list.
    pub fn raw(&mut self, name: &str, value: f64) {
        self.say(&format!("{name}: {}", digits(value)));
        let list = self.raw.entry(name).or_insert_with(|| json!([]));
        list.as_array_mut().unwrap().push(json!(value));
    }

    pub fn load(&mut self, name: &str, done: &Done) {
        let (p50, p99) = (done.p50.as_secs_f64() * 1e3, done.p99.as_secs_f64() * 1e3);
        self.say(&format!(
            "{name}: {}/s, p50 {} ms, p99 {} ms, server {} µs, database {} µs, load {} µs, {} switches an answer, {} broken",
            digits(done.rate()),
            digits(p50),
            digits(p99),
            digits(done.server_micros()),
            digits(done.database.as_secs_f64() * 1e6 / done.answers as f64),
            digits(done.load_micros()),
            digits(done.switches as f64 / done.answers as f64),
            done.broken
        ));
        let kept = json!({
            "answers": done.answers, "seconds": done.time.as_secs_f64(), "p50_ms": p50, "p99_ms": p99,
            "server_cpu_seconds": done.server.as_secs_f64(), "load_cpu_seconds": done.load.as_secs_f64(),
            "database_cpu_seconds": done.database.as_secs_f64(), "server_context_switches": done.switches, "broken_connections": done.broken,
        });
        self.raw.insert(name.to_owned(), kept);
    }

    /// A figure of the closing table, and what it is held against.
    pub fn row(&mut self, id: &str, value: f64, against: f64, unit: &'static str) {
        assert!(rows(self.form).iter().any(|row| row.id == id), "no row {id}");
        self.measured.push((id.to_owned(), value, against, unit));
    }

    /// Prints the table and writes both files.
    pub fn close(self) {
        let mut table = "| | measured | against | | ratio | |\n| --- | ---: | --- | ---: | ---: | --- |\n".to_owned();
        let mut kept = Vec::new();
        for row in rows(self.form) {
            let Some((_, value, against, unit)) = self.measured.iter().find(|(id, ..)| *id == row.id) else { continue };
            let ratio = value / against;
            let (goal, met) = match row.goal {
                Goal::AtLeast(least) => (format!("≥ {least}"), Some(ratio >= least)),
                Goal::AtMost(most) => (format!("≤ {most}"), Some(ratio <= most)),
                Goal::Told => (String::new(), None),
            };
            let verdict = match met {
                Some(true) => format!("{goal}: yes"),
                Some(false) => format!("{goal}: **no**"),
                None => String::new(),
            };
            table += &format!(
                "| {} | {} | {} | {} | {} | {verdict} |\n",
                row.title,
                figure(*value, unit),
                row.against,
                figure(*against, unit),
                digits(ratio)
            );
            kept.push(json!({
                "id": row.id, "title": row.title, "value": value, "against": against, "against_what": row.against, "unit": unit,
                "ratio": ratio, "met": met,
            }));
        }
        let (_, env) = keyharbor::service::clock::system();
        let about = json!({
            "date": env.now().rfc3339(),
            "version": env!("CARGO_PKG_VERSION"),
            "cores": std::thread::available_parallelism().map_or(0, usize::from),
            "form": if self.form == Form::Long { "long" } else { "short" },
        });
        self.say(&format!("\n{about}\n\n{table}"));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("bench");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("load.md"), &table).unwrap();
        let all = json!({ "about": about, "rows": kept, "raw": self.raw });
        std::fs::write(folder.join("load.json"), serde_json::to_string_pretty(&all).unwrap() + "\n").unwrap();
        self.say(&format!("written: {0}/load.md, {0}/load.json", folder.display()));
    }
}
