-- The first layout: number 1. Of a spec, a run kept the digest alone.
BEGIN TRANSACTION;
CREATE TABLE cell (
	id VARCHAR NOT NULL, 
	content JSON NOT NULL, 
	label VARCHAR NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "cell" VALUES('72d9994e99ee9bd7','{"model": {"name": "decoder", "options": {"context": 256, "d_model": 64, "heads": 2, "layers": 2, "vocab": 512}, "label": "nano"}, "hardware": {"name": "local", "options": {}, "label": ""}, "scenario": {"name": "prefill", "options": {}, "label": ""}, "parallelism": [], "compression": [], "operator": {"name": "sdpa", "options": {}, "label": ""}, "precision": {"name": "fp32", "options": {}, "label": ""}, "backend": {"name": "eager", "options": {}, "label": ""}, "workload": {"batch": 1, "prompt": 16}}','nano local prefill none none sdpa fp32 eager batch=1 prompt=16');
CREATE TABLE fact (
	round INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	value DOUBLE NOT NULL, 
	PRIMARY KEY (round, name), 
	FOREIGN KEY(round) REFERENCES round (id) ON DELETE CASCADE
);
INSERT INTO "fact" VALUES(1,'parameters',149248.0);
INSERT INTO "fact" VALUES(1,'model_bytes',596992.0);
INSERT INTO "fact" VALUES(1,'load_time',1.92749745000037364661e+00);
INSERT INTO "fact" VALUES(1,'flops',3342336.0);
INSERT INTO "fact" VALUES(1,'tokens',16.0);
INSERT INTO "fact" VALUES(1,'load_memory',259784704.0);
INSERT INTO "fact" VALUES(1,'peak_memory',266674176.0);
INSERT INTO "fact" VALUES(2,'parameters',149248.0);
INSERT INTO "fact" VALUES(2,'model_bytes',596992.0);
INSERT INTO "fact" VALUES(2,'load_time',2.25019405799685046076e+00);
INSERT INTO "fact" VALUES(2,'flops',3342336.0);
INSERT INTO "fact" VALUES(2,'tokens',16.0);
INSERT INTO "fact" VALUES(2,'load_memory',259792896.0);
INSERT INTO "fact" VALUES(2,'peak_memory',266706944.0);
CREATE TABLE host (
	fingerprint VARCHAR NOT NULL, 
	content JSON NOT NULL, 
	PRIMARY KEY (fingerprint)
);
INSERT INTO "host" VALUES('2b760b1ec55a','{"cpu": "AMD EPYC", "architecture": "x86_64", "physical_cores": 2, "logical_cores": 2, "isa": ["avx2", "fma"], "memory_bytes": 25276063744, "system": "Linux", "gpus": []}');
CREATE TABLE metric (
	result INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	value DOUBLE NOT NULL, 
	low DOUBLE, 
	high DOUBLE, 
	unit VARCHAR NOT NULL, 
	direction VARCHAR NOT NULL, 
	rounds INTEGER NOT NULL, 
	samples INTEGER NOT NULL, 
	PRIMARY KEY (result, name), 
	FOREIGN KEY(result) REFERENCES result (id) ON DELETE CASCADE
);
INSERT INTO "metric" VALUES(1,'flops',3342336.0,3342336.0,3342336.0,'FLOP','lower',2,86);
INSERT INTO "metric" VALUES(1,'latency',1.41532749999999981488e-03,-2.05960984296563219889e-03,4.89026484296563139497e-03,'s','lower',2,86);
INSERT INTO "metric" VALUES(1,'load_memory',259788800.0,2.59736755385400623088e+08,2.59840844614599376927e+08,'B','lower',2,86);
INSERT INTO "metric" VALUES(1,'load_time',2.08884575399861205369e+00,3.8721169562441204448e-02,4.13897033843478290293e+00,'s','lower',2,86);
INSERT INTO "metric" VALUES(1,'model_bytes',596992.0,596992.0,596992.0,'B','lower',2,86);
INSERT INTO "metric" VALUES(1,'parameters',149248.0,149248.0,149248.0,'1','lower',2,86);
INSERT INTO "metric" VALUES(1,'peak_memory',266690560.0,2.66482381541602522125e+08,2.66898738458397477872e+08,'B','lower',2,86);
INSERT INTO "metric" VALUES(1,'tokens_per_second',1.17432715770739941947e+04,-1.70890184277208973069e+04,4.05755615818688820592e+04,'1/s','higher',2,86);
CREATE TABLE result (
	id INTEGER NOT NULL, 
	run INTEGER NOT NULL, 
	cell VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	detail VARCHAR NOT NULL, 
	stop_rule VARCHAR, 
	baseline VARCHAR, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run) REFERENCES run (id) ON DELETE CASCADE, 
	FOREIGN KEY(cell) REFERENCES cell (id)
);
INSERT INTO "result" VALUES(1,1,'72d9994e99ee9bd7','ok','','','rounds done',NULL);
CREATE TABLE round (
	id INTEGER NOT NULL, 
	result INTEGER NOT NULL, 
	run INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	status VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	detail VARCHAR NOT NULL, 
	started DATETIME, 
	seconds DOUBLE NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(result) REFERENCES result (id) ON DELETE CASCADE, 
	FOREIGN KEY(run) REFERENCES run (id) ON DELETE CASCADE
);
INSERT INTO "round" VALUES(1,1,1,0,'ok','','','2026-11-27 15:30:09.414043',3.2313042140012839809e+00);
INSERT INTO "round" VALUES(2,1,1,1,'ok','','','2026-11-27 15:30:12.651612',3.47196780499871238134e+00);
CREATE TABLE run (
	id INTEGER NOT NULL, 
	commit_sha VARCHAR NOT NULL, 
	commit_date DATETIME, 
	branch VARCHAR NOT NULL, 
	subject VARCHAR NOT NULL, 
	dirty VARCHAR NOT NULL, 
	host VARCHAR NOT NULL, 
	environment JSON NOT NULL, 
	environment_digest VARCHAR NOT NULL, 
	specs JSON NOT NULL, 
	seed INTEGER NOT NULL, 
	harness_version VARCHAR NOT NULL, 
	command VARCHAR NOT NULL, 
	started DATETIME NOT NULL, 
	finished DATETIME, 
	pid INTEGER NOT NULL, 
	pid_started DOUBLE NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(host) REFERENCES host (fingerprint)
);
INSERT INTO "run" VALUES(1,'',NULL,'','','','2b760b1ec55a','{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6"}','cec706859967','{"../spec.yaml": "7f6d0f9f1b991d19"}',0,'0.1.0','harness run ../spec.yaml --db out.sqlite','2026-11-27 15:30:05.531617','2026-11-27 15:30:19.418137',32606,1795793403.34);
CREATE TABLE sample (
	round INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	section VARCHAR NOT NULL, 
	seconds DOUBLE NOT NULL, 
	warmup BOOLEAN NOT NULL, 
	PRIMARY KEY (round, position), 
	FOREIGN KEY(round) REFERENCES round (id) ON DELETE CASCADE
);
INSERT INTO "sample" VALUES(1,0,'latency',0.147545913,1);
INSERT INTO "sample" VALUES(1,1,'latency',0.074934287,1);
INSERT INTO "sample" VALUES(1,2,'latency',0.00666788,1);
INSERT INTO "sample" VALUES(1,3,'latency',0.041619705,1);
INSERT INTO "sample" VALUES(1,4,'latency',0.277306973,1);
INSERT INTO "sample" VALUES(1,5,'latency',0.000893828,0);
INSERT INTO "sample" VALUES(2,0,'latency',0.119653202,1);
INSERT INTO "sample" VALUES(2,1,'latency',0.111912998,1);
INSERT INTO "sample" VALUES(2,2,'latency',0.152223987,1);
INSERT INTO "sample" VALUES(2,3,'latency',0.016721416,1);
INSERT INTO "sample" VALUES(2,4,'latency',0.001387866,0);
INSERT INTO "sample" VALUES(2,5,'latency',0.00954966,0);
CREATE INDEX run_subject ON run (commit_sha, dirty, host, environment_digest);
CREATE INDEX ix_result_cell ON result (cell);
CREATE INDEX ix_result_status ON result (status);
CREATE INDEX ix_result_run ON result (run);
CREATE INDEX ix_round_run ON round (run);
CREATE INDEX ix_round_result ON round (result);
COMMIT;
PRAGMA user_version = 1;
PRAGMA application_id = 0;
