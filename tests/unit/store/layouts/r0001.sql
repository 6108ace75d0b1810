-- Revision 0001.
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
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
INSERT INTO "ceiling" VALUES('2b760b1ec55a','31377d734fd8','local','all_reduce_2','measured',1,5.92935223765224814424e+08,'B/s','gloo, 16 MiB, 2 processes, loopback; bus bandwidth: 2 (n - 1) / n of the bytes a second, best of 2 repeats',8.05687203792433637161e-01,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "horovod": "0.28.1", "lightning": "2.6.6", "pyspark": "4.3.0"}','2026-11-27 15:51:23.352715');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','31377d734fd8','local','clock','measured',2,2.47451777656140422829e+09,'Hz','dependent additions counted in bursts between fp32 products, upper quartile',0.0,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "horovod": "0.28.1", "lightning": "2.6.6", "pyspark": "4.3.0"}','2026-11-27 15:51:32.332266');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','31377d734fd8','local','gemm_fp32','measured',3,1.37137925850826778416e+10,'FLOP/s','oneDNN packed weights, 512 x 512 x 512, 2 threads, best of 2 repeats; torch.matmul 97%, torch linear 47%',8.43843843843584129338e-01,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "horovod": "0.28.1", "lightning": "2.6.6", "pyspark": "4.3.0"}','2026-11-27 15:51:37.320357');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','31377d734fd8','local','gemm_bf16','measured',4,4.39495789727207958677e+08,'FLOP/s','torch.matmul, 512 x 512 x 512, 2 threads, best of 2 repeats',8.37476099425540243537e-01,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "horovod": "0.28.1", "lightning": "2.6.6", "pyspark": "4.3.0"}','2026-11-27 15:51:45.707676');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','31377d734fd8','local','gemm_fp16','measured',5,4.41322086238205611719e+08,'FLOP/s','torch.matmul, 512 x 512 x 512, 2 threads, best of 2 repeats',8.29659318637842702059e-01,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "horovod": "0.28.1", "lightning": "2.6.6", "pyspark": "4.3.0"}','2026-11-27 15:51:53.522741');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','31377d734fd8','local','gemm_int8','measured',6,8.94060491483536601102e+08,'FLOP/s','torch._int_mm, 512 x 512 x 512, 2 threads, best of 3 repeats',8.32861189801644585806e-01,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "horovod": "0.28.1", "lightning": "2.6.6", "pyspark": "4.3.0"}','2026-11-27 15:51:58.451976');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','31377d734fd8','local','memory_read','measured',7,2.63451668340788507463e+09,'B/s','torch.dot of its halves, 1.00 GiB, 32.0 times the last cache, 2 threads, best of 2 repeats',8.35543766578298541247e-01,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "horovod": "0.28.1", "lightning": "2.6.6", "pyspark": "4.3.0"}','2026-11-27 15:52:07.892360');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','31377d734fd8','local','memory_copy','measured',8,3.08299701922524213787e+09,'B/s','torch copy_, 1.00 GiB, 32.0 times the last cache, 2 threads, best of 2 repeats',8.50188549879974497791e-01,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "horovod": "0.28.1", "lightning": "2.6.6", "pyspark": "4.3.0"}','2026-11-27 15:52:22.485869');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','31377d734fd8','local','gemm_fp32','theoretical',9,1.58369137699929870598e+11,'FLOP/s','2 cores x 32 a cycle (2 x 256-bit FMA) x 2.47 GHz (seen under load); Zen 3, FMA units: numberworld.org, Zen 4 and Zen 5 AVX-512 teardowns (2022, 2024)',0.0,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "horovod": "0.28.1", "lightning": "2.6.6", "pyspark": "4.3.0"}','2026-11-27 15:52:25.841464');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','31377d734fd8','local','gemm_bf16','theoretical',10,1.58369137699929870598e+11,'FLOP/s','2 cores x 32 a cycle (2 x 256-bit FMA in fp32) x 2.47 GHz (seen under load); Zen 3, FMA units: numberworld.org, Zen 4 and Zen 5 AVX-512 teardowns (2022, 2024)',0.0,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "horovod": "0.28.1", "lightning": "2.6.6", "pyspark": "4.3.0"}','2026-11-27 15:52:25.871619');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','31377d734fd8','local','gemm_fp16','theoretical',11,1.58369137699929870598e+11,'FLOP/s','2 cores x 32 a cycle (2 x 256-bit FMA in fp32) x 2.47 GHz (seen under load); Zen 3, FMA units: numberworld.org, Zen 4 and Zen 5 AVX-512 teardowns (2022, 2024)',0.0,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "horovod": "0.28.1", "lightning": "2.6.6", "pyspark": "4.3.0"}','2026-11-27 15:52:25.878537');
CREATE TABLE cell (
	id VARCHAR NOT NULL, 
	content JSON NOT NULL, 
	label VARCHAR NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "cell" VALUES('72d9994e99ee9bd7','{"model": {"name": "decoder", "options": {"context": 256, "d_model": 64, "heads": 2, "layers": 2, "vocab": 512}, "label": "nano"}, "hardware": {"name": "local", "options": {}, "label": ""}, "scenario": {"name": "prefill", "options": {}, "label": ""}, "parallelism": [], "compression": [], "operator": {"name": "sdpa", "options": {}, "label": ""}, "precision": {"name": "fp32", "options": {}, "label": ""}, "backend": {"name": "eager", "options": {}, "label": ""}, "workload": {"batch": 1, "prompt": 16}}','nano local prefill none none sdpa fp32 eager batch=1 prompt=16');
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
INSERT INTO "document" VALUES(3,0,255,300,800.5,799.5,0.5,250,700.0);
INSERT INTO "document" VALUES(3,1,255,300,800.5,799.5,0.5,250,NULL);
CREATE TABLE fact (
	round INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	value DOUBLE NOT NULL, 
	PRIMARY KEY (round, name), 
	FOREIGN KEY(round) REFERENCES round (id) ON DELETE CASCADE
);
INSERT INTO "fact" VALUES(1,'parameters',149248.0);
INSERT INTO "fact" VALUES(1,'model_bytes',596992.0);
INSERT INTO "fact" VALUES(1,'flops',3342336.0);
INSERT INTO "fact" VALUES(1,'tokens',16.0);
INSERT INTO "fact" VALUES(1,'steps',1.0);
INSERT INTO "fact" VALUES(1,'load_time',0.0571321019961033);
INSERT INTO "fact" VALUES(1,'load_memory',178868224.0);
INSERT INTO "fact" VALUES(1,'processes',1.0);
INSERT INTO "fact" VALUES(1,'held_memory',178552832.0);
INSERT INTO "fact" VALUES(1,'peak_memory',188043264.0);
INSERT INTO "fact" VALUES(1,'rank_peak_memory',188043264.0);
INSERT INTO "fact" VALUES(1,'page_faults',1.0);
INSERT INTO "fact" VALUES(1,'state_bytes',16384.0);
INSERT INTO "fact" VALUES(1,'bytes_moved',556032.0);
INSERT INTO "fact" VALUES(1,'warmup',1.0);
INSERT INTO "fact" VALUES(1,'settled',1.0);
INSERT INTO "fact" VALUES(1,'repeats',1.0);
INSERT INTO "fact" VALUES(1,'host_load',10.44970703125);
INSERT INTO "fact" VALUES(1,'host_swapped',0.0);
INSERT INTO "fact" VALUES(1,'host_others',8.8187702265443546068e-01);
INSERT INTO "fact" VALUES(1,'host_steal',1.61812297735123449861e-03);
INSERT INTO "fact" VALUES(2,'parameters',149248.0);
INSERT INTO "fact" VALUES(2,'model_bytes',596992.0);
INSERT INTO "fact" VALUES(2,'flops',3342336.0);
INSERT INTO "fact" VALUES(2,'tokens',16.0);
INSERT INTO "fact" VALUES(2,'steps',1.0);
INSERT INTO "fact" VALUES(2,'load_time',6.03337930006091482937e-02);
INSERT INTO "fact" VALUES(2,'load_memory',178737152.0);
INSERT INTO "fact" VALUES(2,'processes',1.0);
INSERT INTO "fact" VALUES(2,'held_memory',178556928.0);
INSERT INTO "fact" VALUES(2,'peak_memory',188051456.0);
INSERT INTO "fact" VALUES(2,'rank_peak_memory',188051456.0);
INSERT INTO "fact" VALUES(2,'page_faults',1.0);
INSERT INTO "fact" VALUES(2,'state_bytes',16384.0);
INSERT INTO "fact" VALUES(2,'bytes_moved',556032.0);
INSERT INTO "fact" VALUES(2,'warmup',2.0);
INSERT INTO "fact" VALUES(2,'settled',1.0);
INSERT INTO "fact" VALUES(2,'repeats',1.0);
INSERT INTO "fact" VALUES(2,'host_load',10.25341796875);
INSERT INTO "fact" VALUES(2,'host_swapped',0.0);
INSERT INTO "fact" VALUES(2,'host_others',8.53820598006066688867e-01);
INSERT INTO "fact" VALUES(2,'host_steal',3.3222591362073545726e-03);
INSERT INTO "fact" VALUES(3,'bytes_moved',556032.0);
INSERT INTO "fact" VALUES(3,'flops',3342336.0);
INSERT INTO "fact" VALUES(3,'held_memory',178552832.0);
INSERT INTO "fact" VALUES(3,'host_load',10.44970703125);
INSERT INTO "fact" VALUES(3,'host_others',8.8187702265443546068e-01);
INSERT INTO "fact" VALUES(3,'host_steal',1.61812297735123449861e-03);
INSERT INTO "fact" VALUES(3,'host_swapped',0.0);
INSERT INTO "fact" VALUES(3,'load_memory',178868224.0);
INSERT INTO "fact" VALUES(3,'load_time',0.0571321019961033);
INSERT INTO "fact" VALUES(3,'model_bytes',596992.0);
INSERT INTO "fact" VALUES(3,'page_faults',1.0);
INSERT INTO "fact" VALUES(3,'parameters',149248.0);
INSERT INTO "fact" VALUES(3,'peak_memory',188043264.0);
INSERT INTO "fact" VALUES(3,'processes',1.0);
INSERT INTO "fact" VALUES(3,'rank_peak_memory',188043264.0);
INSERT INTO "fact" VALUES(3,'repeats',1.0);
INSERT INTO "fact" VALUES(3,'settled',1.0);
INSERT INTO "fact" VALUES(3,'state_bytes',16384.0);
INSERT INTO "fact" VALUES(3,'steps',1.0);
INSERT INTO "fact" VALUES(3,'tokens',16.0);
INSERT INTO "fact" VALUES(3,'warmup',1.0);
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
INSERT INTO "metric" VALUES(1,'latency',1.27413851880306405739e-01,NULL,NULL,'s','lower',2,7);
INSERT INTO "metric" VALUES(1,'load_memory',1.78802675989645242686e+08,NULL,NULL,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'load_time',5.87111268459615393e-02,NULL,NULL,'s','lower',2,2);
INSERT INTO "metric" VALUES(1,'model_bytes',596992.0,596992.0,596992.0,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'page_faults',1.0,1.0,1.0,'1','lower',2,2);
INSERT INTO "metric" VALUES(1,'parameters',149248.0,149248.0,149248.0,'1','lower',2,2);
INSERT INTO "metric" VALUES(1,'peak_memory',188047359.955391,NULL,NULL,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'rank_memory',188047359.955391,NULL,NULL,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'resident_memory',1.78554879988254845135e+08,NULL,NULL,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'state_bytes',16384.0,16384.0,16384.0,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'tokens_per_second',1.25575043559867637553e+02,NULL,NULL,'1/s','higher',2,7);
INSERT INTO "metric" VALUES(1,'working_memory',9.49247977907227352255e+06,NULL,NULL,'B','lower',2,2);
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
INSERT INTO "round" VALUES(1,1,1,0,'ok','','','{"bits_per_byte": "not measurable: random weights", "host_allocator": "glibc, blocks of up to 1024 MiB from a heap that is kept"}','2026-11-27 15:52:25.910706',3.07582265200107940472e+00);
INSERT INTO "round" VALUES(2,1,1,1,'ok','','','{"host_allocator": "glibc, blocks of up to 1024 MiB from a heap that is kept"}','2026-11-27 15:52:29.218330',1.50480081199930282309e+00);
INSERT INTO "round" VALUES(3,1,1,2,'ok','','','{"bits_per_byte": "not measurable: random weights", "host_allocator": "glibc, blocks of up to 1024 MiB from a heap that is kept"}','2026-11-27 15:52:25.910706',3.07582265200107940472e+00);
CREATE TABLE round_metric (
	round INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	value DOUBLE NOT NULL, 
	PRIMARY KEY (round, name), 
	FOREIGN KEY(round) REFERENCES round (id) ON DELETE CASCADE
);
INSERT INTO "round_metric" VALUES(1,'arithmetic_intensity',6.01104972375690582708e+00);
INSERT INTO "round_metric" VALUES(1,'flops',3342336.0);
INSERT INTO "round_metric" VALUES(1,'latency',0.407808964);
INSERT INTO "round_metric" VALUES(1,'load_memory',178868224.0);
INSERT INTO "round_metric" VALUES(1,'load_time',0.0571321019961033);
INSERT INTO "round_metric" VALUES(1,'model_bytes',596992.0);
INSERT INTO "round_metric" VALUES(1,'page_faults',1.0);
INSERT INTO "round_metric" VALUES(1,'parameters',149248.0);
INSERT INTO "round_metric" VALUES(1,'peak_memory',188043264.0);
INSERT INTO "round_metric" VALUES(1,'rank_memory',188043264.0);
INSERT INTO "round_metric" VALUES(1,'resident_memory',178552832.0);
INSERT INTO "round_metric" VALUES(1,'state_bytes',16384.0);
INSERT INTO "round_metric" VALUES(1,'tokens_per_second',3.92340566599217765997e+01);
INSERT INTO "round_metric" VALUES(1,'working_memory',9490432.0);
INSERT INTO "round_metric" VALUES(2,'arithmetic_intensity',6.01104972375690582708e+00);
INSERT INTO "round_metric" VALUES(2,'flops',3342336.0);
INSERT INTO "round_metric" VALUES(2,'latency',3.9808565000000004086e-02);
INSERT INTO "round_metric" VALUES(2,'load_memory',178737152.0);
INSERT INTO "round_metric" VALUES(2,'load_time',6.03337930006091482937e-02);
INSERT INTO "round_metric" VALUES(2,'model_bytes',596992.0);
INSERT INTO "round_metric" VALUES(2,'page_faults',1.0);
INSERT INTO "round_metric" VALUES(2,'parameters',149248.0);
INSERT INTO "round_metric" VALUES(2,'peak_memory',188051456.0);
INSERT INTO "round_metric" VALUES(2,'rank_memory',188051456.0);
INSERT INTO "round_metric" VALUES(2,'resident_memory',178556928.0);
INSERT INTO "round_metric" VALUES(2,'state_bytes',16384.0);
INSERT INTO "round_metric" VALUES(2,'tokens_per_second',4.01923555898083691324e+02);
INSERT INTO "round_metric" VALUES(2,'working_memory',9494528.0);
INSERT INTO "round_metric" VALUES(3,'arithmetic_intensity',6.01104972375690582708e+00);
INSERT INTO "round_metric" VALUES(3,'flops',3342336.0);
INSERT INTO "round_metric" VALUES(3,'latency',0.407808964);
INSERT INTO "round_metric" VALUES(3,'load_memory',178868224.0);
INSERT INTO "round_metric" VALUES(3,'load_time',0.0571321019961033);
INSERT INTO "round_metric" VALUES(3,'model_bytes',596992.0);
INSERT INTO "round_metric" VALUES(3,'page_faults',1.0);
INSERT INTO "round_metric" VALUES(3,'parameters',149248.0);
INSERT INTO "round_metric" VALUES(3,'peak_memory',188043264.0);
INSERT INTO "round_metric" VALUES(3,'rank_memory',188043264.0);
INSERT INTO "round_metric" VALUES(3,'resident_memory',178552832.0);
INSERT INTO "round_metric" VALUES(3,'state_bytes',16384.0);
INSERT INTO "round_metric" VALUES(3,'tokens_per_second',3.92340566599217765997e+01);
INSERT INTO "round_metric" VALUES(3,'working_memory',9490432.0);
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
INSERT INTO "run" VALUES(1,'7224e90eaa88af902172e6f06f7404558b905b22','2026-11-27 15:42:09.000000','main','A store is opened by URL, through a dialect; Alembic''s revisions in place of numbered steps','d7c8137ef6ba','2b760b1ec55a','{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "horovod": "0.28.1", "lightning": "2.6.6", "pyspark": "4.3.0"}','31377d734fd8','{"spec.yaml": {"name": "small", "question": "", "digest": "4dba45e31b615056"}}',0,'0.1.0','harness run spec.yaml --set measure.rounds=2 --db now.sqlite','2026-11-27 15:51:05.127344','2026-11-27 15:52:30.766727',8942,1795794657.93);
CREATE TABLE sample (
	round INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	section VARCHAR NOT NULL, 
	seconds DOUBLE NOT NULL, 
	warmup BOOLEAN NOT NULL, 
	PRIMARY KEY (round, position), 
	FOREIGN KEY(round) REFERENCES round (id) ON DELETE CASCADE
);
INSERT INTO "sample" VALUES(1,0,'latency',0.397062036,1);
INSERT INTO "sample" VALUES(1,1,'latency',0.407808964,0);
INSERT INTO "sample" VALUES(1,2,'latency',0.51942261,0);
INSERT INTO "sample" VALUES(1,3,'latency',0.358475906,0);
INSERT INTO "sample" VALUES(2,0,'latency',0.392437042,1);
INSERT INTO "sample" VALUES(2,1,'latency',0.321797038,1);
INSERT INTO "sample" VALUES(2,2,'latency',0.001473547,0);
INSERT INTO "sample" VALUES(2,3,'latency',0.001290202,0);
INSERT INTO "sample" VALUES(2,4,'latency',0.190258491,0);
INSERT INTO "sample" VALUES(2,5,'latency',0.078143583,0);
INSERT INTO "sample" VALUES(3,0,'latency',0.397062036,1);
INSERT INTO "sample" VALUES(3,1,'latency',0.407808964,0);
INSERT INTO "sample" VALUES(3,2,'latency',0.51942261,0);
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
INSERT INTO "selfcheck" VALUES(1,'2b760b1ec55a','31377d734fd8','72d9994e99ee9bd7','tokens_per_second',50,7.5,0.02,0.01,0.03,0.95,'2026-11-25 12:00:00.000000');
CREATE INDEX run_subject ON run (commit_sha, dirty, host, environment_digest);
CREATE INDEX ix_result_run ON result (run);
CREATE INDEX ix_result_cell ON result (cell);
CREATE INDEX ix_result_status ON result (status);
CREATE INDEX ix_round_result ON round (result);
CREATE INDEX ix_round_run ON round (run);
COMMIT;
PRAGMA user_version = 3;
PRAGMA application_id = 1752329843;
