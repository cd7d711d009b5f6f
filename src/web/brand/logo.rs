//! The logo: a still PNG or WebP picture of a bounded size. Its kind is read from its bytes, never from its name.

use std::path::Path;

use crate::config::ConfigError;

const LARGEST: u64 = 256 * 1024;
/// Pixels of a side.
const SIDES: std::ops::RangeInclusive<u32> = 16..=2048;

/// A picture that browsers may be given.
#[derive(Clone, Debug)]
pub struct Logo {
    pub bytes: Vec<u8>,
    pub mime: &'static str,
    pub ending: &'static str,
    pub width: u32,
    pub height: u32,
}

/// Reads the file that a setting names.
///
/// # Errors
/// [`ConfigError::Invalid`]: it cannot be read, is too large, or is no still picture of a kind we serve.
pub fn read(name: &'static str, path: &Path) -> Result<Logo, ConfigError> {
    let refuse = |why: String| ConfigError::Invalid { name, why: format!("{} {why}", path.display()) };
    let size = std::fs::metadata(path).map_err(|e| refuse(format!("cannot be read: {e}")))?.len();
    if size > LARGEST {
        return Err(refuse(format!("is too large: {} KiB, at most {}", size / 1024, LARGEST / 1024)));
    }
    let bytes = std::fs::read(path).map_err(|e| refuse(format!("cannot be read: {e}")))?;
    let known = png(&bytes).map(|found| ("image/png", "png", found)).or_else(|| webp(&bytes).map(|found| ("image/webp", "webp", found)));
    let Some((mime, ending, picture)) = known else {
        return Err(refuse("is neither PNG nor WebP (SVG is not taken: it can hold script)".into()));
    };
    if picture.moves {
        return Err(refuse("is animated; a logo on these pages stands still".into()));
    }
    if !SIDES.contains(&picture.width) || !SIDES.contains(&picture.height) {
        let (w, h) = (picture.width, picture.height);
        return Err(refuse(format!("is {w} × {h} pixels; each side must have {} to {}", SIDES.start(), SIDES.end())));
    }
    Ok(Logo { bytes, mime, ending, width: picture.width, height: picture.height })
}

/// What the first bytes of a picture say.
struct Picture {
    width: u32,
    height: u32,
    moves: bool,
}

/// A number of three or four bytes at this place.
fn number(bytes: &[u8], at: usize, len: usize, little: bool) -> Option<u32> {
    let part = bytes.get(at..at.checked_add(len)?)?;
    let join = |sum: u32, byte: &u8| (sum << 8) | u32::from(*byte);
    Some(if little { part.iter().rev().fold(0, join) } else { part.iter().fold(0, join) })
}

fn png(bytes: &[u8]) -> Option<Picture> {
    let body = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n")?;
    (body.get(4..8)? == b"IHDR").then_some(())?;
    // The chunk that makes it move stands before the first one with pixels.
    let head = body.windows(4).take_while(|name| name != b"IDAT").any(|name| name == b"acTL");
    Some(Picture { width: number(body, 8, 4, false)?, height: number(body, 12, 4, false)?, moves: head })
}

fn webp(bytes: &[u8]) -> Option<Picture> {
    (bytes.get(..4)? == b"RIFF" && bytes.get(8..12)? == b"WEBP").then_some(())?;
    let (width, height, moves) = match bytes.get(12..16)? {
        b"VP8X" => (number(bytes, 24, 3, true)? + 1, number(bytes, 27, 3, true)? + 1, bytes.get(20)? & 2 != 0),
        b"VP8L" => {
            let bits = number(bytes, 21, 4, true)?;
            ((bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1, false)
        }
        b"VP8 " => (number(bytes, 26, 2, true)? & 0x3FFF, number(bytes, 28, 2, true)? & 0x3FFF, false),
        _ => return None,
    };
    Some(Picture { width, height, moves })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The start of a PNG of this size, with more chunks before its pixels.
    pub fn png_head(width: u32, height: u32, chunk: &[u8; 4]) -> Vec<u8> {
        let mut out = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        out.extend(width.to_be_bytes());
        out.extend(height.to_be_bytes());
        out.extend(b"\x08\x06\0\0\0....\0\0\0\x08");
        out.extend(chunk);
        out.extend(b"........\0\0\0\0IDATacTL");
        out
    }

    fn webp_head(chunk: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [b"RIFF\0\0\0\0WEBP", chunk.as_slice(), &[0; 4], body].concat()
    }

    #[test]
    fn size_and_kind_come_from_the_bytes() {
        let size = |found: Option<Picture>| found.map(|p| (p.width, p.height, p.moves));
        assert_eq!(size(png(&png_head(320, 64, b"tEXt"))), Some((320, 64, false)));
        assert_eq!(size(png(&png_head(320, 64, b"acTL"))), Some((320, 64, true)));
        assert_eq!(size(webp(&webp_head(b"VP8X", &[0, 0, 0, 0, 0x3F, 1, 0, 63, 0, 0]))), Some((320, 64, false)));
        assert_eq!(size(webp(&webp_head(b"VP8X", &[2, 0, 0, 0, 0x3F, 1, 0, 63, 0, 0]))), Some((320, 64, true)));
        // 14 bits of width less one, then 14 of height less one.
        let bits = (319u32 | (63 << 14)).to_le_bytes();
        assert_eq!(size(webp(&webp_head(b"VP8L", &[&[0x2F], bits.as_slice()].concat()))), Some((320, 64, false)));
        assert_eq!(size(webp(&webp_head(b"VP8 ", &[0, 0, 0, 0x9D, 1, 0x2A, 0x40, 1, 64, 0]))), Some((320, 64, false)));
        for odd in [b"".as_slice(), b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP", b"RIFF\0\0\0\0WEBPVP8X\0", b"GIF89a", b"<svg/>"] {
            assert!(png(odd).is_none() && webp(odd).is_none(), "{odd:?}");
        }
    }

    #[test]
    fn what_is_no_logo_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logo.png");
        let refusal = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            read("portal.logo_file", &path).map(|_| ()).unwrap_err().to_string()
        };
        for (bytes, words) in [
            (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".to_vec(), "SVG is not taken"),
            (b"<!doctype html><script>alert(1)</script>".to_vec(), "neither PNG nor WebP"),
            (png_head(64, 64, b"acTL"), "is animated"),
            (png_head(5000, 64, b"tEXt"), "5000 × 64 pixels"),
            (png_head(8, 8, b"tEXt"), "8 × 8 pixels"),
            ([png_head(64, 64, b"tEXt"), vec![0; 300 * 1024]].concat(), "too large: 300 KiB, at most 256"),
        ] {
            let why = refusal(&bytes);
            assert!(why.starts_with("portal.logo_file: ") && why.contains("logo.png") && why.contains(words), "{why}");
        }
        let why = read("portal.logo_file", &dir.path().join("none.png")).map(|_| ()).unwrap_err().to_string();
        assert!(why.contains("none.png cannot be read"), "{why}");
    }
}
