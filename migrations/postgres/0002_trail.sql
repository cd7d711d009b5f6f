-- The trail by time, and by what auditors ask for. What personal fields say is indexed where it stands, by the database itself:
-- erased fields are erased here too, and no copy can disagree with the row. It is cut out of the JSON as it is written, still
-- escaped: a cast would refuse a row whose JSON somebody broke, and with it the index.

CREATE INDEX audit_events_time ON audit_events (happened_at, seq);
CREATE INDEX audit_events_kind ON audit_events (kind, happened_at, seq);
CREATE INDEX audit_events_subject ON audit_events (actor_subject, happened_at, seq);
CREATE INDEX audit_events_serial ON audit_events (serial, happened_at, seq) WHERE serial IS NOT NULL;
CREATE INDEX audit_events_no_serial ON audit_events (device, happened_at, seq) WHERE serial IS NULL AND device IS NOT NULL;
CREATE INDEX audit_events_login
    ON audit_events ((left(substring(personal from '"login":"((?:[^"\\]|\\.)*)"'), 320)), happened_at, seq)
    WHERE (left(substring(personal from '"login":"((?:[^"\\]|\\.)*)"'), 320)) IS NOT NULL;
CREATE INDEX audit_events_name
    ON audit_events ((lower(left(substring(personal from '"name":"((?:[^"\\]|\\.)*)"'), 320) COLLATE "C")), happened_at, seq)
    WHERE (lower(left(substring(personal from '"name":"((?:[^"\\]|\\.)*)"'), 320) COLLATE "C")) IS NOT NULL;
-- Nothing asked for it.
DROP INDEX audit_events_actor;

-- Checkpoints as the servers wrote them to their logs, so that people find those lines. The lines are the proof, not these rows.
CREATE TABLE audit_checkpoints (
    seq       BIGINT PRIMARY KEY,
    mac       BYTEA NOT NULL,
    logged_at BIGINT NOT NULL
);
