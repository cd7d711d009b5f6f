-- A Mac has few key versions, and where it has many, each of them is looked at anyway: the unique index finds them.
DROP INDEX key_versions_rank;
DROP INDEX key_versions_fingerprint;
DROP INDEX audit_events_device;
