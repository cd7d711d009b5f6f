-- How many values were ever sealed under each KEK, about: a server adds what it has sealed every minute and at its end, a rewrap with
-- each batch. Decides nothing: it is held against a limit that lies far below what the cipher allows.

CREATE TABLE kek_uses (
    kek_id BIGINT NOT NULL PRIMARY KEY,
    sealed BIGINT NOT NULL
);
