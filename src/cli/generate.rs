//! `generate`: the manual pages and the shells' completions, made from the command line itself. Hidden: packages call it,
//! people read what it wrote. Nothing in its output depends on the time or the machine.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;
use clap_complete::Shell;

#[derive(Subcommand)]
pub enum GenerateCommand {
    /// A manual page for the program and one for each command, into a folder that is there.
    Man {
        /// Where the pages go.
        folder: PathBuf,
    },
    /// Completions for bash, zsh and fish, under the names these shells look for.
    Completions {
        /// Where the completions go.
        folder: PathBuf,
    },
}

pub fn run(command: &GenerateCommand) -> anyhow::Result<()> {
    match command {
        GenerateCommand::Man { folder } => clap_mangen::generate_to(super::command_line(), folder),
        GenerateCommand::Completions { folder } => {
            [(Shell::Bash, "keyharbor"), (Shell::Zsh, "_keyharbor"), (Shell::Fish, "keyharbor.fish")].into_iter().try_for_each(
                |(shell, name)| {
                    let mut text = Vec::new();
                    clap_complete::generate(shell, &mut super::command_line(), "keyharbor", &mut text);
                    std::fs::write(folder.join(name), text)
                },
            )
        }
    }
    .with_context(|| {
        let (GenerateCommand::Man { folder } | GenerateCommand::Completions { folder }) = command;
        format!("cannot write into {}", folder.display())
    })
}
