//! Rows of `sessions`, `sign_ins` and `logout_tokens`.

use sqlx::{query, query_scalar};

use super::super::{Conn, Row};
use super::people::{login, subject};
use super::{Cells, get, keys, one};
use crate::domain::Attested;
use crate::domain::ids::{LineId, RowId, SessionId, Timestamp};
use crate::domain::person::{Login, LogoutRow, Roles, Session, SignIn, Subject};
use crate::store::StoreError;

macro_rules! session_columns {
    () => {
        "id, secret_hash, line, issuer, subject, login, roles, auth_time, acr, sid, created_at, last_seen, row_mac"
    };
}

statements! {
    INSERT_SESSION = concat!(
        "INSERT INTO sessions (", session_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
    );
    SESSION_BY_HASH = concat!("SELECT ", session_columns!(), " FROM sessions WHERE secret_hash = $1");
    SESSION_SHARED = concat!("SELECT ", session_columns!(), " FROM sessions WHERE secret_hash = $1", share!());
    REPLACE_SESSION = "UPDATE sessions SET id = $1, secret_hash = $2, line = $3, issuer = $4, subject = $5, login = $6, roles = $7, \
                       auth_time = $8, acr = $9, sid = $10, created_at = $11, last_seen = $12, row_mac = $13 \
                       WHERE id = $14 AND row_mac = $15";
    DELETE_SESSION = "DELETE FROM sessions WHERE id = $1";
    DELETE_LINE = "DELETE FROM sessions WHERE line = $1";
    DELETE_SID = concat!(
        "DELETE FROM sessions WHERE issuer = $1 AND sid = $2 AND (subject = $3 OR $3 IS NULL) RETURNING ", session_columns!()
    );
    DELETE_SESSIONS_OF = concat!("DELETE FROM sessions WHERE issuer = $1 AND subject = $2 RETURNING ", session_columns!());
    SESSIONS = concat!("SELECT ", session_columns!(), " FROM sessions ORDER BY id");
    SESSIONS_PAGE = "SELECT s.id, s.secret_hash, s.line, s.issuer, s.subject, s.login, s.roles, s.auth_time, s.acr, s.sid, \
                     s.created_at, s.last_seen, s.row_mac, p.name FROM sessions s \
                     LEFT JOIN people p ON p.issuer = s.issuer AND p.subject = s.subject \
                     WHERE s.id < $1 ORDER BY s.id DESC LIMIT $2";
    LINE_LOCKED = concat!("SELECT ", session_columns!(), " FROM sessions WHERE line = $1 ORDER BY id", lock!());
    SESSIONS_OF_LOCKED = concat!(
        "SELECT ", session_columns!(), " FROM sessions WHERE issuer = $1 AND subject = $2 ORDER BY id", lock!()
    );
    SWEEP_SESSIONS = "DELETE FROM sessions WHERE created_at < $1 OR last_seen < $2";
    INSERT_SIGN_IN = "INSERT INTO sign_ins (id, state_hash, browser_hash, sealed, kek_id, line, created_at, expires_at) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING";
    TAKE_SIGN_IN = "DELETE FROM sign_ins WHERE state_hash = $1 \
                    RETURNING id, state_hash, browser_hash, sealed, kek_id, line, created_at, expires_at";
    OPEN_SIGN_INS = "SELECT COUNT(*) FROM sign_ins WHERE line IS NULL";
    TRIM_SIGN_INS = "DELETE FROM sign_ins WHERE line = $1 AND id NOT IN \
                     (SELECT id FROM sign_ins WHERE line = $1 ORDER BY id DESC LIMIT $2)";
    SWEEP_SIGN_INS = "DELETE FROM sign_ins WHERE expires_at <= $1";
    INSERT_LOGOUT = "INSERT INTO logout_tokens (issuer, jti, expires_at, sid, subject, obeyed_at) VALUES ($1, $2, $3, $4, $5, $6) \
                     ON CONFLICT DO NOTHING";
    HOLD_LOGOUTS = hold_logouts!();
    SIGNED_OUT_SINCE = "SELECT COUNT(*) FROM logout_tokens WHERE issuer = $1 AND obeyed_at >= $4 AND \
                        ((sid = $3 AND (subject = $2 OR subject IS NULL)) OR (sid IS NULL AND subject = $2))";
    SWEEP_LOGOUTS = "DELETE FROM logout_tokens WHERE expires_at <= $1";
}

