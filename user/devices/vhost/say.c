// SPDX-License-Identifier: GPL-2.0
/*
 * Messages for the user. A consumer and a back end can cause any number of them, so
 * their rate is limited, and so is the size of a file that receives them.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "say.h"

/* Lines that may be printed at once, and seconds until one more may be printed. */
#define LINES_MAX 100
#define LINE_SEC  10

/* Bytes after which a file gets no further lines. */
#define FILE_MAX (1024 * 1024)

/**
 * struct budget - lines that may be printed
 * @spent: lines that count at @since
 * @since: CLOCK_MONOTONIC in seconds
 * @lost: lines that were not printed
 */
struct budget {
	unsigned int spent;
	int64_t since;
	unsigned int lost;
};

/* Each device has a thread, and so its own budget. */
static _Thread_local struct budget budget;

static void refill(struct budget *b)
{
	struct timespec now;
	int64_t lines;

	clock_gettime(CLOCK_MONOTONIC, &now);
	lines = (now.tv_sec - b->since) / LINE_SEC;
	b->since += lines * LINE_SEC;
	b->spent = lines < b->spent ? b->spent - lines : 0;
}

static bool file_is_full(void)
{
	struct stat st;

	return !fstat(STDERR_FILENO, &st) && S_ISREG(st.st_mode) &&
	       st.st_size > FILE_MAX;
}

static bool may_print(struct budget *b)
{
	refill(b);
	if (b->spent == LINES_MAX || file_is_full()) {
		b->lost++;
		return false;
	}
	b->spent++;
	return true;
}

void vhost_say(const struct vhost_device *dev, const char *fmt, ...)
{
	const char *backend = dev->options.backend;
	char text[1024];
	va_list ap;

	if (!may_print(&budget))
		return;
	if (budget.lost)
		fprintf(stderr, "vuser-vhost: %s: %u lines left out\n", backend,
			budget.lost);
	budget.lost = 0;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* One call, so that the lines of several threads do not mix. */
	fprintf(stderr, "vuser-vhost: %s: %s\n", backend, text);
}

int vhost_say_failed(const struct vhost_device *dev, const char *what, int ret)
{
	if (ret && ret != -EFAULT && ret != -EINVAL)
		vhost_say(dev, "%s: %s", what,
			  vhost_backend_error(dev->conn.backend));
	return ret;
}
