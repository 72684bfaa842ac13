// SPDX-License-Identifier: GPL-2.0
/* vuser-ioat: an Intel I/OAT DMA engine, served over vfio-user. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "../../common/state-file.h"
#include "baseline.h"
#include "device.h"
#include "kept.h"

#define DEFAULT_SOCKET "/run/vuser-ioat.sock"

static const char usage[] =
	"Usage: vuser-ioat [OPTION]...\n"
	"Serve an Intel I/OAT DMA engine (8086:2021) over vfio-user.\n"
	"\n"
	"  -s, --socket PATH      listen at PATH (" DEFAULT_SOCKET ")\n"
	"      --state FILE       keep the state of the device in FILE, from which the\n"
	"                         program goes on when it is started again\n"
	"      --no-fd-dma        access the client's memory by messages only\n"
	"      --max-dma-maps N   accept at most N DMA regions at the same time\n"
	"      --hide-max-dma-maps\n"
	"                         do not report this limit to the client\n"
	"      --copy-baseline N  copy N blocks of 64 KiB between two mappings of\n"
	"                         this process, print nanoseconds per block, exit\n"
	"  -v, --verbose          log when clients connect and disconnect\n"
	"  -h, --help             print this and exit\n"
	"  -V, --version          print the version and exit\n";

enum {
	OPT_NO_FD_DMA = 256,
	OPT_COPY_BASELINE,
	OPT_MAX_DMA_MAPS,
	OPT_HIDE_MAX_DMA_MAPS,
	OPT_STATE,
};

static const struct option options[] = {
	{ "socket", required_argument, NULL, 's' },
	{ "no-fd-dma", no_argument, NULL, OPT_NO_FD_DMA },
	{ "copy-baseline", required_argument, NULL, OPT_COPY_BASELINE },
	{ "max-dma-maps", required_argument, NULL, OPT_MAX_DMA_MAPS },
	{ "hide-max-dma-maps", no_argument, NULL, OPT_HIDE_MAX_DMA_MAPS },
	{ "state", required_argument, NULL, OPT_STATE },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

struct arguments {
	const char *path;
	const char *state;
	const char *baseline;
	struct ioat_device_options device;
};

static int bad_usage(void)
{
	fprintf(stderr, "Try 'vuser-ioat --help' for more information.\n");
	return 2;
}

/* Return the number if it is from 1 to 65535, otherwise 0. */
static uint32_t parse_limit(const char *arg)
{
	unsigned long value;
	char *end;

	value = strtoul(arg, &end, 10);
	return *end || value > UINT16_MAX ? 0 : value;
}

/* Return -1 to continue, otherwise the exit status. */
static int parse(int argc, char **argv, struct arguments *args)
{
	int c;

	while ((c = getopt_long(argc, argv, "s:vhV", options, NULL)) >= 0) {
		switch (c) {
		case 's':
			args->path = optarg;
			break;
		case OPT_NO_FD_DMA:
			args->device.no_fd_dma = true;
			break;
		case OPT_MAX_DMA_MAPS:
			args->device.max_dma_maps = parse_limit(optarg);
			if (!args->device.max_dma_maps) {
				fprintf(stderr, "vuser-ioat: --max-dma-maps "
						"needs a number from 1 to "
						"65535\n");
				return bad_usage();
			}
			break;
		case OPT_HIDE_MAX_DMA_MAPS:
			args->device.hide_max_dma_maps = true;
			break;
		case OPT_STATE:
			args->state = optarg;
			break;
		case OPT_COPY_BASELINE:
			args->baseline = optarg;
			break;
		case 'v':
			args->device.verbose = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'V':
			puts("vuser-ioat " VUSER_VERSION);
			return 0;
		default:
			return bad_usage();
		}
	}
	if (optind < argc) {
		fprintf(stderr, "vuser-ioat: unexpected argument '%s'\n",
			argv[optind]);
		return bad_usage();
	}
	return -1;
}

static int end_on_signals(sd_event *event)
{
	sigset_t set;
	int ret;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ret = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
	if (ret < 0)
		return ret;
	return sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
}

static int fail(const char *what, int error)
{
	fprintf(stderr, "vuser-ioat: %s: %s\n", what, strerror(-error));
	return 1;
}

static int no_socket(const char *path, int error)
{
	const char *step = "";

	if (error == -EADDRINUSE)
		step = ": stop the server there or remove the file, or give another path";
	else if (error == -ENOENT)
		step = ": create the directory first";
	else if (error == -ENAMETOOLONG)
		step = ": a path has at most 4095 bytes; in a path of more than 107 bytes, the last name has at most 82";
	fprintf(stderr, "vuser-ioat: cannot listen at %s: %s%s\n", path,
		strerror(-error), step);
	return 1;
}

/* Open the state file, if one is given. Return 0 or the exit status. */
static int open_state(struct state_file *file, const char *path,
		      struct ioat_device_options *device)
{
	static const struct state_file_kind kind = {
		.program = "vuser-ioat",
		.version = IOAT_KEPT_VERSION,
		.device = "",
		.size = sizeof(struct ioat_kept),
	};
	char why[STATE_FILE_WHY];
	int ret;

	if (!path)
		return 0;
	ret = state_file_open(file, path, &kind, why);
	if (ret < 0) {
		fprintf(stderr, "vuser-ioat: %s\n", why);
		return 1;
	}
	device->state = file->data;
	device->restore = ret;
	return 0;
}

static int serve(struct arguments *args)
{
	struct state_file state = { .fd = -1 };
	struct ioat_device *device = NULL;
	sd_event *event = NULL;
	int status = 0;
	int ret;

	ret = sd_event_default(&event);
	if (ret >= 0)
		ret = end_on_signals(event);
	if (ret < 0) {
		status = fail("cannot start the event loop", ret);
		goto out;
	}
	status = open_state(&state, args->state, &args->device);
	if (status)
		goto out;
	ret = ioat_device_new(&args->device, &device);
	if (ret < 0) {
		status = fail("cannot create the device", ret);
		goto out;
	}
	if (args->device.state)
		state_file_begin(&state);
	ret = ioat_device_serve(device, args->path, event);
	if (ret < 0) {
		status = no_socket(args->path, ret);
		goto out;
	}
	if (args->device.verbose)
		fprintf(stderr, "vuser-ioat: listening at %s\n", args->path);
	sd_notify(0, "READY=1");

	ret = sd_event_loop(event);
	if (ret < 0)
		status = fail("the event loop failed", ret);
out:
	if (device)
		ioat_device_free(device);
	state_file_close(&state);
	sd_event_unref(event);
	return status;
}

int main(int argc, char **argv)
{
	struct arguments args = { .path = DEFAULT_SOCKET };
	int status = parse(argc, argv, &args);

	if (status >= 0)
		return status;
	if (args.baseline)
		return ioat_baseline_run(args.baseline);
	return serve(&args);
}
