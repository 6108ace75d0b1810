-- Revision 0003. A night with a confirmation, a control and a decision, on revision 0002's cell.
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0003');
CREATE TABLE ceiling (
	host VARCHAR NOT NULL, 
	environment_digest VARCHAR NOT NULL, 
	hardware VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	position INTEGER NOT NULL, 
	value DOUBLE NOT NULL, 
	unit VARCHAR NOT NULL, 
	how VARCHAR NOT NULL, 
	others DOUBLE NOT NULL, 
	environment JSON NOT NULL, 
	saved DATETIME NOT NULL, 
	PRIMARY KEY (host, environment_digest, hardware, name, kind), 
	FOREIGN KEY(host) REFERENCES host (fingerprint)
);
CREATE TABLE cell (
	id VARCHAR NOT NULL, 
	content JSON NOT NULL, 
	label VARCHAR NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "cell" VALUES('4abfcc3df0dc7450','{"model": {"name": "decoder", "options": {"context": 256, "d_model": 64, "heads": 2, "layers": 2, "vocab": 512}, "label": "nano"}, "hardware": {"name": "local", "options": {}, "label": ""}, "scenario": {"name": "prefill", "options": {}, "label": ""}, "parallelism": [{"name": "data", "options": {"degree": 2}, "label": "data=2"}], "compression": [], "operator": {"name": "sdpa", "options": {}, "label": ""}, "precision": {"name": "fp32", "options": {}, "label": ""}, "backend": {"name": "eager", "options": {}, "label": ""}, "workload": {"batch": 2, "prompt": 16}}','nano local prefill data=2 none sdpa fp32 eager batch=2 prompt=16');
CREATE TABLE confirmation (
	id INTEGER NOT NULL, 
	night INTEGER NOT NULL, 
	role VARCHAR NOT NULL, 
	cell VARCHAR NOT NULL, 
	metric VARCHAR NOT NULL, 
	unit VARCHAR NOT NULL, 
	direction VARCHAR NOT NULL, 
	base JSON NOT NULL, 
	head JSON NOT NULL, 
	verdict VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	ratio DOUBLE, 
	low DOUBLE, 
	high DOUBLE, 
	p DOUBLE, 
	value DOUBLE, 
	predicted_low DOUBLE, 
	predicted_high DOUBLE, 
	accepted BOOLEAN NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(night) REFERENCES night (id) ON DELETE CASCADE, 
	FOREIGN KEY(cell) REFERENCES cell (id)
);
INSERT INTO "confirmation" VALUES(1,1,'suspect','4abfcc3df0dc7450','ttft','s','lower','{"sha": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "branch": "main", "date": "2026-11-27T03:00:00Z", "subject": "Before", "dirty": ""}','{"sha": "9a215c0cf3e6cda78ed1f4f4d39806ea51295568", "branch": "main", "date": "2026-11-27T17:53:37Z", "subject": "A compiler''s contract tests run with the thorough ones", "dirty": "045df1b0e6f5"}','confirmed','',1.3,1.25,1.35,1.0e-07,0.13,0.098,0.102,1);
INSERT INTO "confirmation" VALUES(2,1,'same','4abfcc3df0dc7450','ttft','s','lower','{"sha": "9a215c0cf3e6cda78ed1f4f4d39806ea51295568", "branch": "main", "date": "2026-11-27T17:53:37Z", "subject": "A compiler''s contract tests run with the thorough ones", "dirty": "045df1b0e6f5"}','{"sha": "9a215c0cf3e6cda78ed1f4f4d39806ea51295568", "branch": "main", "date": "2026-11-27T17:53:37Z", "subject": "A compiler''s contract tests run with the thorough ones", "dirty": "045df1b0e6f5"}','rejected','',1.0,0.99,1.01,0.7,NULL,NULL,NULL,0);
CREATE TABLE document (
	round INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	tokens INTEGER NOT NULL, 
	bytes INTEGER NOT NULL, 
	bits DOUBLE NOT NULL, 
	dense_bits DOUBLE NOT NULL, 
	divergence DOUBLE NOT NULL, 
	agreed INTEGER NOT NULL, 
	floor_bits DOUBLE, 
	PRIMARY KEY (round, position), 
	FOREIGN KEY(round) REFERENCES round (id) ON DELETE CASCADE
);
CREATE TABLE fact (
	round INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	value DOUBLE NOT NULL, 
	PRIMARY KEY (round, name), 
	FOREIGN KEY(round) REFERENCES round (id) ON DELETE CASCADE
);
INSERT INTO "fact" VALUES(1,'launch_time',6.43747200010693632066e-02);
INSERT INTO "fact" VALUES(1,'model_bytes',596992.0);
INSERT INTO "fact" VALUES(1,'flops',6684672.0);
INSERT INTO "fact" VALUES(1,'parameters',149248.0);
INSERT INTO "fact" VALUES(1,'tokens',32.0);
INSERT INTO "fact" VALUES(1,'steps',1.0);
INSERT INTO "fact" VALUES(1,'load_time',4.39799060040968470275e-02);
INSERT INTO "fact" VALUES(1,'load_memory',520519680.0);
INSERT INTO "fact" VALUES(1,'processes',2.0);
INSERT INTO "fact" VALUES(1,'held_memory',519028736.0);
INSERT INTO "fact" VALUES(1,'peak_memory',533680128.0);
INSERT INTO "fact" VALUES(1,'rank_peak_memory',266850304.0);
INSERT INTO "fact" VALUES(1,'page_faults',2.0);
INSERT INTO "fact" VALUES(1,'collectives',0.0);
INSERT INTO "fact" VALUES(1,'sent_bytes',0.0);
INSERT INTO "fact" VALUES(1,'state_bytes',32768.0);
INSERT INTO "fact" VALUES(1,'bytes_moved',1112064.0);
INSERT INTO "fact" VALUES(1,'warmup',4.0);
INSERT INTO "fact" VALUES(1,'settled',1.0);
INSERT INTO "fact" VALUES(1,'repeats',1.0);
INSERT INTO "fact" VALUES(1,'load_imbalance',8.59436008580289623193e-02);
INSERT INTO "fact" VALUES(1,'host_load',2.38330078125);
INSERT INTO "fact" VALUES(1,'host_swapped',0.0);
INSERT INTO "fact" VALUES(1,'host_others',5.47183613753054909345e-01);
INSERT INTO "fact" VALUES(1,'host_steal',3.65764447696203219562e-03);
INSERT INTO "fact" VALUES(2,'launch_time',9.14974560000700876116e-02);
INSERT INTO "fact" VALUES(2,'model_bytes',596992.0);
INSERT INTO "fact" VALUES(2,'flops',6684672.0);
INSERT INTO "fact" VALUES(2,'parameters',149248.0);
INSERT INTO "fact" VALUES(2,'tokens',32.0);
INSERT INTO "fact" VALUES(2,'steps',1.0);
INSERT INTO "fact" VALUES(2,'load_time',4.18806150046293623745e-02);
INSERT INTO "fact" VALUES(2,'load_memory',520499200.0);
INSERT INTO "fact" VALUES(2,'processes',2.0);
INSERT INTO "fact" VALUES(2,'held_memory',519159808.0);
INSERT INTO "fact" VALUES(2,'peak_memory',533839872.0);
INSERT INTO "fact" VALUES(2,'rank_peak_memory',266919936.0);
INSERT INTO "fact" VALUES(2,'page_faults',2.0);
INSERT INTO "fact" VALUES(2,'collectives',0.0);
INSERT INTO "fact" VALUES(2,'sent_bytes',0.0);
INSERT INTO "fact" VALUES(2,'state_bytes',32768.0);
INSERT INTO "fact" VALUES(2,'bytes_moved',1112064.0);
INSERT INTO "fact" VALUES(2,'warmup',5.0);
INSERT INTO "fact" VALUES(2,'settled',1.0);
INSERT INTO "fact" VALUES(2,'repeats',1.0);
INSERT INTO "fact" VALUES(2,'load_imbalance',7.86818730998835730305e-02);
INSERT INTO "fact" VALUES(2,'host_load',2.43310546875);
INSERT INTO "fact" VALUES(2,'host_swapped',0.0);
INSERT INTO "fact" VALUES(2,'host_others',4.09669211194695515043e-01);
INSERT INTO "fact" VALUES(2,'host_steal',2.54452926207930033714e-03);
INSERT INTO "fact" VALUES(3,'bytes_moved',1112064.0);
INSERT INTO "fact" VALUES(3,'collectives',0.0);
INSERT INTO "fact" VALUES(3,'flops',6684672.0);
INSERT INTO "fact" VALUES(3,'held_memory',519028736.0);
INSERT INTO "fact" VALUES(3,'host_load',2.38330078125);
INSERT INTO "fact" VALUES(3,'host_others',5.47183613753054909345e-01);
INSERT INTO "fact" VALUES(3,'host_steal',3.65764447696203219562e-03);
INSERT INTO "fact" VALUES(3,'host_swapped',0.0);
INSERT INTO "fact" VALUES(3,'launch_time',6.43747200010693632066e-02);
INSERT INTO "fact" VALUES(3,'load_imbalance',8.59436008580289623193e-02);
INSERT INTO "fact" VALUES(3,'load_memory',520519680.0);
INSERT INTO "fact" VALUES(3,'load_time',4.39799060040968470275e-02);
INSERT INTO "fact" VALUES(3,'model_bytes',596992.0);
INSERT INTO "fact" VALUES(3,'page_faults',2.0);
INSERT INTO "fact" VALUES(3,'parameters',149248.0);
INSERT INTO "fact" VALUES(3,'peak_memory',533680128.0);
INSERT INTO "fact" VALUES(3,'processes',2.0);
INSERT INTO "fact" VALUES(3,'rank_peak_memory',266850304.0);
INSERT INTO "fact" VALUES(3,'repeats',1.0);
INSERT INTO "fact" VALUES(3,'sent_bytes',0.0);
INSERT INTO "fact" VALUES(3,'settled',1.0);
INSERT INTO "fact" VALUES(3,'state_bytes',32768.0);
INSERT INTO "fact" VALUES(3,'steps',1.0);
INSERT INTO "fact" VALUES(3,'tokens',32.0);
INSERT INTO "fact" VALUES(3,'warmup',4.0);
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
INSERT INTO "metric" VALUES(1,'collectives',0.0,0.0,0.0,'1','lower',2,2);
INSERT INTO "metric" VALUES(1,'flops',6684672.0,6684672.0,6684672.0,'FLOP','lower',2,2);
INSERT INTO "metric" VALUES(1,'latency',1.80691293119729498237e-03,NULL,NULL,'s','lower',2,395);
INSERT INTO "metric" VALUES(1,'launch_time',7.67471374763559199827e-02,NULL,NULL,'s','lower',2,2);
INSERT INTO "metric" VALUES(1,'load_imbalance',0.0822326182026237,NULL,NULL,'1','lower',2,2);
INSERT INTO "metric" VALUES(1,'load_memory',520509439.899274,NULL,NULL,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'load_time',0.0429174266621074,NULL,NULL,'s','lower',2,2);
INSERT INTO "metric" VALUES(1,'model_bytes',596992.0,596992.0,596992.0,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'page_faults',2.0,2.0,2.0,'1','lower',2,2);
INSERT INTO "metric" VALUES(1,'parameters',149248.0,149248.0,149248.0,'1','lower',2,2);
INSERT INTO "metric" VALUES(1,'peak_memory',5.33759994023965418348e+08,NULL,NULL,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'rank_memory',2.66885117729071855543e+08,NULL,NULL,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'resident_memory',5.19094267863018035908e+08,NULL,NULL,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'sent_bytes',0.0,0.0,0.0,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'state_bytes',32768.0,32768.0,32768.0,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'time_p90',2.87740286342734810642e-03,NULL,NULL,'s','lower',2,395);
INSERT INTO "metric" VALUES(1,'tokens_per_second',1.77097631255514861552e+04,NULL,NULL,'1/s','higher',2,395);
INSERT INTO "metric" VALUES(1,'working_memory',1.46657209931557066737e+07,NULL,NULL,'B','lower',2,2);
CREATE TABLE night (
	id INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	host VARCHAR NOT NULL, 
	environment JSON NOT NULL, 
	environment_digest VARCHAR NOT NULL, 
	head JSON NOT NULL, 
	specs JSON NOT NULL, 
	command VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	started DATETIME NOT NULL, 
	finished DATETIME, 
	pid INTEGER NOT NULL, 
	pid_started DOUBLE NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(host) REFERENCES host (fingerprint)
);
INSERT INTO "night" VALUES(1,'nightly','2b760b1ec55a','{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "horovod": "0.28.1", "lightning": "2.6.6", "pyspark": "4.3.0"}','31377d734fd8','{"sha": "9a215c0cf3e6cda78ed1f4f4d39806ea51295568", "branch": "main", "date": "2026-11-27T17:53:37Z", "subject": "A compiler''s contract tests run with the thorough ones", "dirty": "045df1b0e6f5"}','{"small.yaml": {"name": "small", "question": "", "digest": "6218c113b01a6cd3"}}','harness nightly small.yaml','done','','2026-11-27 03:00:00.000000','2026-11-27 22:10:38.228031',0,0.0);
CREATE TABLE pair (
	confirmation INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	head_first BOOLEAN NOT NULL, 
	base DOUBLE NOT NULL, 
	head DOUBLE NOT NULL, 
	base_round INTEGER, 
	head_round INTEGER, 
	PRIMARY KEY (confirmation, position), 
	FOREIGN KEY(confirmation) REFERENCES confirmation (id) ON DELETE CASCADE
);
INSERT INTO "pair" VALUES(1,0,1,0.1,0.13,1,2);
INSERT INTO "pair" VALUES(1,1,0,0.1,0.13,NULL,NULL);
INSERT INTO "pair" VALUES(2,0,1,0.1,0.1,NULL,NULL);
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
INSERT INTO "result" VALUES(1,1,'4abfcc3df0dc7450','ok','','','rounds done',NULL);
INSERT INTO "result" VALUES(2,2,'4abfcc3df0dc7450','measuring','','',NULL,NULL);
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
INSERT INTO "round" VALUES(1,1,1,0,'ok','','','{"host_allocator": "glibc, blocks of up to 1024 MiB from a heap that is kept", "host_launcher": "torch 2.13.0+cpu"}','2026-11-27 18:45:06.709184',6.83795865799766);
INSERT INTO "round" VALUES(2,1,1,1,'ok','','','{"host_allocator": "glibc, blocks of up to 1024 MiB from a heap that is kept", "host_launcher": "torch 2.13.0+cpu"}','2026-11-27 18:45:13.611034',1.95645245599735062569e+00);
INSERT INTO "round" VALUES(3,2,2,0,'ok','','','{"host_allocator": "glibc, blocks of up to 1024 MiB from a heap that is kept", "host_launcher": "torch 2.13.0+cpu"}','2026-11-27 18:45:06.709184',6.83795865799766);
CREATE TABLE round_metric (
	round INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	value DOUBLE NOT NULL, 
	PRIMARY KEY (round, name), 
	FOREIGN KEY(round) REFERENCES round (id) ON DELETE CASCADE
);
INSERT INTO "round_metric" VALUES(1,'arithmetic_intensity',6.01104972375690582708e+00);
INSERT INTO "round_metric" VALUES(1,'collectives',0.0);
INSERT INTO "round_metric" VALUES(1,'flops',6684672.0);
INSERT INTO "round_metric" VALUES(1,'latency',0.001774552);
INSERT INTO "round_metric" VALUES(1,'launch_time',6.43747200010693632066e-02);
INSERT INTO "round_metric" VALUES(1,'load_imbalance',8.59436008580289623193e-02);
INSERT INTO "round_metric" VALUES(1,'load_memory',520519680.0);
INSERT INTO "round_metric" VALUES(1,'load_time',4.39799060040968470275e-02);
INSERT INTO "round_metric" VALUES(1,'model_bytes',596992.0);
INSERT INTO "round_metric" VALUES(1,'page_faults',2.0);
INSERT INTO "round_metric" VALUES(1,'parameters',149248.0);
INSERT INTO "round_metric" VALUES(1,'peak_memory',533680128.0);
INSERT INTO "round_metric" VALUES(1,'rank_memory',266850304.0);
INSERT INTO "round_metric" VALUES(1,'resident_memory',519028736.0);
INSERT INTO "round_metric" VALUES(1,'sent_bytes',0.0);
INSERT INTO "round_metric" VALUES(1,'state_bytes',32768.0);
INSERT INTO "round_metric" VALUES(1,'time_p90',3.77267789999999976144e-03);
INSERT INTO "round_metric" VALUES(1,'tokens_per_second',1.80327203711133843173e+04);
INSERT INTO "round_metric" VALUES(1,'working_memory',14651392.0);
INSERT INTO "round_metric" VALUES(2,'arithmetic_intensity',6.01104972375690582708e+00);
INSERT INTO "round_metric" VALUES(2,'collectives',0.0);
INSERT INTO "round_metric" VALUES(2,'flops',6684672.0);
INSERT INTO "round_metric" VALUES(2,'latency',0.001839864);
INSERT INTO "round_metric" VALUES(2,'launch_time',9.14974560000700876116e-02);
INSERT INTO "round_metric" VALUES(2,'load_imbalance',7.86818730998835730305e-02);
INSERT INTO "round_metric" VALUES(2,'load_memory',520499200.0);
INSERT INTO "round_metric" VALUES(2,'load_time',4.18806150046293623745e-02);
INSERT INTO "round_metric" VALUES(2,'model_bytes',596992.0);
INSERT INTO "round_metric" VALUES(2,'page_faults',2.0);
INSERT INTO "round_metric" VALUES(2,'parameters',149248.0);
INSERT INTO "round_metric" VALUES(2,'peak_memory',533839872.0);
INSERT INTO "round_metric" VALUES(2,'rank_memory',266919936.0);
INSERT INTO "round_metric" VALUES(2,'resident_memory',519159808.0);
INSERT INTO "round_metric" VALUES(2,'sent_bytes',0.0);
INSERT INTO "round_metric" VALUES(2,'state_bytes',32768.0);
INSERT INTO "round_metric" VALUES(2,'time_p90',0.002194581);
INSERT INTO "round_metric" VALUES(2,'tokens_per_second',1.73925898870786077164e+04);
INSERT INTO "round_metric" VALUES(2,'working_memory',14680064.0);
INSERT INTO "round_metric" VALUES(3,'arithmetic_intensity',6.01104972375690582708e+00);
INSERT INTO "round_metric" VALUES(3,'collectives',0.0);
INSERT INTO "round_metric" VALUES(3,'flops',6684672.0);
INSERT INTO "round_metric" VALUES(3,'latency',0.001774552);
INSERT INTO "round_metric" VALUES(3,'launch_time',6.43747200010693632066e-02);
INSERT INTO "round_metric" VALUES(3,'load_imbalance',8.59436008580289623193e-02);
INSERT INTO "round_metric" VALUES(3,'load_memory',520519680.0);
INSERT INTO "round_metric" VALUES(3,'load_time',4.39799060040968470275e-02);
INSERT INTO "round_metric" VALUES(3,'model_bytes',596992.0);
INSERT INTO "round_metric" VALUES(3,'page_faults',2.0);
INSERT INTO "round_metric" VALUES(3,'parameters',149248.0);
INSERT INTO "round_metric" VALUES(3,'peak_memory',533680128.0);
INSERT INTO "round_metric" VALUES(3,'rank_memory',266850304.0);
INSERT INTO "round_metric" VALUES(3,'resident_memory',519028736.0);
INSERT INTO "round_metric" VALUES(3,'sent_bytes',0.0);
INSERT INTO "round_metric" VALUES(3,'state_bytes',32768.0);
INSERT INTO "round_metric" VALUES(3,'time_p90',3.77267789999999976144e-03);
INSERT INTO "round_metric" VALUES(3,'tokens_per_second',1.80327203711133843173e+04);
INSERT INTO "round_metric" VALUES(3,'working_memory',14651392.0);
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
	pid_started DOUBLE NOT NULL, night INTEGER, 
	PRIMARY KEY (id), 
	FOREIGN KEY(host) REFERENCES host (fingerprint)
);
INSERT INTO "run" VALUES(1,'9a215c0cf3e6cda78ed1f4f4d39806ea51295568','2026-11-27 17:53:37.000000','main','A compiler''s contract tests run with the thorough ones','045df1b0e6f5','2b760b1ec55a','{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "horovod": "0.28.1", "lightning": "2.6.6", "pyspark": "4.3.0"}','31377d734fd8','{"small.yaml": {"name": "small", "question": "", "digest": "6218c113b01a6cd3"}}',0,'0.1.0','harness run small.yaml','2026-11-27 18:45:06.655146','2026-11-27 18:45:15.593464',3294,1795805103.21,NULL);
INSERT INTO "run" VALUES(2,'9a215c0cf3e6cda78ed1f4f4d39806ea51295568','2026-11-27 17:53:37.000000','main','A compiler''s contract tests run with the thorough ones','045df1b0e6f5','2b760b1ec55a','{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "horovod": "0.28.1", "lightning": "2.6.6", "pyspark": "4.3.0"}','31377d734fd8','{"small.yaml": {"name": "small", "question": "", "digest": "6218c113b01a6cd3"}}',0,'0.1.0','harness run small.yaml','2026-11-27 18:45:06.655146','2026-11-27 18:45:15.593464',3294,1795805103.21,1);
CREATE TABLE sample (
	round INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	section VARCHAR NOT NULL, 
	seconds DOUBLE NOT NULL, 
	warmup BOOLEAN NOT NULL, 
	PRIMARY KEY (round, position), 
	FOREIGN KEY(round) REFERENCES round (id) ON DELETE CASCADE
);
INSERT INTO "sample" VALUES(1,0,'latency',0.008813608,1);
INSERT INTO "sample" VALUES(1,1,'latency',0.001868187,0);
INSERT INTO "sample" VALUES(1,2,'latency',0.002049318,0);
INSERT INTO "sample" VALUES(1,3,'latency',0.002057493,0);
INSERT INTO "sample" VALUES(2,0,'latency',0.008651885,1);
INSERT INTO "sample" VALUES(2,1,'latency',0.001828353,0);
INSERT INTO "sample" VALUES(2,2,'latency',0.001551444,0);
INSERT INTO "sample" VALUES(2,3,'latency',0.002590954,0);
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
CREATE TABLE triage (
	id INTEGER NOT NULL, 
	cell VARCHAR NOT NULL, 
	metric VARCHAR NOT NULL, 
	host VARCHAR NOT NULL, 
	commit_sha VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	note VARCHAR NOT NULL, 
	author VARCHAR NOT NULL, 
	"when" DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(cell) REFERENCES cell (id)
);
INSERT INTO "triage" VALUES(1,'4abfcc3df0dc7450','ttft','2b760b1ec55a','9a215c0cf3e6cda78ed1f4f4d39806ea51295568','acknowledged','known','someone','2026-11-27 03:00:00.000000');
CREATE INDEX run_subject ON run (commit_sha, dirty, host, environment_digest);
CREATE INDEX ix_result_run ON result (run);
CREATE INDEX ix_result_cell ON result (cell);
CREATE INDEX ix_result_status ON result (status);
CREATE INDEX ix_round_result ON round (result);
CREATE INDEX ix_round_run ON round (run);
CREATE INDEX ix_confirmation_night ON confirmation (night);
CREATE INDEX ix_confirmation_cell ON confirmation (cell);
COMMIT;
PRAGMA user_version = 3;
PRAGMA application_id = 1752329843;
