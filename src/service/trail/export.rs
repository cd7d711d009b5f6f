//! The trail as a file, page by page: a fixed last row, bounded memory, and a row of its own before the first byte.
//!
//! Rows up to the last one at that moment never change and none comes between them, so no transaction is held open while somebody
//! reads slowly. A file that is whole ends with its `end` line. One that breaks off has none; over HTTP its last chunk is missing
//! too, so that the browser or `curl` says that the download failed.

use super::super::access::SignedIn;
use super::super::{Keyharbor, RequestInfo, Result};
use super::asked::Criteria;
use super::list::check;
use crate::domain::audit::{Actor, Event, EventKind, Outcome};
use crate::domain::policy::Action;
use crate::domain::trail::{Cursor, TrailFilter};
use crate::formats::trail::{Format, end, head, line};

/// Rows that are read, and sent, at a time.
const PAGE: i64 = 500;

/// A file that is being written.
pub struct Export {
    service: Keyharbor,
    filter: TrailFilter,
    format: Format,
    upto: i64,
    rows: u64,
    /// Where the next part begins; `None` after the last.
    next: Option<Cursor>,
}

impl Keyharbor {
    /// Begins an export by an auditor.
    ///
    /// # Errors
    /// [`super::super::ServiceError`]: refused without the role; without its row there is no export.
    pub async fn export(&self, person: &SignedIn, asked: &Criteria, format: Format, request: &RequestInfo) -> Result<Export> {
        self.permit(person, Action::ReadTrail, request).await?;
        self.begin_export(self.reading(EventKind::TrailExported, person, asked, request), asked, format).await
    }

    /// Begins an export at the machine itself.
    ///
    /// # Errors
    /// As [`Self::export`].
    pub async fn export_here(&self, asked: &Criteria, format: Format) -> Result<Export> {
        let mut event = self.event(EventKind::TrailExported, Outcome::Ok, Actor::Operator, &RequestInfo::none(&self.env));
        event.detail = asked.words().join(" ");
        event.personal.person = asked.person();
        self.begin_export(event, asked, format).await
    }

    async fn begin_export(&self, mut event: Event, asked: &Criteria, format: Format) -> Result<Export> {
        let mut tx = self.store.read().await?;
        let (upto, _) = tx.head().await?;
        let filter = TrailFilter { upto: Some(upto), ..self.filter(&mut tx, asked).await? };
        drop(tx);
        let words = [format!("format={}", format.code()), event.detail, format!("upto={upto}")];
        event.detail = words.into_iter().filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ");
        self.record(&[event]).await?;
        Ok(Export { service: self.clone(), filter, format, upto, rows: 0, next: Some(Cursor::ENDS[0]) })
    }
}

impl Export {
    /// The next part of the file, oldest rows first; `None` after the end.
    ///
    /// # Errors
    /// The database or the key ring went away: the file is not whole.
    pub async fn part(&mut self) -> Result<Option<Vec<u8>>> {
        let Some(after) = self.next else { return Ok(None) };
        let ring = self.service.ring()?;
        let rows = self.service.store.read().await?.trail_newer(&self.filter, after, PAGE).await?;
        let mut part = if after == Cursor::ENDS[0] { head(self.format) } else { Vec::new() };
        for linked in &rows {
            part.extend(line(self.format, &linked.row, check(&ring, linked)));
        }
        self.rows += u64::try_from(rows.len()).unwrap_or_default();
        let full = i64::try_from(rows.len()) == Ok(PAGE);
        self.next = rows.last().filter(|_| full).map(|linked| Cursor::of(&linked.row));
        if self.next.is_none() {
            part.extend(end(self.format, self.rows, self.upto));
        }
        Ok(Some(part))
    }
}
