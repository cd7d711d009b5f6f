//! The file of a backup: a first line, then frames (`tag u8 ‖ length u32 BE ‖ payload`), streamed both ways.
//!
//! `H` header, then for each table `T` (name and columns), `R` for each row, `E` (how many); last `Z`, a MAC under the ring over
//! the SHA-256 of all that stands before it. Nothing follows. It knows no engine: a cell is nothing, a number, a text, or bytes.
//! A reader believes nothing before [`Item::Close`] has come and its MAC was checked by the caller.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::store::Cell;

/// The form of the file that this version writes, and the newest it reads.
pub const FORMAT: u32 = 1;
pub(super) const FIRST_LINE: &[u8] = b"keyharbor backup\n";
/// Longer than any frame we write.
const LONGEST: u32 = 32 * 1024 * 1024;

/// Why a file is no backup that can be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("it cannot be read or written: {0}")]
    Io(#[from] io::Error),
    #[error("it is not a Keyharbor backup")]
    NotABackup,
    #[error("it is of form {0}, which a newer release of Keyharbor wrote")]
    Newer(u32),
    #[error("it ends too early: it was cut, or never finished")]
    Cut,
    #[error("it was changed: {0}")]
    Malformed(&'static str),
}

/// What a backup says of itself. All of it is under the closing MAC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub format: u32,
    /// The version of Keyharbor that wrote it.
    pub keyharbor: String,
    /// `sqlite` or `postgres`; for people.
    pub engine: String,
    /// The numbers of the migrations that the database had.
    pub migrations: Vec<i64>,
    /// Microseconds since 1970 in UTC.
    pub made_at: i64,
    pub epoch: u32,
    /// The last row of the trail.
    pub head_seq: i64,
    /// Its MAC, in hexadecimal as a checkpoint.
    pub head_mac: String,
    pub ring: RingHeader,
}

/// The key ring, wrapped under the root key, which is not in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RingHeader {
    pub generation: i64,
    /// Hexadecimal.
    pub wrapped: String,
    pub wrapped_by: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableHeader {
    pub name: String,
    pub columns: Vec<String>,
}

/// What a reader finds, in order. No `Debug`: a row can hold a sealed key.
pub enum Item {
    Table(TableHeader),
    Row(Vec<Cell>),
    /// The table is complete; it has so many rows.
    End(u64),
    /// The file is complete: its closing MAC, what it must cover, and the digest of the whole file.
    Close {
        mac: Vec<u8>,
        covers: [u8; 32],
        digest: [u8; 32],
    },
}

/// Writes a backup.
pub struct Writer<W> {
    out: W,
    hash: Sha256,
    rows: u64,
}

impl<W: Write> Writer<W> {
    /// # Errors
    /// [`FileError::Io`].
    pub fn begin(out: W, header: &Header) -> Result<Self, FileError> {
        let mut writer = Self { out, hash: Sha256::new(), rows: 0 };
        writer.put(FIRST_LINE)?;
        writer.json(b'H', header)?;
        Ok(writer)
    }

    /// # Errors
    /// [`FileError::Io`].
    pub fn table(&mut self, table: &TableHeader) -> Result<(), FileError> {
        self.rows = 0;
        self.json(b'T', table)
    }

    /// # Errors
    /// [`FileError::Io`].
    pub fn row(&mut self, cells: &[Cell]) -> Result<(), FileError> {
        self.rows += 1;
        let mut payload = Vec::with_capacity(256);
        for cell in cells {
            write_cell(&mut payload, cell)?;
        }
        self.frame(b'R', &payload)
    }

    /// # Errors
    /// [`FileError::Io`].
    pub fn end(&mut self) -> Result<u64, FileError> {
        self.frame(b'E', &self.rows.to_be_bytes())?;
        Ok(self.rows)
    }

    /// Closes the file with the MAC that `mac` makes of the digest; answers the digest of the whole file.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn close(mut self, mac: impl FnOnce(&[u8]) -> Vec<u8>) -> Result<(W, [u8; 32]), FileError> {
        let covers = self.hash.clone().finalize();
        self.frame(b'Z', &mac(&covers))?;
        self.out.flush()?;
        Ok((self.out, self.hash.finalize().into()))
    }

    fn json(&mut self, tag: u8, value: &impl Serialize) -> Result<(), FileError> {
        let text = serde_json::to_vec(value).map_err(io::Error::from)?;
        self.frame(tag, &text)
    }

    fn frame(&mut self, tag: u8, payload: &[u8]) -> Result<(), FileError> {
        let length = u32::try_from(payload.len()).ok().filter(|n| *n <= LONGEST).ok_or(FileError::Malformed("a row is too long"))?;
        self.put(&[tag])?;
        self.put(&length.to_be_bytes())?;
        self.put(payload)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.hash.update(bytes);
        self.out.write_all(bytes)?;
        Ok(())
    }
}

