// SPDX-License-Identifier: GPL-2.0
/* vuser-testdev: a vfio-user server whose behavior a test controls. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "device.h"
#include "wire.h"

static struct device device;
static struct wire *wire;
static int control_fd = -1;
static int ready_fd = -1;

enum {
	OPT_CONTROL_FD = 256,
	OPT_READY_FD,
	OPT_MAX_DMA_MAPS,
	OPT_DMA_LIMIT,
	OPT_MAX_MSG_FDS,
	OPT_MAX_XFER,
	OPT_MINOR,
	OPT_NO_TWIN,
	OPT_NO_RESET,
	OPT_NO_IO_FDS,
	OPT_SHADOW_IO_FDS,
	OPT_AREAS,
	OPT_BAR4_SIZE,
	OPT_PLAIN_INTX,
	OPT_SMALL_MSIX,
	OPT_MSIX_BAR,
	OPT_MIGRATION,
	OPT_MIGRATION_FLAGS,
	OPT_DMA_LOGGING,
	OPT_MODEL,
	OPT_BROKEN,
	OPT_LITERAL,
	OPT_PM_RESET,
	OPT_NO_TABLE,
	OPT_LAST_WRITE,
};

static const struct option longopts[] = {
	{ "control-fd", required_argument, NULL, OPT_CONTROL_FD },
	{ "ready-fd", required_argument, NULL, OPT_READY_FD },
	{ "max-dma-maps", required_argument, NULL, OPT_MAX_DMA_MAPS },
	{ "dma-limit", required_argument, NULL, OPT_DMA_LIMIT },
	{ "max-msg-fds", required_argument, NULL, OPT_MAX_MSG_FDS },
	{ "max-data-xfer-size", required_argument, NULL, OPT_MAX_XFER },
	{ "minor", required_argument, NULL, OPT_MINOR },
	{ "no-twin", no_argument, NULL, OPT_NO_TWIN },
	{ "no-reset", no_argument, NULL, OPT_NO_RESET },
	{ "no-io-fds", no_argument, NULL, OPT_NO_IO_FDS },
	{ "shadow-io-fds", no_argument, NULL, OPT_SHADOW_IO_FDS },
	{ "areas", required_argument, NULL, OPT_AREAS },
	{ "bar4-size", required_argument, NULL, OPT_BAR4_SIZE },
	{ "plain-intx", no_argument, NULL, OPT_PLAIN_INTX },
	{ "small-msix", no_argument, NULL, OPT_SMALL_MSIX },
	{ "msix-bar", required_argument, NULL, OPT_MSIX_BAR },
	{ "migration", no_argument, NULL, OPT_MIGRATION },
	{ "migration-flags", required_argument, NULL, OPT_MIGRATION_FLAGS },
	{ "dma-logging", no_argument, NULL, OPT_DMA_LOGGING },
	{ "model", no_argument, NULL, OPT_MODEL },
	{ "broken", required_argument, NULL, OPT_BROKEN },
	{ "literal", no_argument, NULL, OPT_LITERAL },
	{ "pm-reset", no_argument, NULL, OPT_PM_RESET },
	{ "no-table", no_argument, NULL, OPT_NO_TABLE },
	{ "last-write", required_argument, NULL, OPT_LAST_WRITE },
	{ "help", no_argument, NULL, 'h' },
	{}
};

static void usage(void)
{
	printf("Usage: vuser-testdev [OPTION]... SOCKET\n"
	       "Serve the device of testdev.h at SOCKET.\n\n"
	       "  --control-fd=FD           take commands from this socket\n"
	       "  --ready-fd=FD             write a byte to it when listening\n"
	       "  --max-dma-maps=N          accept N dma regions, announce it\n"
	       "  --dma-limit=N             accept N dma regions, do not\n"
	       "                            announce it\n"
	       "  --max-msg-fds=N           accept N descriptors in a message\n"
	       "  --max-data-xfer-size=N    accept N bytes in a message\n"
	       "  --minor=N                 highest minor version\n"
	       "  --no-twin                 no second socket for commands\n"
	       "  --no-reset                no DEVICE_RESET\n"
	       "  --no-io-fds               no ioeventfds\n"
	       "  --shadow-io-fds           describe ioeventfds as libvfio-user does,\n"
	       "                            the first one with shadow memory\n"
	       "  --areas=KIND              kind of the shared files: memfd,\n"
	       "                            hugetlb, read-only, sealed or file\n"
	       "  --bar4-size=N             size of BAR 4\n"
	       "  --plain-intx              no masks for INTx\n"
	       "  --small-msix              BAR 1 is one page, with registers\n"
	       "  --msix-bar=N              the BAR that the MSI-X capability names\n"
	       "  --migration               save and load BAR 0 and configuration space\n"
	       "  --migration-flags=N       further VFIO_MIGRATION_*\n"
	       "  --dma-logging             log which memory the device writes\n"
	       "  --model                   honor configuration space\n"
	       "  --broken=KIND             with --model, break configuration space:\n"
	       "                            bar-small, bar-large, cap-loop, cap-end,\n"
	       "                            cap-short, msix-outside, msix-no-bar or\n"
	       "                            bridge\n"
	       "  --literal                 with --model, store BARs and power state\n"
	       "                            as libvfio-user does\n"
	       "  --pm-reset                with --model, reset on the way from D3 to D0\n"
	       "  --no-table                with --model, no MSI-X table: BAR 1 reads as ones\n"
	       "  --last-write ID           say that this posted write was carried out last\n"
	       "  --help\n\nCommands:\n");
	control_help();
}

static void set_option(struct options *opt, int which, const char *value)
{
	struct vuser_server_config *config = &opt->server;
	unsigned long n = value ? strtoul(value, NULL, 0) : 0;

	switch (which) {
	case OPT_CONTROL_FD:
		control_fd = n;
		break;
	case OPT_READY_FD:
		ready_fd = n;
		break;
	case OPT_MAX_DMA_MAPS:
		config->max_dma_maps = n;
		break;
	case OPT_LAST_WRITE:
		opt->has_last_write = true;
		opt->last_write = n;
		break;
	case OPT_DMA_LIMIT:
		opt->dma_limit = n;
		config->hide_max_dma_maps = true;
		break;
	case OPT_MAX_MSG_FDS:
		config->max_msg_fds = n;
		break;
	case OPT_MAX_XFER:
		config->max_data_xfer_size = n;
		break;
	case OPT_MINOR:
		config->minor = n;
		config->use_minor = true;
		break;
	case OPT_NO_TWIN:
		config->no_twin = true;
		break;
	case OPT_NO_RESET:
		opt->no_reset = true;
		break;
	case OPT_NO_IO_FDS:
		opt->no_io_fds = true;
		break;
	case OPT_SHADOW_IO_FDS:
		opt->shadow_io_fds = true;
		break;
	case OPT_BAR4_SIZE:
		opt->bar4_size = n;
		break;
	case OPT_PLAIN_INTX:
		opt->plain_intx = true;
		break;
	case OPT_SMALL_MSIX:
		opt->small_msix = true;
		break;
	case OPT_MSIX_BAR:
		opt->msix_bar = n;
		break;
	case OPT_MIGRATION:
		config->migration = true;
		break;
	case OPT_MIGRATION_FLAGS:
		config->migration_flags = n;
		break;
	case OPT_DMA_LOGGING:
		config->dma_logging = true;
		break;
	case OPT_MODEL:
		opt->model = true;
		break;
	case OPT_BROKEN:
		opt->broken = value;
		break;
	case OPT_LITERAL:
		opt->literal = true;
		break;
	case OPT_PM_RESET:
		opt->pm_reset = true;
		break;
	case OPT_NO_TABLE:
		opt->no_table = true;
		break;
	case OPT_AREAS:
		opt->areas = area_kind(value);
		if ((int)opt->areas >= 0)
			break;
		fprintf(stderr, "vuser-testdev: unknown kind of area '%s'\n",
			value);
		exit(2);
	case 'h':
		usage();
		exit(0);
	default:
		fprintf(stderr, "Try --help.\n");
		exit(2);
	}
}

/* Execute the commands of the test; exit when the test closes the socket. */
static void *control_thread(void *arg)
{
	(void)arg;
	control_serve(control_fd, &device, wire);
	exit(0);
}

