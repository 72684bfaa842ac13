// SPDX-License-Identifier: GPL-2.0
/* vuserd: connects vuser devices to their servers. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "../common/complete.h"
#include "../common/exit-status.h"
#include "caps.h"
#include "helper.h"
#include "log.h"

/* The same as LimitNOFILE in vuserd.service.in. */
#define FD_LIMIT 65536

static const struct opt options[] = {
	{ "foreground", 'f', NULL, false,
	  "write plain log lines, without journal priorities" },
	{ "verbose", 'v', NULL, false, "log every step" },
	{ "help", 'h', NULL, false, "print this help and exit" },
	{ "version", 'V', NULL, false, "print the version and exit" },
	{},
};

struct arguments {
	bool foreground;
	bool verbose;
};

static void usage(FILE *to)
{
	fputs("usage: vuserd [-f] [-v]\n"
	      "Connect vuser devices to the vfio-user servers at their endpoints.\n\n",
	      to);
	option_print(to, options);
	fputs("\nSee vuserd(8).\n", to);
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
		case 'f':
			args->foreground = true;
			break;
		case 'v':
			args->verbose = true;
			break;
		case 'V':
			puts("vuserd " VUSER_VERSION);
			return EX_OK;
		case 'h':
			usage(stdout);
			return EX_OK;
		default:
			usage(stderr);
			return EX_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "vuserd: unexpected argument '%s'\n",
			argv[optind]);
		usage(stderr);
		return EX_USAGE;
	}
	return -1;
}

/*
 * Each attempt to connect to a server needs a few file descriptors. The limit also holds
 * for the files in all messages of this user that are not read yet: while there are more,
 * the process of an attempt cannot pass its files on.
 */
static void raise_fd_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	if (limit.rlim_max < FD_LIMIT) {
		/* This needs CAP_SYS_RESOURCE. */
		const struct rlimit higher = { FD_LIMIT, FD_LIMIT };

		if (!setrlimit(RLIMIT_NOFILE, &higher))
			return;
	}
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int on_hangup(sd_event_source *source,
		     const struct signalfd_siginfo *info, void *data)
{
	(void)source;
	(void)info;
	sd_notify(0, "RELOADING=1");
	helper_retry(data);
	sd_notify(0, "READY=1");
	return 0;
}

static int add_signals(sd_event *event, struct helper *helper)
{
	sigset_t set;
	int ret;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	/* Processes that connect to servers end with this signal. */
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	/* Without a handler, a signal ends the event loop. */
	ret = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
	if (ret >= 0)
		ret = sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
	if (ret >= 0)
		ret = sd_event_add_signal(event, NULL, SIGHUP, on_hangup,
					  helper);
	return ret < 0 ? ret : 0;
}

static int run(sd_event *event)
{
	struct helper helper;
	int ret;

	ret = add_signals(event, &helper);
	if (ret)
		return ret;
	ret = helper_start(&helper, event);
	if (!ret) {
		/*
		 * This has an effect only if the service manager has set a
		 * watchdog.
		 */
		sd_event_set_watchdog(event, true);
		sd_notify(0, "READY=1");
		ret = sd_event_loop(event);
		sd_notify(0, "STOPPING=1");
	}
	helper_stop(&helper);
	return ret;
}

int main(int argc, char **argv)
{
	const struct completion completion = { .tables = { options } };
	struct arguments args = {};
	sd_event *event = NULL;
	int ret, status;

	if (complete_wanted(argc, argv)) {
		complete_words(&completion, argc - 2, argv + 2);
		return EX_OK;
	}
	status = parse(argc, argv, &args);
	if (status >= 0)
		return status;
	log_open(args.foreground, args.verbose);
	signal(SIGPIPE, SIG_IGN);
	raise_fd_limit();

	ret = caps_drop_unneeded();
	if (!ret)
		ret = sd_event_default(&event);
	if (ret >= 0)
		ret = run(event);
	sd_event_unref(event);
	if (ret < 0) {
		log_err("cannot continue: %s", strerror(-ret));
		return exit_status(ret);
	}
	return EX_OK;
}
