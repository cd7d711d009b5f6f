//! Rows of the trail as files: CSV for spreadsheets, JSON Lines for machines. The same fields, the same names, the same rows.
//!
//! A file that is whole ends with one line more, whose `kind` is `end` and whose `detail` counts the rows before it
//! (`rows 12 upto 345`). A file without that line broke off.

use serde_json::{Map, Value};

use crate::domain::audit::TrailRow;
use crate::domain::hex;

/// In which form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// RFC 4180 in UTF-8 with a byte-order mark, a heading line, CR LF.
    Csv,
    /// One JSON object a line, in UTF-8; a field without a value is `null`.
    JsonLines,
}

impl Format {
    pub const ALL: [Self; 2] = [Self::Csv, Self::JsonLines];

    /// As the form, the command line and the file's name say it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.code() == code)
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::JsonLines => "application/x-ndjson",
        }
    }
}

/// Does a row agree with the chain?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Check {
    Sound,
    /// It was changed after it was written.
    Broken,
    /// Another version wrote it: this one cannot say.
    Unknown,
}

impl Check {
    pub fn code(self) -> &'static str {
        match self {
            Self::Sound => "ok",
            Self::Broken => "no",
            Self::Unknown => "unknown",
        }
    }
}

/// Columns of the CSV and fields of a JSON line, in this order. Frozen: more may come, at the end.
pub const FIELDS: [&str; 26] = [
    "seq",
    "time",
    "kind",
    "outcome",
    "actor_kind",
    "issuer",
    "subject",
    "role",
    "name",
    "login",
    "address",
    "user_agent",
    "device",
    "serial",
    "key_version",
    "grant",
    "request",
    "ticket",
    "reason",
    "identity",
    "person",
    "detail",
    "erased",
    "verified",
    "personal_mac",
    "mac",
];

const KIND: usize = 2;
const DETAIL: usize = 21;

type Values = [Value; FIELDS.len()];

fn values(row: &TrailRow, check: Check) -> Values {
    let (event, personal) = (&row.event, &row.event.personal);
    let (issuer, subject) = event.actor.columns();
    let word = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    let said = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::from);
    let id = |id: Option<uuid::Uuid>| id.map_or(Value::Null, |id| id.hyphenated().to_string().into());
    [
        row.seq.into(),
        event.at.rfc3339().into(),
        event.kind.code().into(),
        event.outcome.code().into(),
        event.actor.kind().into(),
        word(issuer),
        word(subject),
        word(&event.role),
        said(&personal.name),
        said(&personal.login),
        said(&personal.address),
        said(&personal.user_agent),
        id(event.device.map(|d| d.0)),
        said(&event.serial),
        id(event.version.map(|v| v.0)),
        id(event.grant.map(|g| g.0)),
        id(event.request),
        said(&personal.ticket),
        said(&personal.reason),
        said(&personal.identity),
        said(&personal.person),
        word(&event.detail),
        row.erased.into(),
        check.code().into(),
        hex(&row.personal_mac).into(),
        hex(&row.mac).into(),
    ]
}

/// What a file begins with.
pub fn head(format: Format) -> Vec<u8> {
    match format {
        Format::Csv => ["\u{FEFF}".as_bytes(), &record(FIELDS.iter().map(|f| (*f).to_owned()))].concat(),
        Format::JsonLines => Vec::new(),
    }
}

/// One row.
pub fn line(format: Format, row: &TrailRow, check: Check) -> Vec<u8> {
    write(format, values(row, check))
}

/// The last line of a file that is whole.
pub fn end(format: Format, rows: u64, upto: i64) -> Vec<u8> {
    let mut values: Values = std::array::from_fn(|_| Value::Null);
    for (at, text) in [(KIND, "end".to_owned()), (DETAIL, format!("rows {rows} upto {upto}"))] {
        if let Some(value) = values.get_mut(at) {
            *value = text.into();
        }
    }
    write(format, values)
}

fn write(format: Format, values: Values) -> Vec<u8> {
    match format {
        Format::Csv => record(values.into_iter().map(|value| match value {
            Value::Null => String::new(),
            Value::String(text) => harmless(&text),
            other => other.to_string(),
        })),
        Format::JsonLines => {
            let object: Map<String, Value> = FIELDS.iter().map(|f| (*f).to_owned()).zip(values).collect();
            format!("{}\n", Value::Object(object)).into_bytes()
        }
    }
}

/// A cell that no spreadsheet takes for a formula: what begins like one gets an apostrophe before it, also after a semicolon,
/// since half of the world's spreadsheets cut a line there.
fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 1);
    let mut begins = true;
    for c in text.chars() {
        // Full-width signs are signs to a spreadsheet that folds them.
        if begins && matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '\t' | '\r' | '\n' | '\0') {
            out.push('\'');
        }
        out.push(c);
        begins = c == ';';
    }
    out
}

