//! What the documents name exists: commands with their options, settings, files they link to. Every Markdown page of the
//! project is read, so a page that is written tomorrow is held too.

use std::path::{Path, PathBuf};

use keyharbor::config::Config;

/// Pages of the project: the top level and `docs/`.
fn pages() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in [".", "docs", "docs/adr", "docs/providers", "packaging"] {
        let Ok(entries) = std::fs::read_dir(root.join(folder)) else { continue };
        found.extend(entries.map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "md")));
    }
    found.sort();
    found.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

/// Lines of the fenced blocks of a language, continued lines joined.
fn fenced(text: &str, language: &str) -> Vec<String> {
    let (mut lines, mut inside, mut open) = (Vec::new(), false, String::new());
    for line in text.lines().map(str::trim) {
        if let Some(fence) = line.strip_prefix("```") {
            inside = !inside && fence == language;
            continue;
        }
        if !inside {
            continue;
        }
        open.push_str(line.trim_end_matches('\\'));
        if !line.ends_with('\\') {
            lines.push(std::mem::take(&mut open));
        }
    }
    lines
}

/// What stands between single backticks outside of fences.
fn inline(text: &str) -> Vec<String> {
    let mut inside = false;
    let prose: Vec<&str> = text
        .lines()
        .filter(|line| {
            let fence = line.trim_start().starts_with("```");
            inside ^= fence;
            !inside && !fence
        })
        .collect();
    prose.join(" ").split('`').skip(1).step_by(2).map(|s| s.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Words as a shell takes them apart: quotes, comments, and no more.
fn words(line: &str) -> Vec<String> {
    let (mut out, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (c, quote) {
            (c, Some(q)) if c == q => quote = None,
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            ('#', None) if word.is_none() => break,
            (c, None) if c.is_whitespace() => out.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    out.extend(word);
    out
}

/// The part of a line that calls the program: after `sudo`, `cargo run --` and settings of the environment, up to a pipe.
fn call(words: &[String]) -> Option<Vec<String>> {
    let at = words
        .iter()
        .position(|w| w == "keyharbor" || w.ends_with("/keyharbor"))
        .or_else(|| words.windows(3).position(|w| w == ["cargo", "run", "--"]).map(|at| at + 2))?;
    let before = words.get(..at)?;
    let led = ["sudo", "systemd-run", "runuser", "cargo", "exec"];
    if !before
        .iter()
        .all(|w| led.contains(&w.as_str()) || w.starts_with('-') || w.contains('=') || ["run", "keyharbor"].contains(&w.as_str()))
    {
        return None;
    }
    let end = |w: &String| ["|", ">", ">>", "<", "&&", "||", ";", "2>&1", "&"].contains(&w.as_str());
    Some(words.get(at..)?.iter().take_while(|w| !end(w)).cloned().collect())
}

#[test]
fn every_command_of_the_documents_is_one() {
    let mut seen = 0;
    for (path, text) in pages() {
        for line in fenced(&text, "sh") {
            let Some(mut call) = call(&words(&line)) else { continue };
            seen += 1;
            call[0] = "keyharbor".into();
            let parsed = keyharbor::cli::command_line().try_get_matches_from(&call);
            let fine = match &parsed {
                Ok(_) => true,
                // A placeholder such as SEQ:MAC is no value, but it stands at the right place.
                Err(e) => matches!(
                    e.kind(),
                    clap::error::ErrorKind::ValueValidation | clap::error::ErrorKind::DisplayHelp | clap::error::ErrorKind::DisplayVersion
                ),
            };
            assert!(fine, "{}: `{line}`: {}", path.display(), parsed.err().map(|e| e.to_string()).unwrap_or_default());
        }
        for code in inline(&text) {
            let Some(rest) = code.strip_prefix("keyharbor ") else { continue };
            seen += 1;
            let mut command = keyharbor::cli::command_line();
            // Options that belong to the root are known to every subcommand.
            command.build();
            for word in words(rest) {
                if let Some(option) = word.strip_prefix("--") {
                    let name = option.split('=').next().unwrap_or_default().trim_end_matches(']');
                    let known = ["help", "version"].contains(&name) || command.get_arguments().any(|a| a.get_long() == Some(name));
                    assert!(known, "{}: `{code}` has no option --{name}", path.display());
                } else if let Some(found) = word.split('|').next().and_then(|first| command.find_subcommand(first)) {
                    let alternatives: Vec<_> = word.split('|').skip(1).filter(|w| command.find_subcommand(w).is_none()).collect();
                    assert!(alternatives.is_empty(), "{}: `{code}` names {alternatives:?}", path.display());
                    command = found.clone();
                } else {
                    let takes = command.get_positionals().next().is_some() || !command.has_subcommands();
                    assert!(takes, "{}: `{code}`: there is no `{word}`", path.display());
                }
            }
        }
    }
    assert!(seen > 20, "only {seen} commands were found: the reader of this test is broken");
}

#[test]
fn every_setting_of_the_documents_is_one() {
    let reference = Config::reference();
    let (mut section, mut known) = (String::new(), Vec::new());
    for line in reference.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            section = name.to_owned();
        } else if let Some((name, _)) =
            line.trim_start_matches("# ").split_once(" =").filter(|(n, _)| n.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        {
            known.push(format!("{section}.{name}"));
        }
    }
    let sections: Vec<&str> = known.iter().filter_map(|k| k.split('.').next()).collect();
    let mut seen = 0;
    for (path, text) in pages() {
        if path.ends_with("docs/configuration.md") || path.ends_with("CHANGELOG.md") {
            continue;
        }
        for code in inline(&text) {
            let name = code.split([' ', '=']).next().unwrap_or_default().trim_end_matches(".*");
            let Some((head, rest)) = name.split_once('.') else { continue };
            let one = sections.contains(&head) && !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            // `reveal.granted` and its like are kinds of the trail.
            let kind = keyharbor::domain::EventKind::parse(name).is_some();
            if one && !kind {
                seen += 1;
                assert!(known.iter().any(|k| k == name), "{}: there is no setting `{name}`", path.display());
            }
        }
    }
    assert!(seen > 10, "only {seen} settings were found: the reader of this test is broken");
}

#[test]
fn every_link_of_the_documents_leads_to_a_file() {
    let mut seen = 0;
    for (path, text) in pages() {
        for part in text.split("](").skip(1) {
            let target = part.split(')').next().unwrap_or_default();
            if target.contains("://") || target.starts_with(['#', '<']) || target.starts_with("mailto:") {
                continue;
            }
            seen += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = path.parent().unwrap().join(file);
            assert!(file.exists(), "{} links to {target}", path.display());
            if !anchor.is_empty() {
                let text = std::fs::read_to_string(&file).unwrap_or_default();
                let slug = |h: &str| {
                    h.trim_start_matches('#')
                        .trim()
                        .to_lowercase()
                        .replace(' ', "-")
                        .chars()
                        .filter(|c| c.is_alphanumeric() || *c == '-')
                        .collect::<String>()
                };
                assert!(text.lines().filter(|l| l.starts_with('#')).any(|l| slug(l) == anchor), "{} links to {target}", path.display());
            }
        }
    }
    assert!(seen > 10, "only {seen} links were found: the reader of this test is broken");
}

#[test]
fn the_readers_of_this_test_see_what_they_should() {
    let text = "Say `keyharbor config check` first.\n```sh\nsudo keyharbor token create --name \"a b\" \\\n  --scope x # why\n```\n```toml\nkeyharbor no\n```\n";
    assert_eq!(inline(text), ["keyharbor config check"]);
    let lines = fenced(text, "sh");
    assert_eq!(lines.len(), 1);
    assert_eq!(call(&words(&lines[0])).unwrap(), ["keyharbor", "token", "create", "--name", "a b", "--scope", "x"]);
    assert_eq!(call(&words("cargo run -- demo # x")).unwrap(), ["--", "demo"]);
    assert_eq!(call(&words("install -o keyharbor /etc/keyharbor")), None);
    assert!(keyharbor::cli::command_line().try_get_matches_from(["keyharbor", "no-such"]).is_err());
}
