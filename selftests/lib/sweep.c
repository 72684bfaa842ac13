// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "sweep.h"

/* More places than there are anywhere. */
#define MAX_NTH 3000

static char why[256];

/*
 * What a system call may say of a failure: EINVAL where VFIO then tries another
 * backend, EIO of a register access.
 */
static bool clean(const struct act *act, int ret)
{
	switch (ret) {
	case 0:
	case -ENOMEM:
	case -EFAULT:
	case -ENOBUFS:
	case -EINVAL:
	case -EIO:
		return true;
	case -ENOTCONN:
	case -ENODEV:
		return act->lossy;
	default:
		return false;
	}
}

static const char *sweep_how(const struct act *act, enum inject_how how)
{
	const char *name = how == INJECT_ONE ? "place alone" :
					       "place and all behind it";
	unsigned int step = how == INJECT_REST && act->step ? act->step : 1;
	unsigned int nth, places = 0;
	int ret = 0, failed = 1;

	for (nth = 1; failed && nth < MAX_NTH; nth += step) {
		ret = inject_arm(act->who, how, nth);
		if (ret) {
			snprintf(why, sizeof(why), "cannot arm: %s",
				 strerror(-ret));
			return why;
		}
		ret = act->run(act->data);
		failed = inject_disarm();
		places += failed;
		if (act->undo)
			act->undo(act->data);
		if (clean(act, ret))
			continue;
		snprintf(why, sizeof(why), "%s %u fails: %s", name, nth,
			 strerror(-ret));
		return why;
	}
	printf("# %s: %u places\n", name, places);
	/* One at least, or nothing was tried. */
	snprintf(why, sizeof(why), "%s: %u places, then %s", name, places,
		 strerror(-ret));
	return failed || ret || !places ? why : NULL;
}

const char *sweep(const struct act *act)
{
	const char *wrong = NULL;

	if (act->behind_first)
		wrong = sweep_how(act, INJECT_REST);
	if (!wrong)
		wrong = sweep_how(act, INJECT_ONE);
	if (!wrong && !act->behind_first && !act->alone_only)
		wrong = sweep_how(act, INJECT_REST);
	return wrong;
}

int sweep_run(int argc, char **argv, int (*run)(int argc, char **argv))
{
	int ret = inject_init();

	if (!ret)
		return run(argc, argv);
	printf("TAP version 13\n1..1\n");
	printf("not ok 1 - this kernel injects failures: %s\n", strerror(-ret));
	return 1;
}
