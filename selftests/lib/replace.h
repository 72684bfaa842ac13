/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Asks the kernel for another server of an open device, as vuserctl replace does.
 * Functions return 0 or -errno.
 */
#ifndef SELFTESTS_REPLACE_H
#define SELFTESTS_REPLACE_H

#include <linux/vuser.h>
#include <stdbool.h>
#include <stdint.h>

#include "nlt.h"

/* The result of the last replacement, and the path of the server's socket. */
struct replace_result {
	uint32_t state; /* enum vuser_replacing */
	uint64_t pause_us;
	char error[VUSER_ERROR_MAX + 1];
	char endpoint[256];
};

/* Asks for the server at @path. */
int replace_ask(struct nlt *nl, const char *uuid, const char *path,
		bool no_state);
/* Waits until no replacement is pending; -ETIMEDOUT after @ms. */
int replace_wait(struct nlt *nl, const char *uuid, int ms,
		 struct replace_result *result);

#endif /* SELFTESTS_REPLACE_H */
