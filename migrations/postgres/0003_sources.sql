-- Who hands keys in, and how much: kept beside each deposit, so that no page counts the trail. What already happened is
-- counted here once. Statistics: nothing is decided by them, so no row MAC.

CREATE TABLE sources (
    token       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    added_at    BIGINT NOT NULL,
    first_seen  BIGINT,
    last_seen   BIGINT,
    deposits    BIGINT NOT NULL,
    refused     BIGINT NOT NULL,
    last_device UUID
);
CREATE INDEX sources_added ON sources (added_at, token);

INSERT INTO sources (token, added_at, first_seen, last_seen, deposits, refused, last_device)
SELECT t.id, t.created_at, e.first_seen, e.last_seen, COALESCE(e.deposits, 0), COALESCE(e.refused, 0),
       (SELECT l.device FROM audit_events l JOIN devices d ON d.id = l.device WHERE l.seq = e.last_seq)
FROM api_tokens t
LEFT JOIN (
    SELECT actor_subject,
           MIN(CASE WHEN kind <> 'deposit.refused' THEN happened_at END) AS first_seen,
           MAX(CASE WHEN kind <> 'deposit.refused' THEN happened_at END) AS last_seen,
           SUM(CASE WHEN kind <> 'deposit.refused' THEN 1 ELSE 0 END) AS deposits,
           SUM(CASE WHEN kind = 'deposit.refused' THEN 1 ELSE 0 END) AS refused,
           MAX(CASE WHEN kind <> 'deposit.refused' THEN seq END) AS last_seq
    FROM audit_events
    WHERE actor_kind = 'token' AND kind IN ('deposit.new', 'deposit.same', 'deposit.promoted', 'deposit.refused')
    GROUP BY actor_subject
) e ON e.actor_subject = t.id
WHERE e.actor_subject IS NOT NULL OR (t.scopes & 1) = 1;

-- Pages of tokens, newest first; and the few devices among which a contested one can be: a key came back over a newer one.
CREATE INDEX api_tokens_created ON api_tokens (created_at, id);
CREATE INDEX key_versions_returned ON key_versions (device) WHERE promoted_at > escrowed_at;
