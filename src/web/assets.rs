//! Static files, compiled in, under names that carry a hash of their content: they may be cached for ever.
//!
//! Also the one-line stylesheets `ttl-{n}.css`, which tell the style sheet when a key's time is up: they stand in for the
//! inline style that the content security policy forbids.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use crate::domain::reveal::MAX_WINDOW_SECONDS;

/// Where static files are served.
pub const PREFIX: &str = "/static/";

#[derive(RustEmbed)]
#[folder = "static/"]
struct Embedded;

/// A file as it is served. Every one may be cached for a year and never asked for again (`immutable`).
#[derive(Clone, Debug)]
pub struct Asset {
    pub bytes: Cow<'static, [u8]>,
    pub mime: &'static str,
}

struct Table {
    /// `app.css` → `app.0123456789abcdef.css`
    names: HashMap<String, String>,
    /// `app.0123456789abcdef.css` → the file
    files: HashMap<String, Asset>,
}

static TABLE: LazyLock<Table> = LazyLock::new(build);

/// The address of a file under `static/`: `asset("app.css")` is `/static/app.0123456789abcdef.css`. A name that does not
/// exist comes back without a hash, and is not served.
pub fn asset(name: &str) -> String {
    format!("{PREFIX}{}", TABLE.names.get(name).map_or(name, String::as_str))
}

/// The address of the stylesheet for a key with `seconds` left; held between 1 and the longest window.
pub fn ttl_sheet(seconds: i64) -> String {
    format!("{PREFIX}ttl-{}.css", seconds.clamp(1, MAX_WINDOW_SECONDS))
}

/// What stands behind `/static/{name}`; `None` = 404.
pub fn find(name: &str) -> Option<Asset> {
    TABLE.files.get(name).cloned().or_else(|| ttl(name))
}

/// If it does not load, `app.css` still hides the key after the longest window.
fn ttl(name: &str) -> Option<Asset> {
    let digits = name.strip_prefix("ttl-")?.strip_suffix(".css")?;
    let n = digits.parse::<i64>().ok().filter(|n| (1..=MAX_WINDOW_SECONDS).contains(n))?;
    // One spelling only: "ttl-007.css" and "ttl-+7.css" are not files.
    (digits == n.to_string())
        .then(|| Asset { bytes: Cow::Owned(format!(".secret,.expired{{--ttl:{n}s}}\n").into_bytes()), mime: "text/css; charset=utf-8" })
}

fn build() -> Table {
    let mut table = Table { names: HashMap::new(), files: HashMap::new() };
    // Style sheets name other files, so their hash comes last.
    let (sheets, others): (Vec<_>, Vec<_>) = Embedded::iter().partition(|name| name.ends_with(".css"));
    for name in others {
        if let Some(file) = Embedded::get(&name) {
            table.add(&name, file.data);
        }
    }
    for name in sheets {
        let Some(file) = Embedded::get(&name) else { continue };
        let mut text = String::from_utf8_lossy(&file.data).into_owned();
        for (plain, hashed) in &table.names {
            text = text.replace(&format!("url(\"{plain}\")"), &format!("url(\"{hashed}\")"));
        }
        table.add(&name, Cow::Owned(text.into_bytes()));
    }
    table
}

impl Table {
    fn add(&mut self, name: &str, bytes: Cow<'static, [u8]>) {
        // Every file of ours has an ending.
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, "bin"));
        let hashed = hashed(stem, ending, &bytes);
        self.files.insert(hashed.clone(), Asset { bytes, mime: mime(name) });
        self.names.insert(name.to_owned(), hashed);
    }
}

/// `app.0123456789abcdef.css`: a name that changes with the content.
pub fn hashed(stem: &str, ending: &str, bytes: &[u8]) -> String {
    let hash: String = crate::domain::hex(Sha256::digest(bytes)).chars().take(16).collect();
    format!("{stem}.{hash}.{ending}")
}

fn mime(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_an_address_that_is_served() {
        for name in Embedded::iter() {
            let address = asset(&name);
            let served = address.strip_prefix(PREFIX).and_then(find);
            assert!(served.is_some_and(|f| f.mime != "application/octet-stream"), "{name} at {address}");
            assert!(find(&name).is_none(), "{name} is served without its hash");
        }
        assert_eq!(asset("nothing.css"), "/static/nothing.css");
        assert!(find("nothing.css").is_none());
    }

    #[test]
    fn the_style_sheet_names_the_font_by_its_hash() {
        let address = asset("app.css");
        let sheet = find(address.strip_prefix(PREFIX).unwrap()).unwrap();
        let text = String::from_utf8(sheet.bytes.into_owned()).unwrap();
        let font = text.split("url(\"").nth(1).unwrap().split('"').next().unwrap();
        assert!(find(font).is_some_and(|f| f.mime == "font/woff2"), "{font}");
        let bare: String = text.split("/*").map(|part| part.rsplit("*/").next().unwrap()).collect();
        assert!(!bare.contains("data:") && !bare.replace("[href^=\"http\"]", "").contains("http"));
        assert!(!bare.replace(' ', "").contains("animation:none"), "a reset that would leave the key on screen");
    }

    #[test]
    fn ttl_sheets_are_one_to_three_hundred() {
        let text = |n: &str| find(n).map(|a| String::from_utf8(a.bytes.into_owned()).unwrap());
        assert_eq!(text("ttl-252.css").as_deref(), Some(".secret,.expired{--ttl:252s}\n"));
        for n in 1..=300 {
            assert!(find(ttl_sheet(n).strip_prefix(PREFIX).unwrap()).is_some());
        }
        for bad in ["ttl-0.css", "ttl-301.css", "ttl-007.css", "ttl-+7.css", "ttl-.css", "ttl-1"] {
            assert!(find(bad).is_none(), "{bad}");
        }
        assert_eq!((ttl_sheet(-5), ttl_sheet(9000)), ("/static/ttl-1.css".to_owned(), "/static/ttl-300.css".to_owned()));
    }
}
