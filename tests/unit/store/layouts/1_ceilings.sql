-- Number 1, with ceilings too.
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
INSERT INTO "ceiling" VALUES('2b760b1ec55a','cec706859967','local','all_reduce_2','measured',1.00706519238056969639e+09,'B/s','gloo, 16 MiB, 2 processes, loopback; bus bandwidth: 2 (n - 1) / n of the bytes a second, best of 4 repeats',0.510769230767983,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6"}','2026-11-27 15:30:41.588013');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','cec706859967','local','clock','measured',2.45114466362799882895e+09,'Hz','dependent additions counted in bursts between fp32 products, upper quartile',0.0,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6"}','2026-11-27 15:30:43.676059');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','cec706859967','local','gemm_fp32','measured',6.71221704458989410413e+10,'FLOP/s','torch.matmul, 4096 x 1024 x 1024, 2 threads, best of 2 repeats; oneDNN packed weights 89%, torch linear 80%',4.95268138801477908472e-01,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6"}','2026-11-27 15:30:49.084773');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','cec706859967','local','gemm_bf16','measured',6.54919521851665496813e+08,'FLOP/s','torch.matmul, 512 x 512 x 512, 2 threads, best of 2 repeats',7.32352941175381300098e-01,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6"}','2026-11-27 15:30:54.319288');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','cec706859967','local','gemm_fp16','measured',6.61086720203103184699e+08,'FLOP/s','torch.matmul, 512 x 512 x 512, 2 threads, best of 2 repeats',7.46312684367289369546e-01,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6"}','2026-11-27 15:30:59.697390');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','cec706859967','local','gemm_int8','measured',3.12053090145420570383e+10,'FLOP/s','quantized.linear by oneDNN, 512 x 512 x 512, 2 threads, best of 2 repeats; quantized.linear by FBGEMM 86%, oneDNN qlinear 86%, torch._int_mm 5%',6.68789808918150097127e-01,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6"}','2026-11-27 15:31:05.003009');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','cec706859967','local','memory_read','measured',5219211893.44057,'B/s','torch.dot of its halves, 1.00 GiB, 32.0 times the last cache, 2 threads, best of 2 repeats',0.769463340891568,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6"}','2026-11-27 15:31:11.631038');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','cec706859967','local','memory_copy','measured',4.77147654613781452195e+09,'B/s','torch copy_, 1.00 GiB, 32.0 times the last cache, 2 threads, best of 2 repeats',0.705633802817011,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6"}','2026-11-27 15:31:18.733692');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','cec706859967','local','gemm_fp32','theoretical',1.5687325847219192505e+11,'FLOP/s','2 cores x 32 a cycle (2 x 256-bit FMA) x 2.45 GHz (seen under load); Zen 3, FMA units: numberworld.org, Zen 4 and Zen 5 AVX-512 teardowns (2022, 2024)',0.0,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6"}','2026-11-27 15:31:20.155477');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','cec706859967','local','gemm_bf16','theoretical',1.5687325847219192505e+11,'FLOP/s','2 cores x 32 a cycle (2 x 256-bit FMA in fp32) x 2.45 GHz (seen under load); Zen 3, FMA units: numberworld.org, Zen 4 and Zen 5 AVX-512 teardowns (2022, 2024)',0.0,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6"}','2026-11-27 15:31:20.155489');
INSERT INTO "ceiling" VALUES('2b760b1ec55a','cec706859967','local','gemm_fp16','theoretical',1.5687325847219192505e+11,'FLOP/s','2 cores x 32 a cycle (2 x 256-bit FMA in fp32) x 2.45 GHz (seen under load); Zen 3, FMA units: numberworld.org, Zen 4 and Zen 5 AVX-512 teardowns (2022, 2024)',0.0,'{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6"}','2026-11-27 15:31:20.155493');
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
INSERT INTO "fact" VALUES(1,'load_time',1.59598669997649267315e-02);
INSERT INTO "fact" VALUES(1,'flops',3342336.0);
INSERT INTO "fact" VALUES(1,'tokens',16.0);
INSERT INTO "fact" VALUES(1,'steps',1.0);
INSERT INTO "fact" VALUES(1,'load_memory',176705536.0);
INSERT INTO "fact" VALUES(1,'held_memory',176705536.0);
INSERT INTO "fact" VALUES(1,'peak_memory',185720832.0);
INSERT INTO "fact" VALUES(1,'bytes_moved',556032.0);
INSERT INTO "fact" VALUES(1,'state_bytes',16384.0);
INSERT INTO "fact" VALUES(1,'warmup',4.0);
INSERT INTO "fact" VALUES(1,'settled',1.0);
INSERT INTO "fact" VALUES(1,'repeats',1.0);
INSERT INTO "fact" VALUES(1,'host_load',3.380859375);
INSERT INTO "fact" VALUES(1,'host_swapped',0.0);
INSERT INTO "fact" VALUES(1,'host_others',6.74208144792036834225e-01);
INSERT INTO "fact" VALUES(1,'host_steal',4.52488687782572670398e-03);
INSERT INTO "fact" VALUES(2,'parameters',149248.0);
INSERT INTO "fact" VALUES(2,'model_bytes',596992.0);
INSERT INTO "fact" VALUES(2,'load_time',1.56983650049369316548e-02);
INSERT INTO "fact" VALUES(2,'flops',3342336.0);
INSERT INTO "fact" VALUES(2,'tokens',16.0);
INSERT INTO "fact" VALUES(2,'steps',1.0);
INSERT INTO "fact" VALUES(2,'load_memory',176709632.0);
INSERT INTO "fact" VALUES(2,'held_memory',176709632.0);
INSERT INTO "fact" VALUES(2,'peak_memory',185724928.0);
INSERT INTO "fact" VALUES(2,'bytes_moved',556032.0);
INSERT INTO "fact" VALUES(2,'state_bytes',16384.0);
INSERT INTO "fact" VALUES(2,'warmup',2.0);
INSERT INTO "fact" VALUES(2,'settled',0.0);
INSERT INTO "fact" VALUES(2,'repeats',1.0);
INSERT INTO "fact" VALUES(2,'host_load',3.380859375);
INSERT INTO "fact" VALUES(2,'host_swapped',0.0);
INSERT INTO "fact" VALUES(2,'host_others',6.49999999999535615913e-01);
INSERT INTO "fact" VALUES(2,'host_steal',0.0);
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
INSERT INTO "metric" VALUES(1,'latency',5.06647249999999955277e-03,5.16994028352720082827e-08,4.96507545262078508595e+02,'s','lower',2,109);
INSERT INTO "metric" VALUES(1,'load_memory',176707584.0,1.7668156402789112926e+08,1.76733607804081648594e+08,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'load_time',1.58291160023509291931e-02,1.42519690471626572086e-02,1.75807927021680542034e-02,'s','lower',2,2);
INSERT INTO "metric" VALUES(1,'model_bytes',596992.0,596992.0,596992.0,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'parameters',149248.0,149248.0,149248.0,'1','lower',2,2);
INSERT INTO "metric" VALUES(1,'peak_memory',185722880.0,1.85696859934897452598e+08,1.8574890371106508374e+08,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'state_bytes',16384.0,16384.0,16384.0,'B','lower',2,2);
INSERT INTO "metric" VALUES(1,'tokens_per_second',6.52784080184989761634e+03,6.66115273021536252739e-02,6.39719689071272850028e+08,'1/s','higher',2,109);
INSERT INTO "metric" VALUES(1,'working_memory',9015296.0,9015296.0,9015296.0,'B','lower',2,2);
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
INSERT INTO "round" VALUES(1,1,1,0,'ok','','','{}','2026-11-27 15:31:20.165168',1.09833596099997521378e+00);
INSERT INTO "round" VALUES(2,1,1,1,'ok','','','{}','2026-11-27 15:31:21.321573',1.10145712200028356164e+00);
CREATE TABLE round_metric (
	round INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	value DOUBLE NOT NULL, 
	PRIMARY KEY (round, name), 
	FOREIGN KEY(round) REFERENCES round (id) ON DELETE CASCADE
);
INSERT INTO "round_metric" VALUES(1,'arithmetic_intensity',6.01104972375690582708e+00);
INSERT INTO "round_metric" VALUES(1,'flops',3342336.0);
INSERT INTO "round_metric" VALUES(1,'latency',0.001426278);
INSERT INTO "round_metric" VALUES(1,'load_memory',176705536.0);
INSERT INTO "round_metric" VALUES(1,'load_time',1.59598669997649267315e-02);
INSERT INTO "round_metric" VALUES(1,'model_bytes',596992.0);
INSERT INTO "round_metric" VALUES(1,'parameters',149248.0);
INSERT INTO "round_metric" VALUES(1,'peak_memory',185720832.0);
INSERT INTO "round_metric" VALUES(1,'state_bytes',16384.0);
INSERT INTO "round_metric" VALUES(1,'time_p90',0.0407137096);
INSERT INTO "round_metric" VALUES(1,'tokens_per_second',1.1218009392278363521e+04);
INSERT INTO "round_metric" VALUES(1,'working_memory',9015296.0);
INSERT INTO "round_metric" VALUES(2,'arithmetic_intensity',6.01104972375690582708e+00);
INSERT INTO "round_metric" VALUES(2,'flops',3342336.0);
INSERT INTO "round_metric" VALUES(2,'latency',0.008706667);
INSERT INTO "round_metric" VALUES(2,'load_memory',176709632.0);
INSERT INTO "round_metric" VALUES(2,'load_time',1.56983650049369316548e-02);
INSERT INTO "round_metric" VALUES(2,'model_bytes',596992.0);
INSERT INTO "round_metric" VALUES(2,'parameters',149248.0);
INSERT INTO "round_metric" VALUES(2,'peak_memory',185724928.0);
INSERT INTO "round_metric" VALUES(2,'state_bytes',16384.0);
INSERT INTO "round_metric" VALUES(2,'tokens_per_second',1.83767221142143148421e+03);
INSERT INTO "round_metric" VALUES(2,'working_memory',9015296.0);
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
INSERT INTO "run" VALUES(1,'',NULL,'','','','2b760b1ec55a','{"python": "3.11.7", "kernel": "6.18.44-fc-v782", "harness": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6"}','cec706859967','{"../spec.yaml": {"name": "small", "question": "", "digest": "7f6d0f9f1b991d19"}}',0,'0.1.0','harness run ../spec.yaml --db out.sqlite','2026-11-27 15:30:32.663331','2026-11-27 15:31:22.441224',367,1795793430.61);
CREATE TABLE sample (
	round INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	section VARCHAR NOT NULL, 
	seconds DOUBLE NOT NULL, 
	warmup BOOLEAN NOT NULL, 
	PRIMARY KEY (round, position), 
	FOREIGN KEY(round) REFERENCES round (id) ON DELETE CASCADE
);
INSERT INTO "sample" VALUES(1,0,'latency',0.105392215,1);
INSERT INTO "sample" VALUES(1,1,'latency',0.007782121,1);
INSERT INTO "sample" VALUES(1,2,'latency',0.001819045,1);
INSERT INTO "sample" VALUES(1,3,'latency',0.014461473,1);
INSERT INTO "sample" VALUES(1,4,'latency',0.001401291,0);
INSERT INTO "sample" VALUES(1,5,'latency',0.010319506,0);
INSERT INTO "sample" VALUES(2,0,'latency',0.107541952,1);
INSERT INTO "sample" VALUES(2,1,'latency',0.132010444,1);
INSERT INTO "sample" VALUES(2,2,'latency',0.001630281,0);
INSERT INTO "sample" VALUES(2,3,'latency',0.021878429,0);
INSERT INTO "sample" VALUES(2,4,'latency',0.013162945,0);
INSERT INTO "sample" VALUES(2,5,'latency',0.001411019,0);
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
CREATE INDEX ix_result_cell ON result (cell);
CREATE INDEX ix_result_status ON result (status);
CREATE INDEX ix_round_result ON round (result);
CREATE INDEX ix_round_run ON round (run);
COMMIT;
PRAGMA user_version = 1;
PRAGMA application_id = 0;
