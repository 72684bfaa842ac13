// SPDX-License-Identifier: GPL-2.0
/*
 * The command line. --device begins a device, and the options after it belong
 * to this device. So one process can serve several devices.
 */
#include <errno.h>
#include <limits.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/exit-status.h"
#include "arguments.h"
#include "net.h"
#include "pci.h"

#define QUEUE_SIZE_MAX 32768
#define TAG_MAX	       36
#define MTU_MIN	       68
#define MTU_MAX	       65535
/* 0 to 2 are reserved for hypervisor and host, all ones means any context. */
#define CID_MIN 3
#define CID_MAX (UINT32_MAX - 1)

enum {
	OPT_QUEUES = 256,
	OPT_QUEUE_SIZE,
	OPT_MAC,
	OPT_MTU,
	OPT_CID,
	OPT_TAG,
	OPT_CONFIG_SIZE,
	OPT_NO_PACKED,
	OPT_LISTEN,
	OPT_BACK_END_TIMEOUT,
	OPT_CLIENT_TIMEOUT,
	OPT_ATTRIBUTES,
	OPT_STATE,
};

static const struct opt options[] = {
	{ "device", 'd',
	  "net|blk|fs|scsi|vsock|rng|gpio|i2c|input|sound|console|can|id=N",
	  false,
	  "the type of a device. Repeat the option to serve one more device, with its own options after it" },
	{ "back-end", 'b', "PATH", false, "the socket of the back end" },
	{ "listen", OPT_LISTEN, NULL, false,
	  "listen at the path of --back-end, for a back end that connects" },
	{ "socket", 's', "PATH", false, "listen at PATH for the client" },
	{ "queues", OPT_QUEUES, "N", false,
	  "number of queues (as many as the back end has); for net: number of queue pairs (1)" },
	{ "queue-size", OPT_QUEUE_SIZE, "N", false,
	  "maximum number of entries of a queue (256; 128 for scsi and console, 64 for sound and can)" },
	{ "no-packed", OPT_NO_PACKED, NULL, false,
	  "do not offer packed rings" },
	{ "mac", OPT_MAC, "ADDRESS", false,
	  "for net: the MAC address (random)" },
	{ "mtu", OPT_MTU, "N", false,
	  "for net: report this MTU to the driver" },
	{ "cid", OPT_CID, "N", false, "for vsock: the context ID" },
	{ "tag", OPT_TAG, "NAME", false,
	  "for fs: the tag, if the back end has none" },
	{ "config-size", OPT_CONFIG_SIZE, "N", false,
	  "for id=N: bytes of device configuration (0)" },
	{ "back-end-timeout", OPT_BACK_END_TIMEOUT, "MS", false,
	  "time that a back end has for all requests of one command (40 % of --client-timeout)" },
	{ "client-timeout", OPT_CLIENT_TIMEOUT, "MS", false,
	  "time that the client waits for a reply (10000)" },
	{ "attributes", OPT_ATTRIBUTES, "DIR", false,
	  "read this time from request_timeout_ms and close_timeout_ms in DIR, whenever it is needed" },
	{ "state", OPT_STATE, "FILE", false,
	  "keep the state of the device in FILE, from which the program goes on when it is started again" },
	{ "verbose", 'v', NULL, false,
	  "log when clients and back ends connect" },
	{ "help", 'h', NULL, false, "print this help and exit" },
	{ "version", 'V', NULL, false, "print the version and exit" },
	{},
};

const struct completion vhost_arguments_completion = {
	.tables = { options },
};

static void usage(void)
{
	puts("usage: vuser-vhost --device TYPE --back-end PATH --socket PATH [OPTION]...\n"
	     "Serve a vhost-user back end as a virtio device over vfio-user.\n");
	option_print(stdout, options);
	puts("\nSee vuser-vhost(1).");
}

static int bad_usage(void)
{
	fprintf(stderr, "Try 'vuser-vhost --help' for more information.\n");
	return EX_USAGE;
}

static int bad(const char *option, const char *arg, const char *wanted)
{
	fprintf(stderr, "vuser-vhost: %s %s: %s\n", option, arg, wanted);
	return bad_usage();
}

/* Return -1, or the exit status if @arg is not a number from @min to @max. */
static int number(const char *option, const char *arg, uint64_t min,
		  uint64_t max, uint64_t *value)
{
	char wanted[64], *end;

	errno = 0;
	*value = strtoull(arg, &end, 0);
	if (!errno && end != arg && !*end && *arg != '-' && *value >= min &&
	    *value <= max)
		return -1;
	snprintf(wanted, sizeof(wanted), "a number from %ju to %ju is needed",
		 (uintmax_t)min, (uintmax_t)max);
	return bad(option, arg, wanted);
}

static int numeric(int c, const char *arg, struct vhost_device_options *dev)
{
	uint64_t n;
	int status;

	switch (c) {
	case OPT_QUEUES:
		status = number("--queues", arg, 1, VHOST_MAX_QUEUES, &n);
		dev->queues = n;
		return status;
	case OPT_QUEUE_SIZE:
		status = number("--queue-size", arg, 2, QUEUE_SIZE_MAX, &n);
		dev->queue_size = n;
		if (status < 0 && n & (n - 1))
			return bad("--queue-size", arg,
				   "a power of two is needed");
		return status;
	case OPT_MTU:
		status = number("--mtu", arg, MTU_MIN, MTU_MAX, &n);
		dev->mtu = n;
		return status;
	case OPT_BACK_END_TIMEOUT:
		status = number("--back-end-timeout", arg, 1, INT_MAX, &n);
		dev->backend_timeout_ms = n;
		return status;
	case OPT_CLIENT_TIMEOUT:
		status = number("--client-timeout", arg, 10, INT_MAX, &n);
		dev->client_timeout_ms = n;
		dev->attributes = NULL;
		return status;
	case OPT_CID:
		status = number("--cid", arg, CID_MIN, CID_MAX, &dev->cid);
		dev->has_cid = true;
		return status;
	default:
		status = number("--config-size", arg, 1, VHOST_CONFIG_MAX, &n);
		dev->config_size = n;
		return status;
	}
}

