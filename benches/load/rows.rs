//! What the bench knows to measure: a row of the closing table each. The test of docs/performance.md reads the same list.

/// In which form the bench runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A few minutes.
    Short,
    /// Up to a million devices.
    Long,
}

/// What a ratio has to be.
#[derive(Clone, Copy, PartialEq)]
pub enum Goal {
    AtLeast(f64),
    AtMost(f64),
    /// It is told, and nothing is asked of it.
    Told,
}

#[derive(Clone)]
pub struct Row {
    /// Names it in the JSON.
    pub id: String,
    /// Says what is measured.
    pub title: String,
    /// What it is held against.
    pub against: String,
    pub goal: Goal,
}

pub const ENGINES: [(&str, &str); 2] = [("sqlite", "SQLite"), ("postgres", "PostgreSQL")];
pub const CONNECTIONS: [usize; 3] = [16, 64, 256];
/// Pages whose time is taken at each size.
pub const PAGES: [(&str, &str); 4] =
    [("own", "own devices"), ("search", "the desk's search"), ("trail", "the trail"), ("reveal", "showing a key, press and page")];

/// How many devices there are when pages are timed; the first is what the others are held against.
pub fn sizes(form: Form) -> &'static [usize] {
    match form {
        Form::Short => &[1_000, 20_000],
        Form::Long => &[1_000, 100_000, 1_000_000],
    }
}

/// 20 k, 1 M.
pub fn count(n: usize) -> String {
    match n {
        0..1_000 => n.to_string(),
        1_000..1_000_000 => format!("{} k", n / 1_000),
        _ => format!("{} M", n / 1_000_000),
    }
}

pub fn rows(form: Form) -> Vec<Row> {
    let row = |id: String, title: String, against: String, goal| Row { id, title, against, goal };
    let mut all = Vec::new();
    for (engine, name) in ENGINES {
        let bare = match engine {
            "sqlite" => "bare engine, one row from each of 64 callers, batches by `json_each`".to_owned(),
            _ => "bare engine, 64 connections, one row a commit".to_owned(),
        };
        for n in CONNECTIONS {
            let goal = match (engine, n) {
                ("sqlite", 64) => Goal::AtLeast(0.3),
                (_, 64) => Goal::AtLeast(0.6),
                _ => Goal::Told,
            };
            all.push(row(format!("{engine}.deposits.{n}"), format!("{name}: deposits/s, {n} connections"), bare.clone(), goal));
        }
        let ours = || format!("{name}: deposits/s, 64 connections");
        all.push(row(
            format!("{engine}.cpu"),
            format!("{name}: the server's CPU for a deposit, 64 connections"),
            "150 µs".into(),
            Goal::AtMost(1.0),
        ));
        all.push(row(
            format!("{engine}.load"),
            format!("{name}: the load generator's CPU for a deposit"),
            "the server's".into(),
            Goal::Told,
        ));
        let deposit = || "for a deposit".to_owned();
        all.push(row(format!("{engine}.cpu.live"), format!("{name}: the server's CPU for `/healthz`: HTTP alone"), deposit(), Goal::Told));
        all.push(row(
            format!("{engine}.cpu.status"),
            format!("{name}: the server's CPU for an escrow status: token and Mac read"),
            deposit(),
            Goal::Told,
        ));
        all.push(row(format!("{engine}.same"), format!("{name}: the same key again, 64 connections, a second"), ours(), Goal::Told));
        all.push(row(format!("{engine}.crypt"), format!("{name}: Crypt check-ins/s, 64 connections"), ours(), Goal::Told));
        for (page, what) in PAGES {
            for size in &sizes(form)[1..] {
                let goal = if *size >= 1_000_000 { Goal::AtMost(1.5) } else { Goal::Told };
                let title = format!("{name}: {what}, {} devices", count(*size));
                all.push(row(format!("{engine}.{page}.{size}"), title, "the same with 1 k devices".into(), goal));
            }
        }
        let most = count(sizes(form).last().copied().unwrap_or_default());
        all.push(row(
            format!("{engine}.start"),
            format!("{name}: start to first answer, {most} devices, provider refuses"),
            "150 ms".into(),
            Goal::AtMost(1.0),
        ));
        all.push(row(
            format!("{engine}.start.silent"),
            format!("{name}: the same, provider takes the call and says nothing"),
            "150 ms".into(),
            Goal::AtMost(1.0),
        ));
        all.push(row(format!("{engine}.memory.idle"), format!("{name}: resident memory, idle"), "40 MB".into(), Goal::AtMost(1.0)));
        all.push(row(
            format!("{engine}.memory.full"),
            format!("{name}: resident memory after {most} deposits"),
            "120 MB".into(),
            Goal::AtMost(1.0),
        ));
    }
    all.push(row("tls".into(), "SQLite: deposits/s over TLS, 64 connections".into(), "the same without TLS".into(), Goal::Told));
    all
}
