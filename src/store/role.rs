//! A role of PostgreSQL that may do what the program does day by day, and cannot change the trail.
//!
//! The tables belong to another role, which migrates, makes the key ring and restores backups.

use sqlx::AssertSqlSafe;

use super::{Pools, Store, StoreError};

/// What it may do with each table; nothing else. `FOR SHARE` and `FOR UPDATE` take the right to update.
pub(super) const GRANTS: &[(&str, &str)] = &[
    ("_sqlx_migrations", "SELECT"),
    ("api_tokens", "SELECT, INSERT, UPDATE"),
    ("audit_checkpoints", "SELECT, INSERT"),
    ("audit_events", "SELECT, INSERT"),
    ("audit_head", "SELECT, UPDATE"),
    ("device_owners", "SELECT, INSERT, UPDATE, DELETE"),
    ("devices", "SELECT, INSERT, UPDATE"),
    ("idempotency_keys", "SELECT, INSERT, UPDATE, DELETE"),
    ("kek_uses", "SELECT, INSERT, UPDATE"),
    ("key_ring", "SELECT"),
    ("key_versions", "SELECT, INSERT, UPDATE"),
    ("login_bindings", "SELECT, INSERT, DELETE"),
    ("logout_tokens", "SELECT, INSERT, DELETE"),
    ("people", "SELECT, INSERT, UPDATE"),
    ("quotas", "SELECT, INSERT, UPDATE, DELETE"),
    ("reveal_grants", "SELECT, INSERT, UPDATE"),
    ("sessions", "SELECT, INSERT, UPDATE, DELETE"),
    ("sign_ins", "SELECT, INSERT, DELETE"),
    ("sources", "SELECT, INSERT, UPDATE"),
];

pub(super) const ROLE_NAME: &str = "SELECT quote_ident(rolname) FROM pg_roles WHERE rolname = $1";
pub(super) const SCHEMA_NAME: &str = "SELECT quote_ident(current_schema())";
pub(super) const MAY_CHANGE_TRAIL: &str = "SELECT bool_or(has_table_privilege(r.rolname, 'audit_events', p.may)) \
     FROM pg_roles r, (VALUES ('UPDATE'), ('DELETE'), ('TRUNCATE')) p (may) WHERE r.rolname = COALESCE($1, current_user)";

impl Store {
    /// Gives a role of PostgreSQL what the program needs, and takes everything else of it away; what it then may do is looked at.
    ///
    /// # Errors
    /// [`StoreError::Config`]: not PostgreSQL, no such role, or one that may change the trail all the same (a superuser, the owner
    /// of the tables, or a member of that role). Otherwise the database refuses.
    pub async fn grant_role(&self, role: &str) -> Result<(), StoreError> {
        let Pools::Postgres { pool, .. } = &self.pools else {
            return Err(StoreError::Config("roles are for PostgreSQL".to_owned()));
        };
        let mut conn = pool.acquire().await?;
        let quoted: Option<String> = sqlx::query_scalar(ROLE_NAME).bind(role).fetch_optional(&mut *conn).await?;
        let Some(quoted) = quoted else {
            return Err(StoreError::Config(format!("there is no role {role}: make it first, CREATE ROLE … LOGIN")));
        };
        let schema: String = sqlx::query_scalar(SCHEMA_NAME).fetch_one(&mut *conn).await?;
        // One simple query is one transaction.
        let mut all = format!("REVOKE ALL ON SCHEMA {schema} FROM {quoted}; GRANT USAGE ON SCHEMA {schema} TO {quoted}; ");
        all.push_str(&format!("REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {quoted}; "));
        for (table, may) in GRANTS {
            all.push_str(&format!("GRANT {may} ON {schema}.{table} TO {quoted}; "));
        }
        sqlx::raw_sql(AssertSqlSafe(all)).execute(&mut *conn).await?;
        if may_change(&mut conn, Some(role)).await? {
            let why = "can change the trail all the same: it is a superuser, owns the tables, or is a member of a role that does";
            return Err(StoreError::Config(format!("the role {role} {why}")));
        }
        Ok(())
    }

    /// May the role that this store works as change the trail? On SQLite there are no roles.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn may_change_trail(&self) -> Result<bool, StoreError> {
        let Pools::Postgres { pool, .. } = &self.pools else { return Ok(false) };
        may_change(&mut *pool.acquire().await?, None).await
    }
}

async fn may_change(conn: &mut sqlx::PgConnection, role: Option<&str>) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar::<_, Option<bool>>(MAY_CHANGE_TRAIL).bind(role).fetch_one(conn).await?.unwrap_or(true))
}
