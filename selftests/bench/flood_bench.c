// SPDX-License-Identifier: GPL-2.0
/*
 * Measures how long a register read takes while 64 other servers send DMA commands
 * without end on both of their sockets, against the same read on the idle machine.
 * Another row has the same read while as many threads only compute.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/flooder.h"
#include "lib/task.h"
#include "lib/vfio.h"
#include "row.h"

#define NR_FLOODERS 64
#define NR_THREADS  (2 * NR_FLOODERS)
#define SAMPLES	    1000
#define BATCHES	    200

static struct flooder floods[NR_FLOODERS];
static pid_t busy[NR_THREADS];
static struct samples flooded, shared_reads, idle;

/* Returns the part of a processor that the kernel's workers used meanwhile. */
static double sample(struct samples *s, int device)
{
	uint64_t begin = now_ns(), got, start;
	long ms = task_workers_ms();
	int i;

	samples_init(s, SAMPLES);
	for (i = 0; i < SAMPLES; i++) {
		start = now_ns();
		if (region_get(device, BAR(0), 8, &got, 8))
			die("read");
		samples_add(s, now_ns() - start);
	}
	return (task_workers_ms() - ms) * 1e6 / (now_ns() - begin);
}

/* One server sends DMA commands on its twin socket, and nothing else happens. */
static void measure_one(struct flooder *f)
{
	uint64_t start = now_ns();
	int i;

	for (i = 0; i < BATCHES; i++)
		if (flooder_send(f->twin[1]))
			die("send DMA commands");
	if (control_wait_read(f->twin[1]))
		die("wait until DMA commands are read");
	row_print("DMA_WRITE of 1 byte, one of many of one server",
		  (now_ns() - start) / (double)BATCHES / FLOODER_BATCH, "ns", 0,
		  0);
}

static void start_busy(void)
{
	int i;

	for (i = 0; i < NR_THREADS; i++) {
		busy[i] = fork();
		if (busy[i] < 0)
			die("fork");
		if (!busy[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				__asm__ volatile("");
		}
	}
}

static void stop_busy(void)
{
	int i;

	for (i = 0; i < NR_THREADS; i++) {
		kill(busy[i], SIGKILL);
		waitpid(busy[i], NULL, 0);
	}
}

int main(void)
{
	struct vfio_dev dev = VFIO_DEV_INIT;
	struct control c;
	double workers;
	pid_t pid;
	int i;

	if (control_start(&c) || control_claim(&c.nl, c.id, &c.token) ||
	    mdev_set(c.uuid, "close_timeout_ms", "100") ||
	    control_attach(&c.nl, c.id, c.token, c.sock[0]))
		die("attach");
	for (i = 0; i < NR_FLOODERS; i++)
		if (flooder_attach(&floods[i]))
			die("attach a server that floods");
	pid = responder_start(c.sock[1]);
	if (pid < 0 || vfio_dev_open(&dev, c.uuid, VFIO_TYPE1v2_IOMMU))
		die("open the device");
	measure_one(&floods[0]);
	sample(&idle, dev.device);
	start_busy();
	sample(&shared_reads, dev.device);
	stop_busy();
	for (i = 0; i < NR_FLOODERS; i++)
		if (flooder_start(&floods[i]))
			die("start a flood");
	workers = sample(&flooded, dev.device);

	row_print("read while 64 servers flood : on the idle machine",
		  samples_median(&flooded), "ns", samples_median(&idle), 2);
	row_print("read while 128 threads compute",
		  samples_median(&shared_reads), "ns", 0, 0);
	row_print("longest read while 64 servers flood",
		  flooded.ns[flooded.nr - 1] / 1e6, "ms", 0, 0);
	row_print("longest read while 128 threads compute",
		  shared_reads.ns[shared_reads.nr - 1] / 1e6, "ms", 0, 0);
	row_print(
		"the kernel's workers while 64 servers flood : half of the processors",
		workers, "processors", sysconf(_SC_NPROCESSORS_ONLN) / 2.0,
		1.2);

	for (i = 0; i < NR_FLOODERS; i++)
		flooder_stop(&floods[i]);
	vfio_dev_close(&dev);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return control_stop(&c) ? EXIT_FAILURE : EXIT_SUCCESS;
}
