-- Why the trail takes no row: the database is being moved elsewhere, was moved, or a move into it is not finished. Absent as a
-- rule. Who appends locks this row, so that nothing is acknowledged after it was set.
ALTER TABLE audit_head ADD COLUMN held TEXT;
