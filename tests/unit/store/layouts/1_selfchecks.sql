-- Number 1, with metrics of single rounds and self-checks.
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
INSERT INTO "fact" VALUES(1,'load_time',3.81939729995792731642e-02);
INSERT INTO "fact" VALUES(1,'flops',3342336.0);
INSERT INTO "fact" VALUES(1,'tokens',16.0);
INSERT INTO "fact" VALUES(1,'load_memory',175902720.0);
INSERT INTO "fact" VALUES(1,'peak_memory',185008128.0);
INSERT INTO "fact" VALUES(1,'warmup',1.0);
INSERT INTO "fact" VALUES(1,'settled',1.0);
INSERT INTO "fact" VALUES(1,'repeats',1.0);
INSERT INTO "fact" VALUES(2,'parameters',149248.0);
INSERT INTO "fact" VALUES(2,'model_bytes',596992.0);
INSERT INTO "fact" VALUES(2,'load_time',5.5903514999954495579e-02);
INSERT INTO "fact" VALUES(2,'flops',3342336.0);
INSERT INTO "fact" VALUES(2,'tokens',16.0);
INSERT INTO "fact" VALUES(2,'load_memory',175902720.0);
INSERT INTO "fact" VALUES(2,'peak_memory',185008128.0);
INSERT INTO "fact" VALUES(2,'warmup',1.0);
INSERT INTO "fact" VALUES(2,'settled',1.0);
INSERT INTO "fact" VALUES(2,'repeats',1.0);
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
INSERT INTO "metric" VALUES(1,'flops',3342336.0,3342336.0,3342336.0,'FLOP','lower',2,2);
INSERT INTO "metric" VALUES(1,'latency',0.347542433,2.62872431654579297166e-01,4.59484252400703729879e-01,'s','lower',2,6);
INSERT INTO "metric" VALUES(1,'load_memory',175902720.0,175902720.0,175902720.0,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'load_time',4.70487439997668843716e-02,4.1829293658264777786e-03,5.29194762416991593134e-01,'s','lower',2,2);
INSERT INTO "metric" VALUES(1,'model_bytes',596992.0,596992.0,596992.0,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'parameters',149248.0,149248.0,149248.0,'1','lower',2,2);
INSERT INTO "metric" VALUES(1,'peak_memory',185008128.0,185008128.0,185008128.0,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'tokens_per_second',4.60597795564308185598e+01,3.48384689286929045688e+01,6.0895422733108006243e+01,'1/s','higher',2,6);
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
INSERT INTO "round" VALUES(1,1,1,0,'ok','','','2026-11-27 15:42:13.027158',8.61610012600067420862e+00);
INSERT INTO "round" VALUES(2,1,1,1,'ok','','','2026-11-27 15:42:21.696961',1.58267431800049962475e+00);
CREATE TABLE round_metric (
	round INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	value DOUBLE NOT NULL, 
	PRIMARY KEY (round, name), 
	FOREIGN KEY(round) REFERENCES round (id) ON DELETE CASCADE
);
INSERT INTO "round_metric" VALUES(1,'flops',3342336.0);
INSERT INTO "round_metric" VALUES(1,'latency',0.33990632);
INSERT INTO "round_metric" VALUES(1,'load_memory',175902720.0);
INSERT INTO "round_metric" VALUES(1,'load_time',3.81939729995792731642e-02);
INSERT INTO "round_metric" VALUES(1,'model_bytes',596992.0);
INSERT INTO "round_metric" VALUES(1,'parameters',149248.0);
INSERT INTO "round_metric" VALUES(1,'peak_memory',185008128.0);
INSERT INTO "round_metric" VALUES(1,'tokens_per_second',4.70717931929009196761e+01);
INSERT INTO "round_metric" VALUES(2,'flops',3342336.0);
INSERT INTO "round_metric" VALUES(2,'latency',0.355178546);
INSERT INTO "round_metric" VALUES(2,'load_memory',175902720.0);
INSERT INTO "round_metric" VALUES(2,'load_time',5.5903514999954495579e-02);
INSERT INTO "round_metric" VALUES(2,'model_bytes',596992.0);
INSERT INTO "round_metric" VALUES(2,'parameters',149248.0);
INSERT INTO "round_metric" VALUES(2,'peak_memory',185008128.0);
INSERT INTO "round_metric" VALUES(2,'tokens_per_second',4.50477659199607174391e+01);
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
INSERT INTO "run" VALUES(1,'',NULL,'','','','2b760b1ec55a','{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6"}','cec706859967','{"../spec.yaml": {"name": "small", "question": "", "digest": "7f6d0f9f1b991d19"}}',0,'0.1.0','harness run ../spec.yaml --db out.sqlite','2026-11-27 15:42:12.962776','2026-11-27 15:42:23.322183',5976,1795794129.88);
CREATE TABLE sample (
	round INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	section VARCHAR NOT NULL, 
	seconds DOUBLE NOT NULL, 
	warmup BOOLEAN NOT NULL, 
	PRIMARY KEY (round, position), 
	FOREIGN KEY(round) REFERENCES round (id) ON DELETE CASCADE
);
INSERT INTO "sample" VALUES(1,0,'latency',0.393566613,1);
INSERT INTO "sample" VALUES(1,1,'latency',0.303892961,0);
INSERT INTO "sample" VALUES(1,2,'latency',0.33990632,0);
INSERT INTO "sample" VALUES(1,3,'latency',0.343947989,0);
INSERT INTO "sample" VALUES(2,0,'latency',0.348480809,1);
INSERT INTO "sample" VALUES(2,1,'latency',0.320668529,0);
INSERT INTO "sample" VALUES(2,2,'latency',0.355178546,0);
INSERT INTO "sample" VALUES(2,3,'latency',0.364307025,0);
CREATE TABLE selfcheck (
	id INTEGER NOT NULL, 
	host VARCHAR NOT NULL, 
	environment_digest VARCHAR NOT NULL, 
	cell VARCHAR NOT NULL, 
	metric VARCHAR NOT NULL, 
	trials INTEGER NOT NULL, 
	rounds DOUBLE NOT NULL, 
	false_alarms DOUBLE NOT NULL, 
	noise_floor DOUBLE NOT NULL, 
	smallest_change DOUBLE NOT NULL, 
	coverage DOUBLE NOT NULL, 
	"when" DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(host) REFERENCES host (fingerprint), 
	FOREIGN KEY(cell) REFERENCES cell (id)
);
INSERT INTO "selfcheck" VALUES(1,'2b760b1ec55a','cec706859967','72d9994e99ee9bd7','tokens_per_second',50,7.5,0.02,0.01,0.03,0.95,'2026-11-25 12:00:00.000000');
CREATE INDEX run_subject ON run (commit_sha, dirty, host, environment_digest);
CREATE INDEX ix_result_status ON result (status);
CREATE INDEX ix_result_run ON result (run);
CREATE INDEX ix_result_cell ON result (cell);
CREATE INDEX ix_round_result ON round (result);
CREATE INDEX ix_round_run ON round (run);
COMMIT;
PRAGMA user_version = 1;
PRAGMA application_id = 0;