/*
 * Serve one connection after the other; read their descriptors from the wire.
 */
static int serve(int connections)
{
	struct pollfd pfds[] = {
		{ .fd = vuser_server_fd(device.server), .events = POLLIN },
		{ .fd = connections, .events = POLLIN },
	};
	int fd, ret = 0;

	while (!ret) {
		if (poll(pfds, 2, -1) < 0 && errno != EINTR)
			return -errno;
		/* Handle the end of a client before the next client. */
		ret = vuser_server_process(device.server);
		if (!ret && pfds[1].revents & POLLIN &&
		    !vuser_server_connected(device.server) &&
		    read(connections, &fd, sizeof(fd)) == sizeof(fd))
			ret = vuser_server_serve(device.server, fd);
	}
	return ret;
}

static int fail(const char *what, int err)
{
	fprintf(stderr, "vuser-testdev: %s: %s\n", what, strerror(-err));
	return 1;
}

int main(int argc, char **argv)
{
	struct options opt = { .server.struct_size = sizeof(opt.server) };
	int connections[2];
	pthread_t thread;
	int c, ret;

	while ((c = getopt_long(argc, argv, "h", longopts, NULL)) >= 0)
		set_option(&opt, c, optarg);
	if (optind + 1 != argc) {
		fprintf(stderr,
			"vuser-testdev: expected one argument, SOCKET; try --help\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	ret = device_init(&device, &opt);
	if (ret)
		return fail("device", ret);
	if (pipe(connections))
		return fail("pipe", -errno);
	ret = wire_start(argv[optind], connections[1], opt.shadow_io_fds,
			 &wire);
	if (ret)
		return fail(argv[optind], ret);
	if (control_fd >= 0) {
		ret = -pthread_create(&thread, NULL, control_thread, NULL);
		if (ret)
			return fail("thread", ret);
	}
	if (ready_fd >= 0) {
		if (write(ready_fd, "", 1) != 1)
			return fail("ready", -errno);
		close(ready_fd);
	}
	ret = serve(connections[0]);
	return ret ? fail("serve", ret) : 0;
}