pub(in crate::service) fn write_cell(out: &mut Vec<u8>, cell: &Cell) -> Result<(), FileError> {
    let (tag, bytes) = match cell {
        Cell::Null => {
            out.push(0);
            return Ok(());
        }
        Cell::Int(value) => {
            out.push(1);
            out.extend_from_slice(&value.to_be_bytes());
            return Ok(());
        }
        Cell::Text(text) => (2, text.as_bytes()),
        Cell::Bytes(bytes) => (3, bytes.as_slice()),
    };
    let length = u32::try_from(bytes.len()).map_err(|_| FileError::Malformed("a value is too long"))?;
    out.push(tag);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

/// Reads a backup, holding one row at a time.
pub struct Reader<R> {
    from: R,
    hash: Sha256,
    /// The number of columns and the rows so far, within a table.
    table: Option<(usize, u64)>,
}

impl<R: Read> Reader<R> {
    /// # Errors
    /// [`FileError`]: no backup, one of a newer form, or one that does not begin as one does.
    pub fn begin(from: R) -> Result<(Self, Header), FileError> {
        let mut reader = Self { from, hash: Sha256::new(), table: None };
        let mut line = [0u8; FIRST_LINE.len()];
        if reader.take(&mut line).is_err() || line != FIRST_LINE {
            return Err(FileError::NotABackup);
        }
        let (tag, payload) = reader.frame()?;
        // The form alone first: a newer one may say the rest otherwise.
        let form: FormatOnly = serde_json::from_slice(&payload).map_err(|_| FileError::Malformed("its header"))?;
        if form.format > FORMAT {
            return Err(FileError::Newer(form.format));
        }
        let header = serde_json::from_slice(&payload).map_err(|_| FileError::Malformed("its header"))?;
        if tag == b'H' { Ok((reader, header)) } else { Err(FileError::Malformed("its header")) }
    }

    /// # Errors
    /// [`FileError`].
    pub fn next_item(&mut self) -> Result<Item, FileError> {
        let covers = self.hash.clone();
        let (tag, payload) = self.frame()?;
        match (tag, &mut self.table) {
            (b'T', None) => {
                let table: TableHeader = serde_json::from_slice(&payload).map_err(|_| FileError::Malformed("a table's header"))?;
                self.table = Some((table.columns.len(), 0));
                Ok(Item::Table(table))
            }
            (b'R', Some((columns, rows))) => {
                *rows += 1;
                Ok(Item::Row(read_cells(&payload, *columns).ok_or(FileError::Malformed("a row"))?))
            }
            (b'E', Some((_, rows))) if payload == rows.to_be_bytes() => {
                let rows = *rows;
                self.table = None;
                Ok(Item::End(rows))
            }
            (b'E', Some(_)) => Err(FileError::Malformed("a table does not hold as many rows as it says")),
            (b'Z', None) => {
                if self.from.read(&mut [0u8; 1])? != 0 {
                    return Err(FileError::Malformed("something follows its end"));
                }
                Ok(Item::Close { mac: payload, covers: covers.finalize().into(), digest: self.hash.clone().finalize().into() })
            }
            _ => Err(FileError::Malformed("its parts are out of order")),
        }
    }

    fn frame(&mut self) -> Result<(u8, Vec<u8>), FileError> {
        let mut head = [0u8; 5];
        self.take(&mut head)?;
        let [tag, length @ ..] = head;
        let length = u32::from_be_bytes(length);
        if length > LONGEST {
            return Err(FileError::Malformed("a length"));
        }
        // Grows with what is there, not with what a damaged length says.
        let mut payload = Vec::new();
        (&mut self.from).take(u64::from(length)).read_to_end(&mut payload)?;
        if payload.len() != usize::try_from(length).unwrap_or(usize::MAX) {
            return Err(FileError::Cut);
        }
        self.hash.update(&payload);
        Ok((tag, payload))
    }

    fn take(&mut self, bytes: &mut [u8]) -> Result<(), FileError> {
        self.from.read_exact(bytes).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => FileError::Cut,
            _ => FileError::Io(e),
        })?;
        self.hash.update(&*bytes);
        Ok(())
    }
}

#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}

/// Exactly so many cells and nothing after them.
pub(in crate::service) fn read_cells(mut rest: &[u8], columns: usize) -> Option<Vec<Cell>> {
    let mut cells = Vec::new();
    for _ in 0..columns {
        let (tag, after) = rest.split_first()?;
        rest = after;
        cells.push(match tag {
            0 => Cell::Null,
            1 => Cell::Int(i64::from_be_bytes(split(&mut rest, 8)?.try_into().ok()?)),
            2 | 3 => {
                let length = u32::from_be_bytes(split(&mut rest, 4)?.try_into().ok()?);
                let bytes = split(&mut rest, usize::try_from(length).ok()?)?.to_vec();
                if *tag == 2 { Cell::Text(String::from_utf8(bytes).ok()?) } else { Cell::Bytes(bytes) }
            }
            _ => return None,
        });
    }
    rest.is_empty().then_some(cells)
}

fn split<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(head)
}
