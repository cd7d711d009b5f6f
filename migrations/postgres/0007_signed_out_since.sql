-- Whom a logout token named, and when it was obeyed: a sign-in that was open then ends with no session. What a token of before
-- this column named is not known; it is remembered for a few minutes more, against its repeat alone.
ALTER TABLE logout_tokens ADD COLUMN sid TEXT COLLATE "C";
ALTER TABLE logout_tokens ADD COLUMN subject TEXT COLLATE "C";
ALTER TABLE logout_tokens ADD COLUMN obeyed_at BIGINT NOT NULL DEFAULT 0;
