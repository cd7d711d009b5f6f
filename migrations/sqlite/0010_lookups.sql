-- Sign-ins of one line, and logout tokens by when they were obeyed: looked up, however many there are.
CREATE INDEX sign_ins_line ON sign_ins (line, id);
CREATE INDEX logout_tokens_obeyed ON logout_tokens (issuer, obeyed_at);
