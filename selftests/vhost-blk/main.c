// SPDX-License-Identifier: GPL-2.0
/*
 * vuser-vhost-blk: a vhost-user back end that serves a file as a disk, to one
 * front end at a time.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <vuser/sock.h>

#include "crash.h"
#include "session.h"

static const char usage[] =
	"usage: vuser-vhost-blk --blk-file=PATH --socket-path=PATH|--fd=FD\n"
	"  --num-queues=N  1 to 16, default 1\n"
	"  --backwards     execute the requests of a batch in reverse order\n"
	"  --no-inflight   do not track requests in flight\n"
	"  --crash=POINT[:N]  raise SIGKILL at the Nth taken, half, done, listed, used,\n"
	"                  cleared or committed\n";

enum {
	OPT_FILE = 256,
	OPT_SOCKET,
	OPT_FD,
	OPT_QUEUES,
	OPT_CRASH
};

struct arguments {
	struct session_options session;
	const char *file;
	const char *path;
	int fd;
};

static void bad_usage(void)
{
	fputs(usage, stderr);
	exit(2);
}

static unsigned long number(const char *text, unsigned long max)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || end == text || value > max)
		bad_usage();
	return value;
}

static void parse(struct arguments *args, int argc, char **argv)
{
	struct session_options *s = &args->session;
	int backwards = 0, no_inflight = 0, opt;
	const struct option options[] = {
		{ "blk-file", required_argument, NULL, OPT_FILE },
		{ "socket-path", required_argument, NULL, OPT_SOCKET },
		{ "fd", required_argument, NULL, OPT_FD },
		{ "num-queues", required_argument, NULL, OPT_QUEUES },
		{ "crash", required_argument, NULL, OPT_CRASH },
		{ "backwards", no_argument, &backwards, 1 },
		{ "no-inflight", no_argument, &no_inflight, 1 },
		{ 0 }
	};

	while ((opt = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (opt == OPT_FILE)
			args->file = optarg;
		else if (opt == OPT_SOCKET)
			args->path = optarg;
		else if (opt == OPT_FD)
			args->fd = number(optarg, INT32_MAX);
		else if (opt == OPT_QUEUES)
			s->queues = number(optarg, SESSION_QUEUES);
		else if (opt == OPT_CRASH && crash_parse(optarg))
			bad_usage();
		else if (opt == '?')
			bad_usage();
	}
	s->backwards = backwards;
	s->no_inflight = no_inflight;
	if (optind != argc || !args->file || !s->queues ||
	    !args->path == (args->fd < 0))
		bad_usage();
}

static void serve_all(const struct arguments *args, struct disk *disk)
{
	int listener = vuser_sock_listen(args->path), fd;
	struct pollfd pfd = { .fd = listener, .events = POLLIN };

	if (listener < 0)
		errx(1, "%s: %s", args->path, strerror(-listener));
	sd_notify(0, "READY=1");
	for (;;) {
		if (poll(&pfd, 1, -1) < 0 && errno != EINTR)
			err(1, "poll");
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			session_run(&args->session, disk, fd);
	}
}

int main(int argc, char **argv)
{
	struct arguments args = { .fd = -1, .session.queues = 1 };
	struct disk disk;
	int ret;

	parse(&args, argc, argv);
	ret = disk_open(&disk, args.file);
	if (ret)
		errx(1, "%s: %s", args.file, strerror(-ret));
	if (args.path)
		serve_all(&args, &disk);
	return session_run(&args.session, &disk, args.fd) ? 1 : 0;
}
