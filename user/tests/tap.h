/* SPDX-License-Identifier: GPL-2.0 */
/* Lines of TAP, for test programs. */
#ifndef TAP_H
#define TAP_H

#include <stdbool.h>

/* "ok N - ..." or "not ok N - ..."; returns @ok. */
__attribute__((format(printf, 2, 3))) bool tap_ok(bool ok, const char *fmt,
						  ...);

/* "Bail out! ...": the rest makes no sense; ends the program. */
__attribute__((format(printf, 1, 2), noreturn)) void tap_bail(const char *fmt,
							      ...);

/* The plan; returns what main() should. */
int tap_done(void);

#endif /* TAP_H */