static int new_device(struct vhost_arguments *args, const char *name)
{
	struct vhost_device_options *dev = &args->device[args->nr];

	if (args->nr == VHOST_MAX_DEVICES)
		return bad("--device", name,
			   "too many devices, 64 is the maximum");
	if (vhost_type_find(name, &dev->type))
		return bad("--device", name, "unknown type");
	if (dev->type.id == VIRTIO_ID_CRYPTO)
		return bad("--device", name,
			   "a crypto device has a control queue, which "
			   "vuser-vhost does not serve");
	args->nr++;
	return -1;
}

static int one_option(int c, struct vhost_arguments *args)
{
	struct vhost_device_options *dev;

	if (!args->nr) {
		fprintf(stderr, "vuser-vhost: --device must come first\n");
		return bad_usage();
	}
	dev = &args->device[args->nr - 1];
	switch (c) {
	case 'b':
		dev->backend = optarg;
		return -1;
	case 's':
		args->socket[args->nr - 1] = optarg;
		return -1;
	case OPT_NO_PACKED:
		dev->no_packed = true;
		return -1;
	case OPT_LISTEN:
		dev->listen = true;
		return -1;
	case OPT_MAC:
		if (vhost_net_parse_mac(optarg, dev->mac))
			return bad("--mac", optarg,
				   "a unicast MAC address is needed, for "
				   "example 52:54:00:12:34:56");
		dev->has_mac = true;
		return -1;
	case OPT_TAG:
		if (!*optarg || strlen(optarg) > TAG_MAX)
			return bad("--tag", optarg, "1 to 36 bytes are needed");
		dev->tag = optarg;
		return -1;
	case OPT_ATTRIBUTES:
		dev->attributes = optarg;
		return -1;
	case OPT_STATE:
		dev->state = optarg;
		return -1;
	default:
		return numeric(c, optarg, dev);
	}
}

/*
 * A command of the client may wait for another one that waits for the back end, so the
 * client must wait for more than twice as long.
 */
static int check_timeouts(const struct vhost_device_options *dev)
{
	int client = dev->client_timeout_ms ?: VHOST_CLIENT_MS;
	char arg[16], wanted[128];

	if (dev->attributes || dev->backend_timeout_ms < (client + 1) / 2)
		return -1;
	snprintf(arg, sizeof(arg), "%d", dev->backend_timeout_ms);
	snprintf(wanted, sizeof(wanted),
		 "less than half of --client-timeout is needed, which is %d",
		 client);
	return bad("--back-end-timeout", arg, wanted);
}

/* Reject options that do not apply to the type of the device. */
static int check_device(const struct vhost_device_options *dev,
			const char *socket)
{
	const char *name = dev->type.name;
	bool net = !strcmp(name, "net");

	if (!dev->backend || !socket) {
		fprintf(stderr, "vuser-vhost: %s: %s is needed\n", name,
			dev->backend ? "--socket" : "--back-end");
		return bad_usage();
	}
	if ((dev->has_mac || dev->mtu) && !net)
		return bad("--device", name, "--mac and --mtu are for net");
	if (dev->has_cid && strcmp(name, "vsock"))
		return bad("--device", name, "--cid is for vsock");
	if (dev->tag && strcmp(name, "fs"))
		return bad("--device", name, "--tag is for fs");
	if (dev->config_size && strcmp(name, "other"))
		return bad("--device", name, "--config-size is for id=N");
	if (net && dev->queues > (VHOST_MAX_QUEUES - 1) / 2)
		return bad("--device", name, "--queues: too many queue pairs");
	return -1;
}

static int check_all(struct vhost_arguments *args)
{
	unsigned int i;
	int status = -1;

	if (!args->nr) {
		fprintf(stderr, "vuser-vhost: --device is needed\n");
		return bad_usage();
	}
	for (i = 0; i < args->nr && status < 0; i++) {
		status = check_device(&args->device[i], args->socket[i]);
		if (status < 0)
			status = check_timeouts(&args->device[i]);
	}
	return status;
}

static void be_verbose(struct vhost_arguments *args)
{
	unsigned int i;

	for (i = 0; i < VHOST_MAX_DEVICES; i++)
		args->device[i].verbose = true;
}

/**
 * vhost_arguments_parse - read the command line
 * @argc: number of arguments, as in main()
 * @argv: arguments, as in main(); @args points to their strings
 * @args: zeroed; filled in
 *
 * Return: -1 to continue, otherwise the exit status.
 */
int vhost_arguments_parse(int argc, char **argv, struct vhost_arguments *args)
{
	struct option_parser parser;
	int key, status = -1;

	option_begin(&parser, false);
	option_add(&parser, options);
	while (status < 0 && (key = option_next(&parser, argc, argv)) != -1) {
		switch (key) {
		case 'd':
			status = new_device(args, optarg);
			break;
		case 'v':
			be_verbose(args);
			break;
		case 'h':
			usage();
			return EX_OK;
		case 'V':
			puts("vuser-vhost " VUSER_VERSION);
			return EX_OK;
		case '?':
			return bad_usage();
		default:
			status = one_option(key, args);
		}
	}
	if (status >= 0)
		return status;
	if (optind < argc) {
		fprintf(stderr, "vuser-vhost: unexpected argument '%s'\n",
			argv[optind]);
		return bad_usage();
	}
	return check_all(args);
}
