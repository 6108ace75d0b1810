-- Number 2, all of it, marked with harness's application id.
BEGIN TRANSACTION;
CREATE TABLE ceiling (
	host VARCHAR NOT NULL, 
	environment_digest VARCHAR NOT NULL, 
	hardware VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	value DOUBLE NOT NULL, 
	unit VARCHAR NOT NULL, 
	how VARCHAR NOT NULL, 
	others DOUBLE NOT NULL, 
	environment JSON NOT NULL, 
	saved DATETIME NOT NULL, 
	PRIMARY KEY (host, environment_digest, hardware, name, kind), 
	FOREIGN KEY(host) REFERENCES host (fingerprint)
);
INSERT INTO "ceiling" VALUES('2b760b1ec55a','31377d734fd8','local','all_reduce_2','measured',5.96985296868796110145e+08,'B/s','gloo, 16 MiB, 2 processes, loopback; bus bandwidth: 2 (n - 1) / n of the bytes a second, best of 2 repeats',7.85219399537694151547e-01,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "horovod": "0.28.1", "lightning": "2.6.6", "pyspark": "4.3.0"}','2026-11-27 15:32:56.507951');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','31377d734fd8','local','clock','measured',2.5407159681834726333e+09,'Hz','dependent additions counted in bursts between fp32 products, upper quartile',0.0,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "horovod": "0.28.1", "lightning": "2.6.6", "pyspark": "4.3.0"}','2026-11-27 15:33:02.150639');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','31377d734fd8','local','gemm_fp32','measured',1.05776933775677871708e+10,'FLOP/s','torch linear, 512 x 512 x 512, 2 threads, best of 6 repeats; oneDNN packed weights 88%, torch.matmul 61%',7.81758957654137720538e-01,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "horovod": "0.28.1", "lightning": "2.6.6", "pyspark": "4.3.0"}','2026-11-27 15:33:06.935983');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','31377d734fd8','local','gemm_bf16','measured',1.03530905636230123048e+09,'FLOP/s','torch.matmul, 512 x 512 x 512, 2 threads, best of 3 repeats',6.7655786350095870052e-01,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "horovod": "0.28.1", "lightning": "2.6.6", "pyspark": "4.3.0"}','2026-11-27 15:33:12.672621');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','31377d734fd8','local','gemm_fp16','measured',1.17256519665020871165e+09,'FLOP/s','torch.matmul, 512 x 512 x 512, 2 threads, best of 3 repeats',6.82352941174895533116e-01,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "horovod": "0.28.1", "lightning": "2.6.6", "pyspark": "4.3.0"}','2026-11-27 15:33:17.891249');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','31377d734fd8','local','gemm_int8','measured',7.28967373785678710929e+10,'FLOP/s','oneDNN qlinear, 512 x 512 x 512, 2 threads, best of 2 repeats; quantized.linear by oneDNN 38%, torch._int_mm 2%',5.6363636363622582337e-01,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "horovod": "0.28.1", "lightning": "2.6.6", "pyspark": "4.3.0"}','2026-11-27 15:33:22.996053');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','31377d734fd8','local','memory_read','measured',6.84629870014975929273e+09,'B/s','torch.sum of fp32, 1.00 GiB, 32.0 times the last cache, 2 threads, best of 3 repeats; torch.dot of its halves 87%',6.51204281891212155564e-01,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "horovod": "0.28.1", "lightning": "2.6.6", "pyspark": "4.3.0"}','2026-11-27 15:33:33.935655');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','31377d734fd8','local','memory_copy','measured',5.90044775026633358007e+09,'B/s','torch copy_, 1.00 GiB, 32.0 times the last cache, 2 threads, best of 2 repeats',7.34491315136580169564e-01,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "horovod": "0.28.1", "lightning": "2.6.6", "pyspark": "4.3.0"}','2026-11-27 15:33:41.998961');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','31377d734fd8','local','gemm_fp32','theoretical',1.62605821963742248536e+11,'FLOP/s','2 cores x 32 a cycle (2 x 256-bit FMA) x 2.54 GHz (seen under load); Zen 3, FMA units: numberworld.org, Zen 4 and Zen 5 AVX-512 teardowns (2022, 2024)',0.0,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "horovod": "0.28.1", "lightning": "2.6.6", "pyspark": "4.3.0"}','2026-11-27 15:33:43.924312');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','31377d734fd8','local','gemm_bf16','theoretical',1.62605821963742248536e+11,'FLOP/s','2 cores x 32 a cycle (2 x 256-bit FMA in fp32) x 2.54 GHz (seen under load); Zen 3, FMA units: numberworld.org, Zen 4 and Zen 5 AVX-512 teardowns (2022, 2024)',0.0,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "horovod": "0.28.1", "lightning": "2.6.6", "pyspark": "4.3.0"}','2026-11-27 15:33:43.924324');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','31377d734fd8','local','gemm_fp16','theoretical',1.62605821963742248536e+11,'FLOP/s','2 cores x 32 a cycle (2 x 256-bit FMA in fp32) x 2.54 GHz (seen under load); Zen 3, FMA units: numberworld.org, Zen 4 and Zen 5 AVX-512 teardowns (2022, 2024)',0.0,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "horovod": "0.28.1", "lightning": "2.6.6", "pyspark": "4.3.0"}','2026-11-27 15:33:43.924328');
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
INSERT INTO "fact" VALUES(1,'load_time',7.06357169947295915335e-02);
INSERT INTO "fact" VALUES(1,'load_memory',178712576.0);
INSERT INTO "fact" VALUES(1,'processes',1.0);
INSERT INTO "fact" VALUES(1,'held_memory',178712576.0);
INSERT INTO "fact" VALUES(1,'peak_memory',187928576.0);
INSERT INTO "fact" VALUES(1,'rank_peak_memory',187928576.0);
INSERT INTO "fact" VALUES(1,'state_bytes',16384.0);
INSERT INTO "fact" VALUES(1,'bytes_moved',556032.0);
INSERT INTO "fact" VALUES(1,'warmup',1.0);
INSERT INTO "fact" VALUES(1,'settled',1.0);
INSERT INTO "fact" VALUES(1,'repeats',1.0);
INSERT INTO "fact" VALUES(1,'host_load',5.626953125);
INSERT INTO "fact" VALUES(1,'host_swapped',0.0);
INSERT INTO "fact" VALUES(1,'host_others',7.60000000000664921451e-01);
INSERT INTO "fact" VALUES(1,'host_steal',1.71428571428577924962e-02);
INSERT INTO "fact" VALUES(2,'parameters',149248.0);
INSERT INTO "fact" VALUES(2,'model_bytes',596992.0);
INSERT INTO "fact" VALUES(2,'flops',3342336.0);
INSERT INTO "fact" VALUES(2,'tokens',16.0);
INSERT INTO "fact" VALUES(2,'steps',1.0);
INSERT INTO "fact" VALUES(2,'load_time',3.48243139960686676204e-02);
INSERT INTO "fact" VALUES(2,'load_memory',178704384.0);
INSERT INTO "fact" VALUES(2,'processes',1.0);
INSERT INTO "fact" VALUES(2,'held_memory',178704384.0);
INSERT INTO "fact" VALUES(2,'peak_memory',187924480.0);
INSERT INTO "fact" VALUES(2,'rank_peak_memory',187924480.0);
INSERT INTO "fact" VALUES(2,'state_bytes',16384.0);
INSERT INTO "fact" VALUES(2,'bytes_moved',556032.0);
INSERT INTO "fact" VALUES(2,'warmup',3.0);
INSERT INTO "fact" VALUES(2,'settled',1.0);
INSERT INTO "fact" VALUES(2,'repeats',1.0);
INSERT INTO "fact" VALUES(2,'host_load',5.626953125);
INSERT INTO "fact" VALUES(2,'host_swapped',0.0);
INSERT INTO "fact" VALUES(2,'host_others',8.21325648417104314802e-01);
INSERT INTO "fact" VALUES(2,'host_steal',5.76368876082001668076e-03);
INSERT INTO "fact" VALUES(3,'bytes_moved',556032.0);
INSERT INTO "fact" VALUES(3,'flops',3342336.0);
INSERT INTO "fact" VALUES(3,'held_memory',178712576.0);
INSERT INTO "fact" VALUES(3,'host_load',5.626953125);
INSERT INTO "fact" VALUES(3,'host_others',7.60000000000664921451e-01);
INSERT INTO "fact" VALUES(3,'host_steal',1.71428571428577924962e-02);
INSERT INTO "fact" VALUES(3,'host_swapped',0.0);
INSERT INTO "fact" VALUES(3,'load_memory',178712576.0);
INSERT INTO "fact" VALUES(3,'load_time',7.06357169947295915335e-02);
INSERT INTO "fact" VALUES(3,'model_bytes',596992.0);
INSERT INTO "fact" VALUES(3,'parameters',149248.0);
INSERT INTO "fact" VALUES(3,'peak_memory',187928576.0);
INSERT INTO "fact" VALUES(3,'processes',1.0);
INSERT INTO "fact" VALUES(3,'rank_peak_memory',187928576.0);
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
INSERT INTO "metric" VALUES(1,'latency',0.14357529525,3.58828469714431955595e-05,5.74476864183321367807e+02,'s','lower',2,7);
INSERT INTO "metric" VALUES(1,'load_memory',178708480.0,1.78656443801391333339e+08,1.78760531354882419106e+08,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'load_time',5.27300154953991295769e-02,5.89910492316791739385e-04,4.71334985622171576125e+00,'s','lower',2,2);
INSERT INTO "metric" VALUES(1,'model_bytes',596992.0,596992.0,596992.0,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'parameters',149248.0,149248.0,149248.0,'1','lower',2,2);
INSERT INTO "metric" VALUES(1,'peak_memory',187926528.0,1.879005079135208726e+08,1.87952551689688682557e+08,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'rank_memory',187926528.0,1.879005079135208726e+08,1.87952551689688682557e+08,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'resident_memory',178708480.0,1.78656443801391333339e+08,1.78760531354882419106e+08,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'state_bytes',16384.0,16384.0,16384.0,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'tokens_per_second',1.66068875964819966388e+02,4.15045224360437170485e-02,6.64478710885454667721e+05,'1/s','higher',2,7);
INSERT INTO "metric" VALUES(1,'working_memory',9218048.0,9.19206280599753186143e+06,9.24410665197611227609e+06,'B','lower',2,2);
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
INSERT INTO "round" VALUES(1,1,1,0,'ok','','','{"bits_per_byte": "not measurable: random weights"}','2026-11-27 15:33:43.954178',1.74031472499700612388e+00);
INSERT INTO "round" VALUES(2,1,1,1,'ok','','','{}','2026-11-27 15:33:45.818865',1.74005009699976653791e+00);
INSERT INTO "round" VALUES(3,1,1,2,'ok','','','{"bits_per_byte": "not measurable: random weights"}','2026-11-27 15:33:43.954178',1.74031472499700612388e+00);
CREATE TABLE round_metric (
	round INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	value DOUBLE NOT NULL, 
	PRIMARY KEY (round, name), 
	FOREIGN KEY(round) REFERENCES round (id) ON DELETE CASCADE
);
INSERT INTO "round_metric" VALUES(1,'arithmetic_intensity',6.01104972375690582708e+00);
INSERT INTO "round_metric" VALUES(1,'flops',3342336.0);
INSERT INTO "round_metric" VALUES(1,'latency',0.2259222575);
INSERT INTO "round_metric" VALUES(1,'load_memory',178712576.0);
INSERT INTO "round_metric" VALUES(1,'load_time',7.06357169947295915335e-02);
INSERT INTO "round_metric" VALUES(1,'model_bytes',596992.0);
INSERT INTO "round_metric" VALUES(1,'parameters',149248.0);
INSERT INTO "round_metric" VALUES(1,'peak_memory',187928576.0);
INSERT INTO "round_metric" VALUES(1,'rank_memory',187928576.0);
INSERT INTO "round_metric" VALUES(1,'resident_memory',178712576.0);
INSERT INTO "round_metric" VALUES(1,'state_bytes',16384.0);
INSERT INTO "round_metric" VALUES(1,'tokens_per_second',7.08208220697334382958e+01);
INSERT INTO "round_metric" VALUES(1,'working_memory',9216000.0);
INSERT INTO "round_metric" VALUES(2,'arithmetic_intensity',6.01104972375690582708e+00);
INSERT INTO "round_metric" VALUES(2,'flops',3342336.0);
INSERT INTO "round_metric" VALUES(2,'latency',0.061228333);
INSERT INTO "round_metric" VALUES(2,'load_memory',178704384.0);
INSERT INTO "round_metric" VALUES(2,'load_time',3.48243139960686676204e-02);
INSERT INTO "round_metric" VALUES(2,'model_bytes',596992.0);
INSERT INTO "round_metric" VALUES(2,'parameters',149248.0);
INSERT INTO "round_metric" VALUES(2,'peak_memory',187924480.0);
INSERT INTO "round_metric" VALUES(2,'rank_memory',187924480.0);
INSERT INTO "round_metric" VALUES(2,'resident_memory',178704384.0);
INSERT INTO "round_metric" VALUES(2,'state_bytes',16384.0);
INSERT INTO "round_metric" VALUES(2,'tokens_per_second',2.6131692985990650868e+02);
INSERT INTO "round_metric" VALUES(2,'working_memory',9220096.0);
INSERT INTO "round_metric" VALUES(3,'arithmetic_intensity',6.01104972375690582708e+00);
INSERT INTO "round_metric" VALUES(3,'flops',3342336.0);
INSERT INTO "round_metric" VALUES(3,'latency',0.2259222575);
INSERT INTO "round_metric" VALUES(3,'load_memory',178712576.0);
INSERT INTO "round_metric" VALUES(3,'load_time',7.06357169947295915335e-02);
INSERT INTO "round_metric" VALUES(3,'model_bytes',596992.0);
INSERT INTO "round_metric" VALUES(3,'parameters',149248.0);
INSERT INTO "round_metric" VALUES(3,'peak_memory',187928576.0);
INSERT INTO "round_metric" VALUES(3,'rank_memory',187928576.0);
INSERT INTO "round_metric" VALUES(3,'resident_memory',178712576.0);
INSERT INTO "round_metric" VALUES(3,'state_bytes',16384.0);
INSERT INTO "round_metric" VALUES(3,'tokens_per_second',7.08208220697334382958e+01);
INSERT INTO "round_metric" VALUES(3,'working_memory',9216000.0);
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
INSERT INTO "run" VALUES(1,'',NULL,'','','','2b760b1ec55a','{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "horovod": "0.28.1", "lightning": "2.6.6", "pyspark": "4.3.0"}','31377d734fd8','{"../spec.yaml": {"name": "small", "question": "", "digest": "7f6d0f9f1b991d19"}}',0,'0.1.0','harness run ../spec.yaml --db out.sqlite','2026-11-27 15:32:36.103115','2026-11-27 15:33:47.593000',1545,1795793549.13);
CREATE TABLE sample (
	round INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	section VARCHAR NOT NULL, 
	seconds DOUBLE NOT NULL, 
	warmup BOOLEAN NOT NULL, 
	PRIMARY KEY (round, position), 
	FOREIGN KEY(round) REFERENCES round (id) ON DELETE CASCADE
);
INSERT INTO "sample" VALUES(1,0,'latency',0.26601416,1);
INSERT INTO "sample" VALUES(1,1,'latency',0.211810657,0);
INSERT INTO "sample" VALUES(1,2,'latency',0.239762179,0);
INSERT INTO "sample" VALUES(1,3,'latency',0.227952194,0);
INSERT INTO "sample" VALUES(1,4,'latency',0.223892321,0);
INSERT INTO "sample" VALUES(2,0,'latency',0.110337811,1);
INSERT INTO "sample" VALUES(2,1,'latency',0.144986267,1);
INSERT INTO "sample" VALUES(2,2,'latency',0.564012994,1);
INSERT INTO "sample" VALUES(2,3,'latency',0.061228333,0);
INSERT INTO "sample" VALUES(2,4,'latency',0.001348542,0);
INSERT INTO "sample" VALUES(2,5,'latency',0.44194612,0);
INSERT INTO "sample" VALUES(3,0,'latency',0.26601416,1);
INSERT INTO "sample" VALUES(3,1,'latency',0.211810657,0);
INSERT INTO "sample" VALUES(3,2,'latency',0.239762179,0);
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
CREATE INDEX ix_result_status ON result (status);
CREATE INDEX ix_result_cell ON result (cell);
CREATE INDEX ix_round_result ON round (result);
CREATE INDEX ix_round_run ON round (run);
COMMIT;
PRAGMA user_version = 2;
PRAGMA application_id = 1752329843;
