BEGIN TRANSACTION;
CREATE TABLE alerts (
    alert_id TEXT PRIMARY KEY, state TEXT NOT NULL, severity TEXT NOT NULL,
    started_at REAL NOT NULL, updated_at REAL NOT NULL, body TEXT NOT NULL
);
INSERT INTO "alerts" VALUES('a1','firing','critical',1700000000.0,1700000060.0,'{"alert_id":"a1","fingerprint":"f1","rule":"drifted","severity":"critical","state":"firing","title":"drift","message":"it drifted","source":"rule","started_at":1700000000.0,"fired_at":1700000060.0,"resolved_at":null,"acknowledged_by":"","labels":{"model":"m","version":"1.0"},"evidence":{"rows":3},"updated_at":1700000060.0}');
INSERT INTO "alerts" VALUES('a0','resolved','warning',1699999400.0,1699999940.0,'{"alert_id":"a0","fingerprint":"f0","rule":"slow","severity":"warning","state":"resolved","title":"slow","message":"it was slow","source":"rule","started_at":1699999400.0,"fired_at":1699999460.0,"resolved_at":1699999940.0,"acknowledged_by":"","labels":{"model":"m","version":"1.0"},"evidence":{},"updated_at":1699999940.0}');
CREATE TABLE blobs (kind TEXT NOT NULL, key TEXT NOT NULL, time REAL NOT NULL, data BLOB NOT NULL, PRIMARY KEY (kind, key));
INSERT INTO "blobs" VALUES('pane','k',1700000000.0,X'00016279746573');
CREATE TABLE key_values (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "key_values" VALUES('capture','{"counters":{"rows":12}}');
CREATE TABLE latest (series_id INTEGER PRIMARY KEY, time REAL NOT NULL, value REAL, verdict TEXT, outcome TEXT);
INSERT INTO "latest" VALUES(1,1700000240.0,0.4,'{"outcome":"bad","reason":"judged","statistic":0.4,"threshold":0.25,"sample_size":400}','bad');
INSERT INTO "latest" VALUES(2,1700000240.0,9.0,NULL,NULL);
CREATE TABLE outbox (
    message_id TEXT PRIMARY KEY, channel TEXT NOT NULL, state TEXT NOT NULL,
    created_at REAL NOT NULL, next_attempt_at REAL NOT NULL, body TEXT NOT NULL
);
INSERT INTO "outbox" VALUES('m1','slack','queued',1700000060.0,1700000090.0,'{"message_id":"m1","alert_id":"a1","channel":"slack","payload":{"text":"it drifted"},"state":"queued","attempts":2,"created_at":1700000060.0,"next_attempt_at":1700000090.0,"delivered_at":null,"ambiguous":0,"error":"timeout"}');
INSERT INTO "outbox" VALUES('m0','slack','delivered',1699999460.0,0.0,'{"message_id":"m0","alert_id":"a0","channel":"slack","payload":{"text":"it was slow"},"state":"delivered","attempts":1,"created_at":1699999460.0,"next_attempt_at":0.0,"delivered_at":1699999461.0,"ambiguous":0,"error":""}');
CREATE TABLE points (
    series_id INTEGER NOT NULL, time REAL NOT NULL, value REAL, verdict TEXT,
    PRIMARY KEY (series_id, time)
) WITHOUT ROWID;
INSERT INTO "points" VALUES(1,1700000000.0,0.0,'{"outcome":"ok","reason":"judged","statistic":0.0,"threshold":0.25,"sample_size":0}');
INSERT INTO "points" VALUES(1,1700000060.0,0.1,NULL);
INSERT INTO "points" VALUES(1,1700000120.0,0.2,NULL);
INSERT INTO "points" VALUES(1,1700000180.0,3.00000000000000044408e-01,'{"outcome":"bad","reason":"judged","statistic":0.30000000000000004,"threshold":0.25,"sample_size":300}');
INSERT INTO "points" VALUES(1,1700000240.0,0.4,'{"outcome":"bad","reason":"judged","statistic":0.4,"threshold":0.25,"sample_size":400}');
INSERT INTO "points" VALUES(2,1700000000.0,5.0,NULL);
INSERT INTO "points" VALUES(2,1700000060.0,6.0,NULL);
INSERT INTO "points" VALUES(2,1700000120.0,7.0,NULL);
INSERT INTO "points" VALUES(2,1700000180.0,8.0,NULL);
INSERT INTO "points" VALUES(2,1700000240.0,9.0,NULL);
CREATE TABLE reports (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, time REAL NOT NULL, model TEXT NOT NULL, version TEXT NOT NULL, body TEXT NOT NULL
);
INSERT INTO "reports" VALUES(1,'drift',1700000060.0,'m','1.0','{"score":0.4,"features":{"x":0.4}}');
CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at REAL NOT NULL);
INSERT INTO "schema_version" VALUES(1,1.79565438845429754255e+09);
CREATE TABLE series (id INTEGER PRIMARY KEY, name TEXT NOT NULL, labels TEXT NOT NULL, UNIQUE (name, labels));
INSERT INTO "series" VALUES(1,'drift.score','{"model":"m","version":"1.0"}');
INSERT INTO "series" VALUES(2,'requests.rate','{"model":"m","version":"1.0"}');
CREATE TABLE silences (silence_id TEXT PRIMARY KEY, starts_at REAL NOT NULL, ends_at REAL NOT NULL, body TEXT NOT NULL);
INSERT INTO "silences" VALUES('s1',1700000000.0,1700003600.0,'{"silence_id":"s1","matchers":{"rule":"slow"},"starts_at":1700000000.0,"ends_at":1700003600.0,"author":"ann","reason":"planned"}');
CREATE TABLE slo_counts (
    slo TEXT NOT NULL, slot REAL NOT NULL, good REAL NOT NULL, total REAL NOT NULL, PRIMARY KEY (slo, slot)
) WITHOUT ROWID;
INSERT INTO "slo_counts" VALUES('availability',1700000000.0,99.0,100.0);
INSERT INTO "slo_counts" VALUES('availability',1700000060.0,99.0,100.0);
INSERT INTO "slo_counts" VALUES('availability',1700000120.0,99.0,100.0);
CREATE INDEX reports_by_kind ON reports (kind, time);
CREATE INDEX alerts_by_start ON alerts (started_at);
CREATE INDEX alerts_by_update ON alerts (updated_at);
CREATE INDEX outbox_by_state ON outbox (state, next_attempt_at);
CREATE INDEX blobs_by_time ON blobs (kind, time);
COMMIT;
