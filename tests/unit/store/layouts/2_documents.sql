-- Number 2: with scores of held-out documents.
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
INSERT INTO "ceiling" VALUES('2b760b1ec55a','cec706859967','local','all_reduce_2','measured',7.34686449214188575743e+08,'B/s','gloo, 16 MiB, 2 processes, loopback; bus bandwidth: 2 (n - 1) / n of the bytes a second, best of 2 repeats',0.742937853108935,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6"}','2026-11-27 15:31:38.489263');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','cec706859967','local','clock','measured',2.51259979264929485319e+09,'Hz','dependent additions counted in bursts between fp32 products, upper quartile',0.0,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6"}','2026-11-27 15:31:42.437318');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','cec706859967','local','gemm_fp32','measured',2.83112197578829765309e+10,'FLOP/s','torch linear, 1024 x 1024 x 1024, 2 threads, best of 4 repeats; torch.matmul 89%, oneDNN packed weights 57%',7.44252873560721894818e-01,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6"}','2026-11-27 15:31:47.998346');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','cec706859967','local','gemm_bf16','measured',840502379.945131,'FLOP/s','torch.matmul, 512 x 512 x 512, 2 threads, best of 3 repeats',6.62721893490137214932e-01,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6"}','2026-11-27 15:31:53.071585');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','cec706859967','local','gemm_fp16','measured',786024636.591269,'FLOP/s','torch.matmul, 512 x 512 x 512, 2 threads, best of 2 repeats',0.706451612902399,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6"}','2026-11-27 15:31:59.241965');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','cec706859967','local','gemm_int8','measured',1.18291259038402342797e+09,'FLOP/s','torch._int_mm, 512 x 512 x 512, 2 threads, best of 5 repeats',6.75757575757861661536e-01,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6"}','2026-11-27 15:32:04.242610');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','cec706859967','local','memory_read','measured',3.72970729916518688195e+09,'B/s','torch.dot of its halves, 1.00 GiB, 32.0 times the last cache, 2 threads, best of 4 repeats',7.70143660212536884657e-01,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6"}','2026-11-27 15:32:12.259200');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','cec706859967','local','memory_copy','measured',4.35303336573285102857e+09,'B/s','torch copy_, 1.00 GiB, 32.0 times the last cache, 2 threads, best of 2 repeats',0.772794480039553,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6"}','2026-11-27 15:32:22.434227');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','cec706859967','local','gemm_fp32','theoretical',1.60806386729554870603e+11,'FLOP/s','2 cores x 32 a cycle (2 x 256-bit FMA) x 2.51 GHz (seen under load); Zen 3, FMA units: numberworld.org, Zen 4 and Zen 5 AVX-512 teardowns (2022, 2024)',0.0,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6"}','2026-11-27 15:32:24.508500');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','cec706859967','local','gemm_bf16','theoretical',1.60806386729554870603e+11,'FLOP/s','2 cores x 32 a cycle (2 x 256-bit FMA in fp32) x 2.51 GHz (seen under load); Zen 3, FMA units: numberworld.org, Zen 4 and Zen 5 AVX-512 teardowns (2022, 2024)',0.0,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6"}','2026-11-27 15:32:24.508514');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','cec706859967','local','gemm_fp16','theoretical',1.60806386729554870603e+11,'FLOP/s','2 cores x 32 a cycle (2 x 256-bit FMA in fp32) x 2.51 GHz (seen under load); Zen 3, FMA units: numberworld.org, Zen 4 and Zen 5 AVX-512 teardowns (2022, 2024)',0.0,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6"}','2026-11-27 15:32:24.508517');
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
INSERT INTO "fact" VALUES(1,'load_time',3.63880910008447244763e-02);
INSERT INTO "fact" VALUES(1,'load_memory',178044928.0);
INSERT INTO "fact" VALUES(1,'flops',3342336.0);
INSERT INTO "fact" VALUES(1,'tokens',16.0);
INSERT INTO "fact" VALUES(1,'steps',1.0);
INSERT INTO "fact" VALUES(1,'held_memory',178049024.0);
INSERT INTO "fact" VALUES(1,'peak_memory',187236352.0);
INSERT INTO "fact" VALUES(1,'bytes_moved',556032.0);
INSERT INTO "fact" VALUES(1,'state_bytes',16384.0);
INSERT INTO "fact" VALUES(1,'warmup',1.0);
INSERT INTO "fact" VALUES(1,'settled',1.0);
INSERT INTO "fact" VALUES(1,'repeats',1.0);
INSERT INTO "fact" VALUES(1,'host_load',4.6650390625);
INSERT INTO "fact" VALUES(1,'host_swapped',0.0);
INSERT INTO "fact" VALUES(1,'host_others',0.808943089429998);
INSERT INTO "fact" VALUES(1,'host_steal',4.06504065040424935467e-03);
INSERT INTO "fact" VALUES(2,'parameters',149248.0);
INSERT INTO "fact" VALUES(2,'model_bytes',596992.0);
INSERT INTO "fact" VALUES(2,'load_time',7.96370959942578338086e-02);
INSERT INTO "fact" VALUES(2,'load_memory',178044928.0);
INSERT INTO "fact" VALUES(2,'flops',3342336.0);
INSERT INTO "fact" VALUES(2,'tokens',16.0);
INSERT INTO "fact" VALUES(2,'steps',1.0);
INSERT INTO "fact" VALUES(2,'held_memory',178044928.0);
INSERT INTO "fact" VALUES(2,'peak_memory',187236352.0);
INSERT INTO "fact" VALUES(2,'bytes_moved',556032.0);
INSERT INTO "fact" VALUES(2,'state_bytes',16384.0);
INSERT INTO "fact" VALUES(2,'warmup',2.0);
INSERT INTO "fact" VALUES(2,'settled',1.0);
INSERT INTO "fact" VALUES(2,'repeats',1.0);
INSERT INTO "fact" VALUES(2,'host_load',4.6650390625);
INSERT INTO "fact" VALUES(2,'host_swapped',0.0);
INSERT INTO "fact" VALUES(2,'host_others',0.809716599189813);
INSERT INTO "fact" VALUES(2,'host_steal',0.0);
INSERT INTO "fact" VALUES(3,'bytes_moved',556032.0);
INSERT INTO "fact" VALUES(3,'flops',3342336.0);
INSERT INTO "fact" VALUES(3,'held_memory',178049024.0);
INSERT INTO "fact" VALUES(3,'host_load',4.6650390625);
INSERT INTO "fact" VALUES(3,'host_others',0.808943089429998);
INSERT INTO "fact" VALUES(3,'host_steal',4.06504065040424935467e-03);
INSERT INTO "fact" VALUES(3,'host_swapped',0.0);
INSERT INTO "fact" VALUES(3,'load_memory',178044928.0);
INSERT INTO "fact" VALUES(3,'load_time',3.63880910008447244763e-02);
INSERT INTO "fact" VALUES(3,'model_bytes',596992.0);
INSERT INTO "fact" VALUES(3,'parameters',149248.0);
INSERT INTO "fact" VALUES(3,'peak_memory',187236352.0);
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
INSERT INTO "metric" VALUES(1,'latency',0.001148506,7.93490843326874418974e-05,1.66235822773397497187e-02,'s','lower',2,115);
INSERT INTO "metric" VALUES(1,'load_memory',178044928.0,178044928.0,178044928.0,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'load_time',5.80125934975512791424e-02,4.00414970735241354613e-04,8.40493300770566875712e+00,'s','lower',2,2);
INSERT INTO "metric" VALUES(1,'model_bytes',596992.0,596992.0,596992.0,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'parameters',149248.0,149248.0,149248.0,'1','lower',2,2);
INSERT INTO "metric" VALUES(1,'peak_memory',187236352.0,187236352.0,187236352.0,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'resident_memory',178046976.0,1.78020956013475358491e+08,1.78072999789670735593e+08,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'state_bytes',16384.0,16384.0,16384.0,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'tokens_per_second',1.45565353969428651912e+04,1.00569588213189592808e+03,2.10692642305818910244e+05,'1/s','higher',2,115);
INSERT INTO "metric" VALUES(1,'working_memory',9189376.0,9163390.92037802,9215434.76679399,'B','lower',2,2);
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
INSERT INTO "round" VALUES(1,1,1,0,'ok','','','{"bits_per_byte": "not measurable: random weights"}','2026-11-27 15:32:24.545764',1.22520525200161500833e+00);
INSERT INTO "round" VALUES(2,1,1,1,'ok','','','{}','2026-11-27 15:32:25.889770',1.23684387500179582275e+00);
INSERT INTO "round" VALUES(3,1,1,2,'ok','','','{"bits_per_byte": "not measurable: random weights"}','2026-11-27 15:32:24.545764',1.22520525200161500833e+00);
CREATE TABLE round_metric (
	round INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	value DOUBLE NOT NULL, 
	PRIMARY KEY (round, name), 
	FOREIGN KEY(round) REFERENCES round (id) ON DELETE CASCADE
);
INSERT INTO "round_metric" VALUES(1,'arithmetic_intensity',6.01104972375690582708e+00);
INSERT INTO "round_metric" VALUES(1,'flops',3342336.0);
INSERT INTO "round_metric" VALUES(1,'latency',0.001386563);
INSERT INTO "round_metric" VALUES(1,'load_memory',178044928.0);
INSERT INTO "round_metric" VALUES(1,'load_time',3.63880910008447244763e-02);
INSERT INTO "round_metric" VALUES(1,'model_bytes',596992.0);
INSERT INTO "round_metric" VALUES(1,'parameters',149248.0);
INSERT INTO "round_metric" VALUES(1,'peak_memory',187236352.0);
INSERT INTO "round_metric" VALUES(1,'resident_memory',178049024.0);
INSERT INTO "round_metric" VALUES(1,'state_bytes',16384.0);
INSERT INTO "round_metric" VALUES(1,'tokens_per_second',1.15393242139015692374e+04);
INSERT INTO "round_metric" VALUES(1,'working_memory',9187328.0);
INSERT INTO "round_metric" VALUES(2,'arithmetic_intensity',6.01104972375690582708e+00);
INSERT INTO "round_metric" VALUES(2,'flops',3342336.0);
INSERT INTO "round_metric" VALUES(2,'latency',0.000910449);
INSERT INTO "round_metric" VALUES(2,'load_memory',178044928.0);
INSERT INTO "round_metric" VALUES(2,'load_time',7.96370959942578338086e-02);
INSERT INTO "round_metric" VALUES(2,'model_bytes',596992.0);
INSERT INTO "round_metric" VALUES(2,'parameters',149248.0);
INSERT INTO "round_metric" VALUES(2,'peak_memory',187236352.0);
INSERT INTO "round_metric" VALUES(2,'resident_memory',178044928.0);
INSERT INTO "round_metric" VALUES(2,'state_bytes',16384.0);
INSERT INTO "round_metric" VALUES(2,'time_p90',0.040894219);
INSERT INTO "round_metric" VALUES(2,'tokens_per_second',1.75737465799841629634e+04);
INSERT INTO "round_metric" VALUES(2,'working_memory',9191424.0);
INSERT INTO "round_metric" VALUES(3,'arithmetic_intensity',6.01104972375690582708e+00);
INSERT INTO "round_metric" VALUES(3,'flops',3342336.0);
INSERT INTO "round_metric" VALUES(3,'latency',0.001386563);
INSERT INTO "round_metric" VALUES(3,'load_memory',178044928.0);
INSERT INTO "round_metric" VALUES(3,'load_time',3.63880910008447244763e-02);
INSERT INTO "round_metric" VALUES(3,'model_bytes',596992.0);
INSERT INTO "round_metric" VALUES(3,'parameters',149248.0);
INSERT INTO "round_metric" VALUES(3,'peak_memory',187236352.0);
INSERT INTO "round_metric" VALUES(3,'resident_memory',178049024.0);
INSERT INTO "round_metric" VALUES(3,'state_bytes',16384.0);
INSERT INTO "round_metric" VALUES(3,'tokens_per_second',1.15393242139015692374e+04);
INSERT INTO "round_metric" VALUES(3,'working_memory',9187328.0);
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
INSERT INTO "run" VALUES(1,'',NULL,'','','','2b760b1ec55a','{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6"}','cec706859967','{"../spec.yaml": {"name": "small", "question": "", "digest": "7f6d0f9f1b991d19"}}',0,'0.1.0','harness run ../spec.yaml --db out.sqlite','2026-11-27 15:31:26.438746','2026-11-27 15:32:27.166476',914,1795793483.56);
CREATE TABLE sample (
	round INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	section VARCHAR NOT NULL, 
	seconds DOUBLE NOT NULL, 
	warmup BOOLEAN NOT NULL, 
	PRIMARY KEY (round, position), 
	FOREIGN KEY(round) REFERENCES round (id) ON DELETE CASCADE
);
INSERT INTO "sample" VALUES(1,0,'latency',0.033602713,1);
INSERT INTO "sample" VALUES(1,1,'latency',0.001015707,0);
INSERT INTO "sample" VALUES(1,2,'latency',0.065635868,0);
INSERT INTO "sample" VALUES(1,3,'latency',0.001111417,0);
INSERT INTO "sample" VALUES(1,4,'latency',0.000920298,0);
INSERT INTO "sample" VALUES(1,5,'latency',0.025599606,0);
INSERT INTO "sample" VALUES(2,0,'latency',0.035968444,1);
INSERT INTO "sample" VALUES(2,1,'latency',0.017893026,1);
INSERT INTO "sample" VALUES(2,2,'latency',0.000961876,0);
INSERT INTO "sample" VALUES(2,3,'latency',0.000904619,0);
INSERT INTO "sample" VALUES(2,4,'latency',0.021467558,0);
INSERT INTO "sample" VALUES(2,5,'latency',0.001093824,0);
INSERT INTO "sample" VALUES(3,0,'latency',0.033602713,1);
INSERT INTO "sample" VALUES(3,1,'latency',0.001015707,0);
INSERT INTO "sample" VALUES(3,2,'latency',0.065635868,0);
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
CREATE INDEX ix_result_cell ON result (cell);
CREATE INDEX ix_result_run ON result (run);
CREATE INDEX ix_round_run ON round (run);
CREATE INDEX ix_round_result ON round (result);
COMMIT;
PRAGMA user_version = 2;
PRAGMA application_id = 0;