/// Binds the thirteen columns of a session in their order.
macro_rules! bind_session {
    ($query:expr, $session:expr) => {{
        let (row, mac) = $session.parts();
        $query
            .bind(row.id.0)
            .bind(row.secret_hash.as_slice())
            .bind(row.line.0)
            .bind(row.who.issuer.as_str())
            .bind(row.who.subject.as_str())
            .bind(row.login.as_ref().map(Login::as_str))
            .bind(row.roles.bits())
            .bind(row.auth_time.map(|t| t.0))
            .bind(row.acr.as_deref())
            .bind(row.sid.as_deref())
            .bind(row.created_at.0)
            .bind(row.last_seen.0)
            .bind(mac)
    }};
}

pub async fn insert_session(conn: &mut Conn, session: &Attested<Session>) -> Result<(), StoreError> {
    bind_session!(query(INSERT_SESSION), session).execute(conn).await?;
    Ok(())
}

pub async fn session_by_hash(conn: &mut Conn, secret_hash: &[u8]) -> Result<Option<Attested<Session>>, StoreError> {
    Ok(query(SESSION_BY_HASH).bind(secret_hash).fetch_optional(conn).await?.as_ref().map(read_session))
}

pub async fn session_shared(conn: &mut Conn, secret_hash: &[u8]) -> Result<Option<Attested<Session>>, StoreError> {
    Ok(query(SESSION_SHARED).bind(secret_hash).fetch_optional(conn).await?.as_ref().map(read_session))
}

pub async fn replace_session(conn: &mut Conn, id: SessionId, old_mac: &[u8], session: &Attested<Session>) -> Result<bool, StoreError> {
    let done = bind_session!(query(REPLACE_SESSION), session).bind(id.0).bind(old_mac).execute(conn).await?;
    Ok(done.rows_affected() == 1)
}

pub async fn delete_session(conn: &mut Conn, id: SessionId) -> Result<bool, StoreError> {
    Ok(query(DELETE_SESSION).bind(id.0).execute(conn).await?.rows_affected() == 1)
}

pub async fn sessions(conn: &mut Conn) -> Result<Vec<Attested<Session>>, StoreError> {
    Ok(query(SESSIONS).fetch_all(conn).await?.iter().map(read_session).collect())
}

pub async fn sessions_page(conn: &mut Conn, before: SessionId, limit: i64) -> Result<Vec<(Attested<Session>, Option<String>)>, StoreError> {
    let found = query(SESSIONS_PAGE).bind(before.0).bind(limit).fetch_all(conn).await?;
    found.iter().map(|row| Ok((read_session(row), get(row, "name")?))).collect()
}

pub async fn line_locked(conn: &mut Conn, line: LineId) -> Result<Vec<Attested<Session>>, StoreError> {
    Ok(query(LINE_LOCKED).bind(line.0).fetch_all(conn).await?.iter().map(read_session).collect())
}

pub async fn sessions_of_locked(conn: &mut Conn, who: &Subject) -> Result<Vec<Attested<Session>>, StoreError> {
    let found = query(SESSIONS_OF_LOCKED).bind(who.issuer.as_str()).bind(who.subject.as_str()).fetch_all(conn).await?;
    Ok(found.iter().map(read_session).collect())
}

pub async fn delete_line(conn: &mut Conn, line: LineId) -> Result<u64, StoreError> {
    Ok(query(DELETE_LINE).bind(line.0).execute(conn).await?.rows_affected())
}

pub async fn delete_sid(conn: &mut Conn, issuer: &str, sid: &str, subject: Option<&str>) -> Result<Vec<Attested<Session>>, StoreError> {
    let rows = query(DELETE_SID).bind(issuer).bind(sid).bind(subject).fetch_all(conn).await?;
    Ok(rows.iter().map(read_session).collect())
}

pub async fn delete_sessions_of(conn: &mut Conn, who: &Subject) -> Result<Vec<Attested<Session>>, StoreError> {
    let rows = query(DELETE_SESSIONS_OF).bind(who.issuer.as_str()).bind(who.subject.as_str()).fetch_all(conn).await?;
    Ok(rows.iter().map(read_session).collect())
}

