//! A secret on the terminal: on a screen of its own that leaves nothing to scroll back to, for a while, and then gone.
//!
//! Without a terminal there is nothing that could be cleared: then only an explicit wish prints at all.

use std::io::BufRead as _;
use std::time::Duration;

use anyhow::bail;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::out::{Unsaid, is_terminal, put, say, tell};

/// The terminal's other screen: it has no history, and the first one comes back untouched.
const ENTER: &str = "\x1b[?1049h\x1b[2J\x1b[H";
const LEAVE: &str = "\x1b[2J\x1b[H\x1b[?1049l";

/// Where a secret may be printed.
pub(super) struct Screen {
    terminal: bool,
    shown: bool,
}

impl Screen {
    /// Asked before anything is done: `allowed` is the flag that lets a secret go into a pipe or a file.
    pub fn new(what: &str, allowed: bool) -> anyhow::Result<Self> {
        let terminal = is_terminal();
        if !terminal && !allowed {
            bail!("standard output is no terminal, and {what} would stay in a file or a log: --allow-redirect prints it all the same");
        }
        Ok(Self { terminal, shown: false })
    }

    /// Prints the lines; on a terminal they stay until Enter, a stop signal, or the end of the time.
    ///
    /// # Errors
    /// Not all of them were printed.
    pub async fn show(mut self, lines: &[&str], seconds: i64) -> Result<(), Unsaid> {
        if !self.terminal {
            for line in lines {
                say(line)?;
            }
            return Ok(());
        }
        // Signals count from before there is something to see.
        let mut stops = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(|kind| signal(kind).ok());
        self.shown = true;
        put(ENTER.as_bytes())?;
        for line in lines {
            say(line)?;
        }
        say(format_args!("\nThis is cleared in {seconds} seconds, or when you press Enter."))?;
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(u64::try_from(seconds).unwrap_or(1))) => {}
            () = enter() => {}
            () = any(&mut stops) => {}
        }
        drop(self);
        tell("Cleared.");
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.shown {
            let _ = put(LEAVE.as_bytes());
        }
    }
}

/// One of the signals.
async fn any(signals: &mut [Option<Signal>]) {
    let each: Vec<_> = signals.iter_mut().flatten().map(|signal| Box::pin(signal.recv())).collect();
    if each.is_empty() {
        return std::future::pending().await;
    }
    let _ = futures_util::future::select_all(each).await;
}

/// A line on standard input. Its end is no line: then time decides.
async fn enter() {
    let (pressed, wait) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line).is_ok_and(|n| n > 0) {
            let _ = pressed.send(());
        }
    });
    if wait.await.is_err() {
        std::future::pending::<()>().await;
    }
}