/// RFC 4180: what holds a comma, a quotation mark or a line's end stands in quotation marks, quotation marks are doubled.
fn record(cells: impl Iterator<Item = String>) -> Vec<u8> {
    let mut line = String::new();
    for (n, cell) in cells.enumerate() {
        if n > 0 {
            line.push(',');
        }
        if cell.contains([',', ';', '"', '\r', '\n', '\t']) {
            line.push('"');
            line.push_str(&cell.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(&cell);
        }
    }
    line.push_str("\r\n");
    line.into_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::audit::{Actor, Event, EventKind, Outcome, Personal};
    use crate::domain::ids::{EventId, Timestamp};

    fn row(personal: Personal, detail: &str) -> TrailRow {
        let event = Event {
            id: EventId(uuid::Uuid::from_u128(1)),
            at: Timestamp(1_795_332_600_000_001),
            kind: EventKind::RevealGranted,
            outcome: Outcome::Ok,
            actor: Actor::Token("-0+0".into()),
            role: "helpdesk".into(),
            device: Some(crate::domain::ids::DeviceId(uuid::Uuid::from_u128(2))),
            serial: Some("C02".into()),
            version: None,
            grant: None,
            request: None,
            detail: detail.into(),
            personal,
            salt: [0; 16],
        };
        TrailRow { seq: 7, event, erased: false, personal_text: None, personal_mac: vec![0xAB], mac: vec![0x01, 0xCD] }
    }

    fn nasty() -> TrailRow {
        let personal = Personal {
            name: Some("=1+1".into()),
            login: Some("@åsa".into()),
            user_agent: Some("x;=cmd|' /C calc'!A0".into()),
            ticket: Some("+1".into()),
            reason: Some("a \"b\", c\r\nd".into()),
            identity: Some("\0".into()),
            person: Some("\t-".into()),
            ..Personal::default()
        };
        row(personal, "-x")
    }

    #[test]
    fn s72_the_bytes_of_a_csv_file() {
        let file = [head(Format::Csv), line(Format::Csv, &nasty(), Check::Sound), end(Format::Csv, 1, 9)].concat();
        let want = "\u{FEFF}seq,time,kind,outcome,actor_kind,issuer,subject,role,name,login,address,user_agent,device,serial,key_version,\
                    grant,request,ticket,reason,identity,person,detail,erased,verified,personal_mac,mac\r\n\
                    7,2026-11-22T07:30:00.000001Z,reveal.granted,ok,token,,'-0+0,helpdesk,'=1+1,'@åsa,,\"x;'=cmd|' /C calc'!A0\",\
                    00000000-0000-0000-0000-000000000002,C02,,,,'+1,\"a \"\"b\"\", c\r\nd\",'\0,\"'\t-\",'-x,false,ok,ab,01cd\r\n\
                    ,,end,,,,,,,,,,,,,,,,,,,rows 1 upto 9,,,,\r\n";
        assert_eq!(String::from_utf8(file).unwrap(), want);
    }

    #[test]
    fn s72_full_width_signs_and_line_ends_begin_no_formula() {
        for sign in ['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n', '\0'] {
            assert_eq!(harmless(&format!("{sign}1;{sign}2 {sign}")), format!("'{sign}1;'{sign}2 {sign}"));
        }
        assert_eq!(harmless("1=2 ＝3"), "1=2 ＝3");
    }

    #[test]
    fn a_json_line_is_an_object_with_every_field() {
        let text = String::from_utf8(line(Format::JsonLines, &nasty(), Check::Broken)).unwrap();
        assert!(text.ends_with("}\n") && text.lines().count() == 1, "{text}");
        let object: Map<String, Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(object.len(), FIELDS.len());
        assert_eq!((&object["name"], &object["verified"], &object["seq"]), (&"=1+1".into(), &"no".into(), &7.into()));
        assert_eq!((&object["erased"], &object["grant"]), (&false.into(), &Value::Null));
        let last: Map<String, Value> = serde_json::from_slice(&end(Format::JsonLines, 0, 9)).unwrap();
        assert_eq!((&last["kind"], &last["detail"], &last["seq"]), (&"end".into(), &"rows 0 upto 9".into(), &Value::Null));
    }

    fn read(bytes: &[u8]) -> Vec<csv::StringRecord> {
        csv::ReaderBuilder::new().has_headers(false).from_reader(bytes).records().map(|r| r.unwrap()).collect()
    }

    proptest! {
        #[test]
        fn s72_no_text_becomes_a_formula_or_another_cell(name in ".{0,40}", reason in "[=+@＝＋－＠\t\r\n\0;,\"'x-]{0,12}", detail in any::<String>()) {
            let personal = Personal { name: Some(name.clone()), reason: Some(reason.clone()), ..Personal::default() };
            let bytes = line(Format::Csv, &row(personal, &detail), Check::Sound);
            let records = read(&bytes);
            prop_assert_eq!(records.len(), 1);
            prop_assert_eq!(records[0].len(), FIELDS.len());
            for cell in &records[0] {
                // Cut as a comma does it, and as a semicolon.
                for part in cell.split(';') {
                    prop_assert!(!part.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n', '\0']), "{cell:?}");
                }
            }
            // Nothing is lost: an apostrophe more is all that changed.
            for (at, was) in [(8, &name), (18, &reason), (DETAIL, &detail)] {
                let (kept, was) = (records[0][at].replace('\'', ""), was.replace('\'', ""));
                prop_assert_eq!(kept, was);
            }
            let json: Map<String, Value> = serde_json::from_slice(&line(Format::JsonLines, &row(Personal { name: Some(name.clone()), ..Personal::default() }, ""), Check::Sound)).unwrap();
            prop_assert_eq!(json["name"].as_str(), Some(name.as_str()));
        }
    }
}
