// SPDX-License-Identifier: GPL-2.0
/* vuserd: connects vuser devices to their servers. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "caps.h"
#include "helper.h"
#include "log.h"

/* The same as LimitNOFILE in vuserd.service.in. */
#define FD_LIMIT 65536

static const char usage[] =
	"usage: vuserd [-f] [-v]\n"
	"Connect vuser devices to the vfio-user servers at their endpoints.\n"
	"\n"
	"  -f, --foreground  write plain log lines, without journal priorities\n"
	"  -v, --verbose     log every step\n"
	"      --version     print the version and exit\n"
	"  -h, --help        print this help and exit\n"
	"\n"
	"See vuserd(8).\n";

struct options {
	bool foreground;
	bool verbose;
};

/* 0: continue; otherwise exit with *@status. */
static int parse_options(int argc, char **argv, struct options *opt,
			 int *status)
{
	static const struct option longs[] = {
		{ "foreground", no_argument, NULL, 'f' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	int c;

	*status = EXIT_SUCCESS;
	while ((c = getopt_long(argc, argv, "fvh", longs, NULL)) != -1) {
		switch (c) {
		case 'f':
			opt->foreground = true;
			break;
		case 'v':
			opt->verbose = true;
			break;
		case 'V':
			puts("vuserd " VUSER_VERSION);
			return 1;
		case 'h':
			fputs(usage, stdout);
			return 1;
		default:
			fputs(usage, stderr);
			*status = EXIT_FAILURE;
			return 1;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "vuserd: unexpected argument '%s'\n%s",
			argv[optind], usage);
		*status = EXIT_FAILURE;
		return 1;
	}
	return 0;
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
	struct options opt = {};
	sd_event *event = NULL;
	int ret, status;

	if (parse_options(argc, argv, &opt, &status))
		return status;
	log_open(opt.foreground, opt.verbose);
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
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
