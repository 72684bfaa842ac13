// SPDX-License-Identifier: GPL-2.0
/* vuser-ioat: an Intel I/OAT DMA engine, served over vfio-user. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "../../common/complete.h"
#include "../../common/exit-status.h"
#include "../../common/state-file.h"
#include "baseline.h"
#include "device.h"
#include "kept.h"

#define DEFAULT_SOCKET "/run/vuser-ioat.sock"

enum {
	OPT_NO_FD_DMA = 256,
	OPT_COPY_BASELINE,
	OPT_MAX_DMA_MAPS,
	OPT_HIDE_MAX_DMA_MAPS,
	OPT_STATE,
};

static const struct opt options[] = {
	{ "socket", 's', "PATH", false, "listen at PATH (" DEFAULT_SOCKET ")" },
	{ "state", OPT_STATE, "FILE", false,
	  "keep the state of the device in FILE, from which the program goes on when it is started again" },
	{ "no-fd-dma", OPT_NO_FD_DMA, NULL, false,
	  "access the client's memory by messages only" },
	{ "max-dma-maps", OPT_MAX_DMA_MAPS, "N", false,
	  "accept at most N DMA regions at the same time" },
	{ "hide-max-dma-maps", OPT_HIDE_MAX_DMA_MAPS, NULL, false,
	  "do not report this limit to the client" },
	{ "copy-baseline", OPT_COPY_BASELINE, "N", false,
	  "copy N blocks of 64 KiB between two mappings of this process, print nanoseconds per block, exit" },
	{ "verbose", 'v', NULL, false,
	  "log when clients connect and disconnect" },
	{ "help", 'h', NULL, false, "print this help and exit" },
	{ "version", 'V', NULL, false, "print the version and exit" },
	{},
};

static void usage(void)
{
	puts("usage: vuser-ioat [OPTION]...\n"
	     "Serve an Intel I/OAT DMA engine (8086:2021) over vfio-user.\n");
	option_print(stdout, options);
	puts("\nSee vuser-ioat(1).");
}

struct arguments {
	const char *path;
	const char *state;
	const char *baseline;
	struct ioat_device_options device;
};

static int bad_usage(void)
{
	fprintf(stderr, "Try 'vuser-ioat --help' for more information.\n");
	return EX_USAGE;
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
	struct option_parser parser;
	int key;

	option_begin(&parser, false);
	option_add(&parser, options);
	while ((key = option_next(&parser, argc, argv)) != -1) {
		switch (key) {
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
			usage();
			return EX_OK;
		case 'V':
			puts("vuser-ioat " VUSER_VERSION);
			return EX_OK;
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
	return exit_status(error);
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
	return error == -EACCES || error == -EPERM ? EX_NOPERM : EX_CANTCREAT;
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
		return ret == -EINVAL ? EX_DATAERR : exit_status(ret);
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
	const struct completion completion = { .tables = { options } };
	struct arguments args = { .path = DEFAULT_SOCKET };
	int status;

	if (complete_wanted(argc, argv)) {
		complete_words(&completion, argc - 2, argv + 2);
		return EX_OK;
	}
	status = parse(argc, argv, &args);
	if (status >= 0)
		return status;
	if (args.baseline)
		return ioat_baseline_run(args.baseline);
	return serve(&args);
}