pub async fn sweep_sessions(conn: &mut Conn, created_before: Timestamp, seen_before: Timestamp) -> Result<u64, StoreError> {
    Ok(query(SWEEP_SESSIONS).bind(created_before.0).bind(seen_before.0).execute(conn).await?.rows_affected())
}

pub async fn insert_sign_in(conn: &mut Conn, sign_in: &SignIn) -> Result<(), StoreError> {
    query(INSERT_SIGN_IN)
        .bind(sign_in.id.0)
        .bind(sign_in.state_hash.as_slice())
        .bind(sign_in.browser_hash.as_slice())
        .bind(sign_in.sealed.bytes())
        .bind(i64::from(sign_in.sealed.kek_id()))
        .bind(sign_in.line.map(|l| l.0))
        .bind(sign_in.created_at.0)
        .bind(sign_in.expires_at.0)
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn take_sign_in(conn: &mut Conn, state_hash: &[u8]) -> Result<Option<SignIn>, StoreError> {
    one(query(TAKE_SIGN_IN).bind(state_hash).fetch_optional(conn).await?, read_sign_in)
}

pub async fn trim_sign_ins(conn: &mut Conn, line: LineId, keep: i64) -> Result<u64, StoreError> {
    Ok(query(TRIM_SIGN_INS).bind(line.0).bind(keep).execute(conn).await?.rows_affected())
}

pub async fn open_sign_ins(conn: &mut Conn) -> Result<i64, StoreError> {
    Ok(query_scalar(OPEN_SIGN_INS).fetch_one(conn).await?)
}

pub async fn sweep_sign_ins(conn: &mut Conn, now: Timestamp) -> Result<u64, StoreError> {
    Ok(query(SWEEP_SIGN_INS).bind(now.0).execute(conn).await?.rows_affected())
}

pub async fn insert_logout(conn: &mut Conn, row: &LogoutRow) -> Result<bool, StoreError> {
    let LogoutRow { issuer, jti, sid, subject, obeyed_at, expires_at } = row;
    let insert = query(INSERT_LOGOUT).bind(issuer).bind(jti).bind(expires_at.0).bind(sid).bind(subject).bind(obeyed_at.0);
    Ok(insert.execute(conn).await?.rows_affected() == 1)
}

pub async fn signed_out_since(conn: &mut Conn, who: &Subject, sid: Option<&str>, since: Timestamp) -> Result<bool, StoreError> {
    query(HOLD_LOGOUTS).execute(&mut *conn).await?;
    let count = query_scalar(SIGNED_OUT_SINCE).bind(who.issuer.as_str()).bind(who.subject.as_str()).bind(sid).bind(since.0);
    Ok(count.fetch_one(conn).await.map(|n: i64| n > 0)?)
}

pub async fn sweep_logouts(conn: &mut Conn, now: Timestamp) -> Result<u64, StoreError> {
    Ok(query(SWEEP_LOGOUTS).bind(now.0).execute(conn).await?.rows_affected())
}

fn read_session(row: &Row) -> Attested<Session> {
    let cells = Cells::of(row);
    let session = Session {
        id: SessionId(cells.get("id")),
        secret_hash: cells.get("secret_hash"),
        line: LineId(cells.get("line")),
        who: subject(&cells),
        login: cells.word("login", |text: Option<&str>| text.map_or(Some(None), |t| login(t).map(Some)), None),
        roles: cells.word("roles", |bits: i64| Some(Roles::from_bits(bits)).filter(|r| r.bits() == bits), Roles::default()),
        auth_time: cells.get::<Option<i64>>("auth_time").map(Timestamp),
        acr: cells.get("acr"),
        sid: cells.get("sid"),
        created_at: Timestamp(cells.get("created_at")),
        last_seen: Timestamp(cells.get("last_seen")),
    };
    cells.attested(session, "row_mac")
}

fn read_sign_in(row: &Row) -> Result<SignIn, StoreError> {
    Ok(SignIn {
        id: RowId(get(row, "id")?),
        state_hash: get(row, "state_hash")?,
        browser_hash: get(row, "browser_hash")?,
        sealed: keys::sealed(row)?,
        line: get::<Option<uuid::Uuid>>(row, "line")?.map(LineId),
        created_at: Timestamp(get(row, "created_at")?),
        expires_at: Timestamp(get(row, "expires_at")?),
    })
}
