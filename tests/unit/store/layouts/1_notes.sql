-- Number 1, with notes of rounds too.
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
INSERT INTO "fact" VALUES(1,'load_time',1.46601659980660770088e-02);
INSERT INTO "fact" VALUES(1,'flops',3342336.0);
INSERT INTO "fact" VALUES(1,'tokens',16.0);
INSERT INTO "fact" VALUES(1,'steps',1.0);
INSERT INTO "fact" VALUES(1,'load_memory',176189440.0);
INSERT INTO "fact" VALUES(1,'peak_memory',185331712.0);
INSERT INTO "fact" VALUES(1,'bytes_moved',556032.0);
INSERT INTO "fact" VALUES(1,'state_bytes',16384.0);
INSERT INTO "fact" VALUES(1,'warmup',36.0);
INSERT INTO "fact" VALUES(1,'settled',0.0);
INSERT INTO "fact" VALUES(1,'repeats',1.0);
INSERT INTO "fact" VALUES(1,'host_load',1.484375);
INSERT INTO "fact" VALUES(1,'host_swapped',0.0);
INSERT INTO "fact" VALUES(1,'host_others',6.2898550724723711891e-01);
INSERT INTO "fact" VALUES(1,'host_steal',1.93236714976243134471e-03);
INSERT INTO "fact" VALUES(2,'parameters',149248.0);
INSERT INTO "fact" VALUES(2,'model_bytes',596992.0);
INSERT INTO "fact" VALUES(2,'load_time',1.73342959969886578619e-02);
INSERT INTO "fact" VALUES(2,'flops',3342336.0);
INSERT INTO "fact" VALUES(2,'tokens',16.0);
INSERT INTO "fact" VALUES(2,'steps',1.0);
INSERT INTO "fact" VALUES(2,'load_memory',176185344.0);
INSERT INTO "fact" VALUES(2,'peak_memory',185339904.0);
INSERT INTO "fact" VALUES(2,'bytes_moved',556032.0);
INSERT INTO "fact" VALUES(2,'state_bytes',16384.0);
INSERT INTO "fact" VALUES(2,'warmup',3.0);
INSERT INTO "fact" VALUES(2,'settled',1.0);
INSERT INTO "fact" VALUES(2,'repeats',1.0);
INSERT INTO "fact" VALUES(2,'host_load',1.60595703125);
INSERT INTO "fact" VALUES(2,'host_swapped',0.0);
INSERT INTO "fact" VALUES(2,'host_others',3.50230414747362106542e-01);
INSERT INTO "fact" VALUES(2,'host_steal',7.37327188940669758787e-02);
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
INSERT INTO "metric" VALUES(1,'arithmetic_intensity',6.01104972375690582708e+00,6.01104972375690582708e+00,6.01104972375690582708e+00,'FLOP/B','higher',2,2);
INSERT INTO "metric" VALUES(1,'flops',3342336.0,3342336.0,3342336.0,'FLOP','lower',2,2);
INSERT INTO "metric" VALUES(1,'latency',0.001119522,3.028253081712698765e-05,4.13878719732087424487e-02,'s','lower',2,221);
INSERT INTO "metric" VALUES(1,'load_memory',176187392.0,1.76161372033547341826e+08,1.76213415809739351279e+08,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'load_time',1.59972309975273674353e-02,5.51764849303307877009e-03,4.63805187864685178333e-02,'s','lower',2,2);
INSERT INTO "metric" VALUES(1,'model_bytes',596992.0,596992.0,596992.0,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'parameters',149248.0,149248.0,149248.0,'1','lower',2,2);
INSERT INTO "metric" VALUES(1,'peak_memory',185335808.0,1.85283771530462324627e+08,1.85387859083845973019e+08,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'state_bytes',16384.0,16384.0,16384.0,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'time_p90',0.009485805,7.80431198621691496475e-03,1.1529587317490420234e-02,'s','lower',2,221);
INSERT INTO "metric" VALUES(1,'tokens_per_second',1.54769271209954458758e+04,4.18643423260976874208e+02,5.72170156747646280583e+05,'1/s','higher',2,221);
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
	notes JSON NOT NULL, 
	started DATETIME, 
	seconds DOUBLE NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(result) REFERENCES result (id) ON DELETE CASCADE, 
	FOREIGN KEY(run) REFERENCES run (id) ON DELETE CASCADE
);
INSERT INTO "round" VALUES(1,1,1,0,'ok','','','{}','2026-11-27 15:30:23.550667',5.16325324300123611465e+00);
INSERT INTO "round" VALUES(2,1,1,1,'ok','','','{}','2026-11-27 15:30:28.755781',1.08348508700146339833e+00);
CREATE TABLE round_metric (
	round INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	value DOUBLE NOT NULL, 
	PRIMARY KEY (round, name), 
	FOREIGN KEY(round) REFERENCES round (id) ON DELETE CASCADE
);
INSERT INTO "round_metric" VALUES(1,'arithmetic_intensity',6.01104972375690582708e+00);
INSERT INTO "round_metric" VALUES(1,'flops',3342336.0);
INSERT INTO "round_metric" VALUES(1,'latency',0.00080973);
INSERT INTO "round_metric" VALUES(1,'load_memory',176189440.0);
INSERT INTO "round_metric" VALUES(1,'load_time',1.46601659980660770088e-02);
INSERT INTO "round_metric" VALUES(1,'model_bytes',596992.0);
INSERT INTO "round_metric" VALUES(1,'parameters',149248.0);
INSERT INTO "round_metric" VALUES(1,'peak_memory',185331712.0);
INSERT INTO "round_metric" VALUES(1,'state_bytes',16384.0);
INSERT INTO "round_metric" VALUES(1,'time_p90',0.0093401474);
INSERT INTO "round_metric" VALUES(1,'tokens_per_second',1.97596729774122213708e+04);
INSERT INTO "round_metric" VALUES(2,'arithmetic_intensity',6.01104972375690582708e+00);
INSERT INTO "round_metric" VALUES(2,'flops',3342336.0);
INSERT INTO "round_metric" VALUES(2,'latency',0.001429314);
INSERT INTO "round_metric" VALUES(2,'load_memory',176185344.0);
INSERT INTO "round_metric" VALUES(2,'load_time',1.73342959969886578619e-02);
INSERT INTO "round_metric" VALUES(2,'model_bytes',596992.0);
INSERT INTO "round_metric" VALUES(2,'parameters',149248.0);
INSERT INTO "round_metric" VALUES(2,'peak_memory',185339904.0);
INSERT INTO "round_metric" VALUES(2,'state_bytes',16384.0);
INSERT INTO "round_metric" VALUES(2,'time_p90',0.0096314626);
INSERT INTO "round_metric" VALUES(2,'tokens_per_second',1.11941812645786703799e+04);
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
INSERT INTO "run" VALUES(1,'',NULL,'','','','2b760b1ec55a','{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6"}','cec706859967','{"../spec.yaml": {"name": "small", "question": "", "digest": "7f6d0f9f1b991d19"}}',0,'0.1.0','harness run ../spec.yaml --db out.sqlite','2026-11-27 15:30:23.526572','2026-11-27 15:30:29.850998',312,1795793421.34);
CREATE TABLE sample (
	round INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	section VARCHAR NOT NULL, 
	seconds DOUBLE NOT NULL, 
	warmup BOOLEAN NOT NULL, 
	PRIMARY KEY (round, position), 
	FOREIGN KEY(round) REFERENCES round (id) ON DELETE CASCADE
);
INSERT INTO "sample" VALUES(1,0,'latency',0.112253768,1);
INSERT INTO "sample" VALUES(1,1,'latency',0.09602695,1);
INSERT INTO "sample" VALUES(1,2,'latency',0.001508162,1);
INSERT INTO "sample" VALUES(1,3,'latency',0.001316913,1);
INSERT INTO "sample" VALUES(1,4,'latency',0.009715612,1);
INSERT INTO "sample" VALUES(1,5,'latency',0.001225812,1);
INSERT INTO "sample" VALUES(2,0,'latency',0.112986083,1);
INSERT INTO "sample" VALUES(2,1,'latency',0.109614502,1);
INSERT INTO "sample" VALUES(2,2,'latency',0.05106484,1);
INSERT INTO "sample" VALUES(2,3,'latency',0.001453048,0);
INSERT INTO "sample" VALUES(2,4,'latency',0.005566541,0);
INSERT INTO "sample" VALUES(2,5,'latency',0.001442819,0);
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
CREATE INDEX ix_result_run ON result (run);
CREATE INDEX ix_result_status ON result (status);
CREATE INDEX ix_result_cell ON result (cell);
CREATE INDEX ix_round_run ON round (run);
CREATE INDEX ix_round_result ON round (result);
COMMIT;
PRAGMA user_version = 1;
PRAGMA application_id = 0;
