// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "sweep.h"

/* A limit above the number of places in any operation. */
#define MAX_NTH 3000

static char why[256];

/*
 * The errors that a system call may return: EINVAL where VFIO then tries
 * another backend, EIO for a register access.
 */
static bool is_permitted(const struct sweep_op *op, int ret)
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
		return op->lossy;
	default:
		return false;
	}
}

static const char *sweep_scope(const struct sweep_op *op,
			       enum inject_scope scope)
{
	const char *name = scope == INJECT_ONE ? "single failures" :
						 "failures from a place on";
	unsigned int step = scope == INJECT_FROM && op->step ? op->step : 1;
	unsigned int nth, places = 0;
	int ret = 0, failed = 1;

	for (nth = 1; failed && nth < MAX_NTH; nth += step) {
		ret = inject_arm(op->target, scope, nth);
		if (ret) {
			snprintf(why, sizeof(why), "cannot arm: %s",
				 strerror(-ret));
			return why;
		}
		ret = op->run(op->data);
		failed = inject_disarm();
		places += failed;
		if (op->undo)
			op->undo(op->data);
		if (is_permitted(op, ret))
			continue;
		snprintf(why, sizeof(why), "%s, place %u: unexpected error: %s",
			 name, nth, strerror(-ret));
		return why;
	}
	printf("# %s: %u places\n", name, places);
	/* There must be at least one place; otherwise nothing was tested. */
	snprintf(why, sizeof(why), "%s: %u places, then %s", name, places,
		 strerror(-ret));
	return failed || ret || !places ? why : NULL;
}

const char *sweep(const struct sweep_op *op)
{
	const char *wrong = NULL;

	if (op->from_first)
		wrong = sweep_scope(op, INJECT_FROM);
	if (!wrong)
		wrong = sweep_scope(op, INJECT_ONE);
	if (!wrong && !op->from_first && !op->one_only)
		wrong = sweep_scope(op, INJECT_FROM);
	return wrong;
}

int sweep_run(int argc, char **argv, int (*run)(int argc, char **argv))
{
	int ret = inject_init();

	if (!ret)
		return run(argc, argv);
	printf("TAP version 13\n1..1\n");
	printf("not ok 1 - this kernel can inject failures: %s\n",
	       strerror(-ret));
	return 1;
}
