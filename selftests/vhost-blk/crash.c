// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "crash.h"

static const char *const names[] = {
	[CRASH_TAKEN] = "taken",	 [CRASH_HALF] = "half",
	[CRASH_DONE] = "done",		 [CRASH_LISTED] = "listed",
	[CRASH_USED] = "used",		 [CRASH_CLEARED] = "cleared",
	[CRASH_COMMITTED] = "committed",
};

static enum crash_point chosen;
static unsigned long times = 1;

int crash_parse(const char *text)
{
	size_t len = strcspn(text, ":"), i;
	char *end = NULL;

	if (text[len]) {
		errno = 0;
		times = strtoul(text + len + 1, &end, 10);
		if (errno || *end || !times)
			return -EINVAL;
	}
	for (i = 1; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == len && !strncmp(names[i], text, len))
			chosen = i;
	return chosen ? 0 : -EINVAL;
}

void crash_here(enum crash_point point)
{
	if (point == chosen && !--times)
		raise(SIGKILL);
}
