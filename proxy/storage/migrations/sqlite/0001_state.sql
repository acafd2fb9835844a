-- The state of the Responses and Conversations APIs. Every key begins with the tenant. Times are seconds since the epoch.

-- Values by kind, tenant and key. One value may have several keys.
CREATE TABLE kept_values (
    number INTEGER PRIMARY KEY,
    value BLOB NOT NULL,
    expires_at REAL NOT NULL
);
CREATE INDEX kept_values_by_expiry ON kept_values (expires_at);
CREATE TABLE value_keys (
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    value_number INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, key)
) WITHOUT ROWID;
CREATE INDEX value_keys_by_value ON value_keys (value_number);

-- body: the response object without its output; run: what a queued background response needs to start.
CREATE TABLE responses (
    number INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at REAL NOT NULL,
    ended_at REAL,
    previous TEXT,
    conversation TEXT,
    background INTEGER NOT NULL,
    model TEXT NOT NULL,
    target TEXT NOT NULL,
    owner TEXT NOT NULL,
    item_count INTEGER NOT NULL,
    items_size INTEGER NOT NULL,
    body BLOB NOT NULL,
    run BLOB NOT NULL,
    UNIQUE (tenant, id)
);
CREATE INDEX responses_by_expiry ON responses (expires_at);
CREATE INDEX responses_unfinished ON responses (owner) WHERE background = 1 AND status IN ('queued', 'in_progress');

-- holder: the id of a response (side 0: input, 1: output) or of a conversation (side 2).
CREATE TABLE items (
    number INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    holder TEXT NOT NULL,
    side INTEGER NOT NULL,
    position INTEGER NOT NULL,
    id TEXT NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (tenant, holder, side, position)
);
CREATE INDEX items_by_id ON items (tenant, id);

CREATE TABLE conversations (
    number INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    touched_at REAL NOT NULL,
    metadata BLOB NOT NULL,
    version INTEGER NOT NULL,
    item_count INTEGER NOT NULL,
    items_size INTEGER NOT NULL,
    next_position INTEGER NOT NULL,
    UNIQUE (tenant, id)
);
CREATE INDEX conversations_by_touch ON conversations (touched_at);

-- The events of background responses, several in a row: first is the number of the first one.
CREATE TABLE run_events (
    tenant TEXT NOT NULL,
    response TEXT NOT NULL,
    first INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (tenant, response, first)
);

CREATE TABLE leases (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    until REAL NOT NULL,
    PRIMARY KEY (tenant, name)
) WITHOUT ROWID;
