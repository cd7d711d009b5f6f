//! `cargo bench`: the real program under load through real sockets, against what its database does by itself in the same run.
//!
//! Every row of the closing table is a ratio of two figures that were taken one after the other on the same machine; the table goes
//! to standard output and, with all raw figures as JSON, to `target/bench`. `KEYHARBOR_BENCH=long` goes up to a million devices;
//! `KEYHARBOR_BENCH_PROGRAM` names another build of the program to be measured;
//! a word on the command line (`sqlite`, `postgres`, `tls`; `sqlite.deposits`, `sqlite.devices`) runs that part alone. docs/performance.md explains the rows.
#![cfg(test)]

mod bare;
mod client;
mod cluster;
mod figures;
mod fill;
mod generator;
mod pages;
mod people;
mod process;
mod rows;
mod start;
mod tls;

use std::time::Duration;

use cluster::Cluster;
use figures::Figures;
use generator::{Kind, Load};
use process::{Home, Server};
use rows::{CONNECTIONS, ENGINES, Form};

/// How long things are measured.
struct Plan {
    form: Form,
    warm: Duration,
    measure: Duration,
}

fn main() {
    rustls::crypto::aws_lc_rs::default_provider().install_default().unwrap();
    let long = std::env::var_os("KEYHARBOR_BENCH").is_some_and(|form| form == "long");
    let seconds = |n| Duration::from_secs(n);
    let plan = match long {
        true => Plan { form: Form::Long, warm: seconds(2), measure: seconds(10) },
        false => Plan { form: Form::Short, warm: seconds(1), measure: seconds(5) },
    };
    // Cargo adds `--bench`; other words choose.
    let parts: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|p| p == part);
    let mut figures = Figures::new(plan.form);
    for (engine, _) in ENGINES {
        let [rates, pages] = ["deposits", "devices"].map(|half| wanted(engine) || wanted(&format!("{engine}.{half}")));
        if !rates && !pages {
            continue;
        }
        let cluster = match engine {
            "postgres" => match Cluster::start() {
                Some(cluster) => Some(cluster),
                None => {
                    figures.say("PostgreSQL is not installed here: its rows are left out");
                    continue;
                }
            },
            _ => None,
        };
        if rates {
            deposits(&plan, engine, cluster.as_ref(), &mut figures);
        }
        if pages {
            devices(&plan, engine, cluster.as_ref(), &mut figures);
        }
    }
    if wanted("tls") {
        tls::measure(&plan, &mut figures);
    }
    figures.close();
}

/// Deposits through HTTP, between two runs of the bare engine.
fn deposits(plan: &Plan, engine: &str, cluster: Option<&Cluster>, figures: &mut Figures) {
    let bare = |figures: &mut Figures| {
        let rate = match cluster {
            None => bare::sqlite(plan.measure),
            Some(cluster) => bare::postgres(&cluster.database("bare"), plan.measure),
        };
        figures.raw(&format!("{engine}.bare"), rate);
        rate
    };
    let before = bare(figures);
    let home = Home::new(cluster);
    let server = home.serve();
    server.settle();
    let idle = server.memory();
    figures.raw(&format!("{engine}.memory.idle.pss"), idle.pss);
    figures.row(&format!("{engine}.memory.idle"), idle.rss, 40.0, "MB");
    let mut rates = Vec::new();
    let mut next = 0;
    for connections in CONNECTIONS {
        let load = Load { plan, connections, kind: Kind::Json, from: next, cycle: None };
        let done = load.run(&home, &server);
        next = done.next;
        figures.load(&format!("{engine}.deposits.{connections}"), &done);
        rates.push((connections, done));
    }
    let same = Load { plan, connections: 64, kind: Kind::Json, from: 0, cycle: Some(5_000) }.run(&home, &server);
    figures.load(&format!("{engine}.same"), &same);
    let crypt = Load { plan, connections: 64, kind: Kind::Crypt, from: next, cycle: None }.run(&home, &server);
    figures.load(&format!("{engine}.crypt"), &crypt);
    let status = Load { plan, connections: 64, kind: Kind::Status, from: 0, cycle: Some(5_000) }.run(&home, &server);
    figures.load(&format!("{engine}.status"), &status);
    let live = Load { plan, connections: 64, kind: Kind::Live, from: 0, cycle: None }.run(&home, &server);
    figures.load(&format!("{engine}.live"), &live);
    drop(server);
    let bare = f64::midpoint(before, bare(figures));
    for (connections, done) in &rates {
        figures.row(&format!("{engine}.deposits.{connections}"), done.rate(), bare, "/s");
        if *connections == 64 {
            figures.row(&format!("{engine}.cpu"), done.server_micros(), 150.0, "µs");
            figures.row(&format!("{engine}.load"), done.load_micros(), done.server_micros(), "µs");
            figures.row(&format!("{engine}.cpu.live"), live.server_micros(), done.server_micros(), "µs");
            figures.row(&format!("{engine}.cpu.status"), status.server_micros(), done.server_micros(), "µs");
            figures.row(&format!("{engine}.same"), same.rate(), done.rate(), "/s");
            figures.row(&format!("{engine}.crypt"), crypt.rate(), done.rate(), "/s");
        }
    }
}

/// Pages, memory and the start with more and more devices.
fn devices(plan: &Plan, engine: &str, cluster: Option<&Cluster>, figures: &mut Figures) {
    let home = Home::new(cluster);
    let server = home.serve();
    let mut first = None;
    let mut filled = 0;
    for size in rows::sizes(plan.form) {
        let (of_server, of_database) = (server.cpu(), home.database_cpu());
        let took = fill::up_to(&home, filled, *size);
        let micros = |cpu: Duration| cpu.as_secs_f64() * 1e6 / (size - filled) as f64;
        figures.raw(&format!("{engine}.filled.{size}.deposits_per_second"), took);
        figures.raw(&format!("{engine}.filled.{size}.server_cpu_micros"), micros(server.cpu() - of_server));
        figures.raw(&format!("{engine}.filled.{size}.database_cpu_micros"), micros(home.database_cpu() - of_database));
        fill::owners(&home, filled, *size);
        filled = *size;
        let times = pages::times(&home);
        for (page, millis) in &times {
            figures.raw(&format!("{engine}.{page}.{size}.ms"), *millis);
        }
        match &first {
            None => first = Some(times),
            Some(first) => {
                for ((page, millis), (_, small)) in times.iter().zip(first) {
                    figures.row(&format!("{engine}.{page}.{size}"), *millis, *small, "ms");
                }
            }
        }
    }
    let full = server.memory();
    figures.raw(&format!("{engine}.memory.full.pss"), full.pss);
    figures.row(&format!("{engine}.memory.full"), full.rss, 120.0, "MB");
    drop(server);
    figures.row(&format!("{engine}.start"), start::first_answer(&home, start::Provider::Refuses), 150.0, "ms");
    figures.row(&format!("{engine}.start.silent"), start::first_answer(&home, start::Provider::Silent), 150.0, "ms");
}

/// The server is stopped as its operator would stop it.
impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
