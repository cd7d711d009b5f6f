//! The owners' list: CSV with a heading that names `serial` and `login`, in any order; further columns are ignored.

use crate::domain::device::Serial;
use crate::domain::person::Login;

/// One good line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// 1-based, the heading being line 1.
    pub number: u64,
    pub serial: Serial,
    pub login: Login,
}

/// One line that cannot be used, and why. Never holds what stood there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    pub number: u64,
    pub why: String,
}

/// Why nothing of the file can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    #[error("the first line must name the columns \"serial\" and \"login\"")]
    Heading,
    #[error("the file is not CSV in UTF-8 (line {0})")]
    NotCsv(u64),
}

/// Reads a whole file; a byte-order mark and `;` as the separator (as spreadsheets write it) are understood.
///
/// # Errors
/// [`FileError`]; a bad line is no error but a [`BadLine`].
pub fn read(bytes: &[u8]) -> Result<(Vec<Line>, Vec<BadLine>), FileError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let first = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let separator = if first.contains(&b';') && !first.contains(&b',') { b';' } else { b',' };
    // The reader counts the lines of a file with CR LF one short; people look for the line that is named.
    let bytes = bytes.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect::<Vec<_>>().join(&b'\n');
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).flexible(true).trim(csv::Trim::All).from_reader(bytes.as_slice());
    let heading = reader.headers().map_err(|_| FileError::NotCsv(1))?;
    let column = |name: &str| heading.iter().position(|h| h.eq_ignore_ascii_case(name)).ok_or(FileError::Heading);
    let (serial_at, login_at) = (column("serial")?, column("login")?);
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let record = record.map_err(|e| FileError::NotCsv(e.position().map_or(0, csv::Position::line)))?;
        let number = record.position().map_or(0, csv::Position::line);
        let serial = Serial::of_a_mac(record.get(serial_at).unwrap_or_default()).map_err(|e| format!("serial {e}"));
        let login = Login::parse(record.get(login_at).unwrap_or_default()).map_err(|e| format!("login {e}"));
        match (serial, login) {
            (Ok(serial), Ok(login)) => good.push(Line { number, serial, login }),
            (Err(why), _) | (_, Err(why)) => bad.push(BadLine { number, why }),
        }
    }
    Ok((good, bad))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn columns_in_any_order_and_bad_lines_by_number() {
        let (good, bad) = read(b"\xEF\xBB\xBFlogin;Serial;note\nAnna@Acme.example;c02a;x\n;C02B;\nkim;;\nLeo;c02c\n").unwrap();
        let got: Vec<_> = good.iter().map(|l| (l.number, l.serial.as_str(), l.login.as_str())).collect();
        assert_eq!(got, [(2, "C02A", "anna@acme.example"), (5, "C02C", "leo")]);
        assert_eq!(
            bad.iter().map(|b| (b.number, b.why.as_str())).collect::<Vec<_>>(),
            [(3, "login must not be empty"), (4, "serial must not be empty")]
        );
        assert_eq!(read(b"a,b\n"), Err(FileError::Heading));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&bytes);
        }
    }
}
