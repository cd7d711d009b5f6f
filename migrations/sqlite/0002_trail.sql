-- The trail by time, and by what auditors ask for. What personal fields say is indexed where it stands, by the database itself:
-- erased fields are erased here too, and no copy can disagree with the row. JSON that somebody broke is found by nothing.

CREATE INDEX audit_events_time ON audit_events (happened_at, seq);
CREATE INDEX audit_events_kind ON audit_events (kind, happened_at, seq);
CREATE INDEX audit_events_subject ON audit_events (actor_subject, happened_at, seq);
CREATE INDEX audit_events_serial ON audit_events (serial, happened_at, seq) WHERE serial IS NOT NULL;
CREATE INDEX audit_events_no_serial ON audit_events (device, happened_at, seq) WHERE serial IS NULL AND device IS NOT NULL;
CREATE INDEX audit_events_login
    ON audit_events ((CASE WHEN json_valid(personal) THEN substr(json_extract(personal, '$.login'), 1, 320) END), happened_at, seq)
    WHERE (CASE WHEN json_valid(personal) THEN substr(json_extract(personal, '$.login'), 1, 320) END) IS NOT NULL;
CREATE INDEX audit_events_name
    ON audit_events ((lower(CASE WHEN json_valid(personal) THEN substr(json_extract(personal, '$.name'), 1, 320) END)), happened_at, seq)
    WHERE (lower(CASE WHEN json_valid(personal) THEN substr(json_extract(personal, '$.name'), 1, 320) END)) IS NOT NULL;
-- Nothing asked for it.
DROP INDEX audit_events_actor;

-- Checkpoints as the servers wrote them to their logs, so that people find those lines. The lines are the proof, not these rows.
CREATE TABLE audit_checkpoints (
    seq       INTEGER PRIMARY KEY,
    mac       BLOB NOT NULL,
    logged_at INTEGER NOT NULL
) STRICT;
