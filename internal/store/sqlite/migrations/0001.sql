-- Times are nanoseconds since 1970 in UTC, and NULL for none. Names of webhooks and destinations are interned.

CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES
	('epoch', 0), -- counts the openings: the upper half of every fence
	('seq', 0);   -- the newest event that retention has deleted: its number is never given again

CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

-- An event is written once and never changes. Its body stands last: lists and lookups of the other columns do not read it.
CREATE TABLE events (
	seq         INTEGER PRIMARY KEY, -- in the order of acceptance
	id          BLOB    NOT NULL UNIQUE,
	webhook     INTEGER NOT NULL,
	received_at INTEGER,
	chain       INTEGER NOT NULL,
	steps       INTEGER NOT NULL,
	method      TEXT    NOT NULL,
	url         TEXT    NOT NULL,
	dedupe_key  TEXT    NOT NULL,
	header      BLOB    NOT NULL,
	body        BLOB    NOT NULL
);
CREATE INDEX events_received ON events (received_at);

-- The hot rows. key = seq * 32 + step, so an event's deliveries are a range and need no index.
CREATE TABLE deliveries (
	key              INTEGER PRIMARY KEY,
	destination      INTEGER NOT NULL,
	webhook          INTEGER NOT NULL,
	state            INTEGER NOT NULL,
	attempts         INTEGER NOT NULL,
	spent            INTEGER NOT NULL,
	received_at      INTEGER,
	due              INTEGER, -- of a pending one; NULL: at once, in the order of acceptance
	replayed_at      INTEGER,
	first_attempt_at INTEGER,
	ended_at         INTEGER,
	class            TEXT, -- of the last attempt that failed
	code             TEXT,
	error            TEXT
);
-- Partial indexes are used only by queries that repeat their condition literally.
-- What lanes claim: fresh ones (due IS NULL) in the order of acceptance, then the others by the time they are due.
CREATE INDEX deliveries_pending ON deliveries (destination, due) WHERE state = 1;
-- The oldest of those that wait for another attempt.
CREATE INDEX deliveries_scheduled ON deliveries (destination) WHERE due IS NOT NULL;
-- Dead letters and what else was given up.
CREATE INDEX deliveries_given_up ON deliveries (state) WHERE state >= 4;

CREATE TABLE attempts (
	delivery        INTEGER NOT NULL,
	number          INTEGER NOT NULL,
	started_at      INTEGER,
	took            INTEGER NOT NULL,
	outcome         TEXT    NOT NULL,
	class           TEXT    NOT NULL,
	code            TEXT    NOT NULL,
	error           TEXT    NOT NULL,
	receipt         TEXT    NOT NULL,
	response        TEXT    NOT NULL,
	next_attempt_at INTEGER,
	PRIMARY KEY (delivery, number)
) WITHOUT ROWID;

-- Finds events by their dedupe key. A row outlives its event until the window has passed.
CREATE TABLE dedupe (
	key        TEXT    NOT NULL,
	webhook    INTEGER NOT NULL,
	seq        INTEGER NOT NULL,
	id         BLOB    NOT NULL,
	expires_at INTEGER NOT NULL,
	gone       INTEGER NOT NULL, -- 1: retention has deleted the event
	PRIMARY KEY (key, webhook, seq)
) WITHOUT ROWID;
CREATE INDEX dedupe_gone ON dedupe (expires_at) WHERE gone = 1;

-- The conservation equation. kind: 0 accepted, a state, or 16 + a state for what retention deleted.
CREATE TABLE counters (
	destination INTEGER NOT NULL,
	kind        INTEGER NOT NULL,
	n           INTEGER NOT NULL,
	PRIMARY KEY (destination, kind)
) WITHOUT ROWID;

CREATE TABLE paused (destination TEXT PRIMARY KEY, since INTEGER) WITHOUT ROWID;
