//! `reveal`: break-glass at the host. The trail row and the alarm come first, the key is on the terminal for a while.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use zeroize::Zeroizing;

use super::connect;
use super::screen::Screen;
use crate::config::Config;
use crate::domain::reveal::MAX_WINDOW_SECONDS;
use crate::i18n::{Alphabet, Language, Spelling};
use crate::service::break_glass::{BreakGlass, Opened, break_glass};
use crate::service::custody::{open_ring, root_key};

#[derive(Args)]
pub struct Reveal {
    /// Serial number of the Mac.
    #[arg(long)]
    serial: String,
    /// Why nobody can sign in and get it from the portal. It stands in the trail.
    #[arg(long)]
    reason: String,
    /// Who you are. It stands in the trail and on the Mac's page, where its owner reads it.
    #[arg(long)]
    operator: String,
    /// The number of a key version. Without it, the current one.
    #[arg(long, value_name = "N")]
    version: Option<i64>,
    /// Print although standard output is no terminal. Nothing clears it then.
    #[arg(long)]
    allow_redirect: bool,
}

pub async fn run(reveal: Reveal, config: &Config) -> anyhow::Result<ExitCode> {
    let Reveal { serial, reason, operator, version, allow_redirect } = reveal;
    let ask = BreakGlass::new(&serial, version, &operator, &reason)?;
    let screen = Screen::new("the key", allow_redirect)?;
    // Standard output is for the key alone.
    crate::telemetry::start("error", std::io::stderr, None);
    let store = connect(config).await?;
    let ring = open_ring(&store, &root_key(&config.custody)?, true).await?;
    let (clock, env) = crate::service::clock::system();
    clock.measure(&store).await?;
    let opened = break_glass(&store, &ring, &env, &ask).await?;
    let text = page(&opened, Language::parse(&config.portal.default_language).unwrap_or_default());
    let lines: Vec<&str> = text.iter().map(|line| line.as_str()).collect();
    let shown = screen.show(&lines, config.reveal.window_seconds.clamp(1, MAX_WINDOW_SECONDS)).await;
    shown.with_context(|| format!("the key was not shown whole, though row {} of the trail says that it was shown", opened.row))?;
    Ok(ExitCode::SUCCESS)
}

/// The key in groups, and each group spelled.
fn page(opened: &Opened, lang: Language) -> Vec<Zeroizing<String>> {
    let Opened { key, serial, version, there, row } = opened;
    let line = |text: String| Zeroizing::new(text);
    let others = there.iter().filter(|n| **n != version.version).map(i64::to_string).collect::<Vec<_>>().join(", ");
    let mut out = vec![
        line(format!("Recovery key of {} (version {}, received {})", serial.as_str(), version.version, version.escrowed_at.rfc3339())),
        line(String::new()),
        line(format!("    {}", key.expose())),
        line(String::new()),
    ];
    // The house's own words: a file of others could be what is broken.
    let (spelling, alphabet) = (Spelling::default(), Alphabet::of(lang));
    for group in key.groups() {
        let words: Vec<&str> = group.chars().filter_map(|c| spelling.word(alphabet, c)).collect();
        out.push(line(format!("    {group}   {}", words.join(" "))));
    }
    out.push(line(String::new()));
    if !others.is_empty() {
        out.push(line(format!("There are other versions (--version N): {others}")));
    }
    out.push(line(format!("Recorded as row {row} of the trail. Have the key rotated once the Mac is open.")));
    out
}
